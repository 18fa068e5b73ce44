"""Access tokens: signed JWTs of five minutes at most that carry no personal data.

What lives here: their claims, and verifying one that comes back.  Whether the grant behind a token
still holds is `grant_state.py`.  Source: RFC 9068 §2.2, §4; RFC 8707; architecture, "Tokens".
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from idp.ids import GrantId
from idp.model import Grant
from idp.oauth.errors import InvalidToken
from keystore.jose import JoseError, KeySet, sign_jwt, verify_jwt
from keystore.keyring import Keyring

TYP: Final = "at+jwt"
_ACCEPTED_TYPES: Final = frozenset({TYP})
_ALGORITHMS: Final = frozenset({"ES256"})
_CLOCK_SKEW_S: Final = 5
"""Hosts of one deployment differ by this at most; a token may come back before its `iat`."""
_REQUIRED: Final = frozenset({"iss", "exp", "aud", "sub", "client_id", "iat", "jti"})
_MOST_REMEMBERED: Final = 2_048


@dataclass(frozen=True, slots=True)
class VerifiedAccessToken:
    """A token of ours whose signature, type, issuer and time hold; its grant is not looked at.

    `grant_id` is None for tokens of client credentials, whose `sub` is the client.
    """

    sub: str
    client_id: str
    audience: str
    scopes: tuple[str, ...]
    grant_id: GrantId | None
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What the verification of one token came to, and under which keys."""

    token: VerifiedAccessToken
    keys: KeySet
    since: datetime
    until_epoch_s: float

    def holds(self, *, keys: KeySet, audience: str | None, now: datetime) -> bool:
        """Whether verifying again could only come to the same."""
        return (
            self.keys is keys
            and audience in (None, self.token.audience)
            and self.since <= now
            and now.timestamp() < self.until_epoch_s
        )


class AccessTokens:
    """Makes and verifies access tokens of one issuer.

    Takes   issuer: as in the discovery document; lifetime_s: 300 at most.
    """

    def __init__(self, keyring: Keyring, *, issuer: str, lifetime_s: int) -> None:
        self._keyring = keyring
        self._issuer = issuer
        self.lifetime_s = lifetime_s
        self.userinfo_audience = f"{issuer}/userinfo"
        self._remembered: dict[bytes, _Remembered] = {}
        self._lock = threading.Lock()

    def issue_for_grant(
        self,
        grant: Grant,
        *,
        sub: str,
        scopes: tuple[str, ...],
        organisation: Mapping[str, Any] | None,
        now: datetime,
    ) -> str:
        """A token for what a person allowed, for `grant.resource` or else userinfo.

        Takes   sub: the person's name in the sector of the audience; organisation: the `org` claim
                when the person acts for one; it names no person.
        Source  RFC 9068 §2.2.
        """
        claims: dict[str, Any] = {
            "sub": sub,
            "aud": grant.resource or self.userinfo_audience,
            "client_id": grant.client_id,
            "scope": " ".join(scopes),
            "auth_time": int(grant.auth_time.timestamp()),
            "acr": grant.acr,
            "grant_id": grant.grant_id,
        }
        if organisation is not None:
            claims["org"] = organisation
        return self._sign(claims, now=now)

    def issue_for_client(
        self, client_id: str, *, scopes: tuple[str, ...], audience: str | None, now: datetime
    ) -> str:
        """A token for a client acting for itself; `sub` is the client.  RFC 9068 §2.2."""
        claims: dict[str, Any] = {
            "sub": client_id,
            "aud": audience or self._issuer,
            "client_id": client_id,
        }
        if scopes:  # RFC 6749 §3.3: a scope is one name at least
            claims["scope"] = " ".join(scopes)
        return self._sign(claims, now=now)

    def verify(
        self, raw: str, *, expected_audience: str | None, now: datetime
    ) -> VerifiedAccessToken:
        """Verify a token that was sent to us.

        A resource server asks about one token at each of its own requests: what was verified is
        remembered by the token's hash until the token expires or the keys are read anew.
        Takes   expected_audience: None where the caller compares `audience` by itself.
        Raises  InvalidToken, whatever the cause.
        Only keys of the JWK Set count: no token lives as long as a key stays in it.
        Source  RFC 9068 §4.
        """
        keys = self._keyring.published_keys(now)
        digest = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).digest()
        known = self._remembered.get(digest)
        if known is not None and known.holds(keys=keys, audience=expected_audience, now=now):
            return known.token
        try:
            claims = verify_jwt(
                raw,
                keys=keys,
                allowed_algorithms=_ALGORITHMS,
                expected_typ=_ACCEPTED_TYPES,
                expected_issuer=self._issuer,
                expected_audience=expected_audience,
                now=now,
                leeway_s=_CLOCK_SKEW_S,
                required=_REQUIRED,
            )
        except JoseError as problem:
            raise InvalidToken("the access token is not valid") from problem
        grant_id = claims.get("grant_id")
        token = VerifiedAccessToken(
            sub=claims["sub"],
            client_id=claims["client_id"],
            audience=claims["aud"],
            scopes=tuple(str(claims.get("scope", "")).split()),
            grant_id=None if grant_id is None else GrantId(grant_id),
            claims=claims,
        )
        self._remember(digest, _Remembered(token, keys, now, float(claims["exp"])))
        return token

    def _remember(self, digest: bytes, known: _Remembered) -> None:
        with self._lock:
            self._remembered.pop(digest, None)
            if len(self._remembered) >= _MOST_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[digest] = known

    def _sign(self, claims: dict[str, Any], *, now: datetime) -> str:
        issued_at = int(now.timestamp())
        claims["iss"] = self._issuer
        claims["iat"] = issued_at
        claims["exp"] = issued_at + self.lifetime_s
        claims["jti"] = secrets.token_urlsafe(16)
        key = self._keyring.signing_key("ES256", now=now)
        return sign_jwt(claims, key=key, typ=TYP)
