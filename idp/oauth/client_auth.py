"""Who is calling the token endpoint, and the endpoints beside it.

What lives here: the four ways to authenticate, exactly one per request and only the one that the
client registered.  Every failure reads alike.  Not here: what the client may then do.
Sources: RFC 6749 §2.3, Appendix B; OpenID Connect Core §9; RFC 7523 §3; RFC 9700 §2.5.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final, Protocol
from urllib.parse import unquote_plus

from clients.registry.model import AuthMethod, Client
from clients.registry.profiles import AssertionAudience, profile_of
from clients.registry.secrets import is_live_secret
from idp.oauth.errors import InvalidClient, InvalidRequest
from idp.oauth.parameters import Parameters
from keystore.jose import JoseError, KeySet, unverified_issuer, unverified_kid, verify_jwt

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS: Final = frozenset({"ES256", "ES384", "PS256", "RS256", "EdDSA", "Ed25519"})
_ASSERTION_LIFETIME: Final = timedelta(minutes=10)
"""An assertion that holds longer is refused: its jti would have to be remembered longer."""
_CLOCK_SKEW_S: Final = 30


class Registered(Protocol):
    """The registry, as far as this module looks."""

    def find_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client that may be used now."""


class ClientKeys(Protocol):
    """Where the public keys of a client come from (registered, or fetched and cached)."""

    def keys_of(self, client: Client, *, kid: str | None, now: datetime) -> KeySet:
        """The client's keys for verifying an assertion that names the key `kid`."""


class SpentOnce(Protocol):
    """The ephemeral store, as far as this module looks."""

    def first_use(self, key: str, *, lifetime: timedelta, now: datetime) -> bool:
        """True for exactly one caller until the lifetime is over."""


class ClientAuthentication:
    """Authenticates clients of one issuer."""

    def __init__(
        self,
        registry: Registered,
        *,
        keys: ClientKeys,
        spent: SpentOnce,
        issuer: str,
        token_endpoint: str,
    ) -> None:
        self._registry = registry
        self._keys = keys
        self._spent = spent
        self._audiences = {
            AssertionAudience.ISSUER: issuer,
            AssertionAudience.TOKEN_ENDPOINT: token_endpoint,
        }

    def authenticate(
        self,
        parameters: Parameters,
        *,
        authorization: str | None,
        source: str | None,
        now: datetime,
    ) -> Client:
        """The client that sent this request.

        Takes   authorization: the header's value; source: the caller's address.
        1. Exactly one way of authentication is used.
        2. The client exists, is enabled, and registered that very way.
        3. What it presents is right.
        4. It calls from where it may.
        Raises  InvalidClient, the same for 2 to 4; InvalidRequest for 1.
        Source  RFC 6749 §2.3: a client MUST NOT use more than one method in each request.
        """
        basic = _parse_basic(authorization)
        assertion = parameters.get("client_assertion")
        secret = parameters.get("client_secret")
        if sum((basic is not None, assertion is not None, secret is not None)) > 1:
            raise InvalidRequest("more than one client authentication method")
        client_id = parameters.get("client_id")
        if assertion is not None:
            client = self._by_assertion(assertion, parameters, now=now)
        elif basic is not None:
            client = self._by_secret(AuthMethod.BASIC, *basic, now=now)
        elif secret is not None:
            client = self._by_secret(AuthMethod.POST, client_id or "", secret, now=now)
        else:
            client = self._find(client_id or "", AuthMethod.NONE, now=now)
        if client_id is not None and client_id != client.client_id:
            raise InvalidClient
        _refuse_source(client, source=source)
        return client

    def _find(self, client_id: str, method: AuthMethod, *, now: datetime) -> Client:
        client = self._registry.find_client(client_id, now=now)
        if client is None or client.token_endpoint_auth_method is not method:
            raise InvalidClient
        return client

    def _by_secret(
        self, method: AuthMethod, client_id: str, raw_secret: str, *, now: datetime
    ) -> Client:
        client = self._find(client_id, method, now=now)
        if not is_live_secret(raw_secret, known=client.secrets, now=now):
            raise InvalidClient
        return client

    def _by_assertion(self, raw: str, parameters: Parameters, *, now: datetime) -> Client:
        """Verify a client assertion.

        1. The type is the one of RFC 7523 §2.2.
        2. `iss` names a client that registered private_key_jwt (looked up unverified).
        3. A key of that client signed it; `iss` = `sub` = client; `aud` is one string that the
           client's profile allows; `exp` is near, `iat` and `nbf` are not in the future.
        4. `jti` is used for the first time.
        Source  RFC 7523 §3; OpenID Connect Core §9; FAPI 2.0 Security Profile §5.3.2.1.
        """
        if parameters.get("client_assertion_type") != ASSERTION_TYPE:  # 1
            raise InvalidRequest("client_assertion_type is missing or unknown")
        try:
            issuer = unverified_issuer(raw)
            client = self._find(issuer or "", AuthMethod.PRIVATE_KEY_JWT, now=now)  # 2
            claims = verify_jwt(  # 3
                raw,
                keys=self._keys.keys_of(client, kid=unverified_kid(raw), now=now),
                allowed_algorithms=ASSERTION_ALGORITHMS,
                expected_typ=None,
                expected_issuer=client.client_id,
                expected_audience=None,
                now=now,
                leeway_s=_CLOCK_SKEW_S,
                required=frozenset({"iss", "sub", "aud", "exp", "jti"}),
            )
        except JoseError as problem:
            raise InvalidClient from problem
        audiences = {
            self._audiences[audience] for audience in profile_of(client).assertion_audiences
        }
        if claims["sub"] != client.client_id or not isinstance(claims["aud"], str):
            raise InvalidClient
        if claims["aud"] not in audiences:
            raise InvalidClient
        lives_s = float(claims["exp"]) - now.timestamp()
        if lives_s > _ASSERTION_LIFETIME.total_seconds():
            raise InvalidClient
        lifetime = timedelta(seconds=max(lives_s, 0.0) + 2 * _CLOCK_SKEW_S)
        if not self._spent.first_use(  # 4
            f"assertion:{client.client_id}:{_digest(claims['jti'])}", lifetime=lifetime, now=now
        ):
            raise InvalidClient
        return client


def _digest(jti: object) -> str:
    return hashlib.sha256(str(jti).encode("utf-8", "surrogatepass")).hexdigest()


def _parse_basic(authorization: str | None) -> tuple[str, str] | None:
    """Client id and secret of an HTTP Basic header; None when there is no such header.

    Raises  InvalidClient when the header is there but broken.
    Source  RFC 6749 §2.3.1: both are form-urlencoded before they are put together.
    """
    if authorization is None:
        return None
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient
    try:
        text = b64decode(encoded.strip(), validate=True).decode("utf-8")
        client_id, colon, secret = text.partition(":")
        decoded = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError as problem:  # binascii.Error and UnicodeDecodeError are of its kind
        raise InvalidClient from problem
    if not colon or not decoded[0] or not decoded[1]:
        raise InvalidClient
    return decoded


def _refuse_source(client: Client, *, source: str | None) -> None:
    if not client.source_allow_list:
        return
    try:
        admitted = source is not None and client.admits_source(ip_address(source))
    except ValueError:
        admitted = False
    if not admitted:
        raise InvalidClient
