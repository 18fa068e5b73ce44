"""A provider in memory that the SDK talks to through its own `Transport`.

What lives here: real keys, real codes and tokens made by hand, so that a test can spoil exactly
one thing.  Its signatures are joserfc's, not the SDK's.  Not here: a whole provider; the tests
against node-oidc-provider are in `test_peer.py`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from clients.sdk import HttpAnswer, HttpRequest, Portal, ProviderUnavailable
from tests.support.pii_alarm import SEEDED

ISSUER = "https://dang-nhap.example"
CLIENT_ID = "cong-thu-nghiem"
REDIRECT_URI = "https://cong.example/callback"
EVENT = "http://schemas.openid.net/event/backchannel-logout"

Claims = dict[str, Any]


def compact(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, key: Any) -> str:
    """Sign whatever is asked for, `none` and nonsense included."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    if header["alg"] == "none":
        parts = (json.dumps(header).encode(), payload, b"")
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return jws.serialize_compact(dict(header), payload, key, registry=registry)


class FakeProvider:
    """Answers the SDK's requests; every answer can be spoiled by the test."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.keys: dict[str, ECKey | RSAKey] = {"k1": ECKey.generate_key("P-256")}
        self.requests: list[HttpRequest] = []
        self.metadata: Claims = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
            "jwks_uri": f"{ISSUER}/jwks",
            "end_session_endpoint": f"{ISSUER}/logout",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        self.cache_control = "max-age=300"
        self.is_down = False
        self.answers: dict[str, HttpAnswer] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_nonce: str | None = None
        self.userinfo: Claims = {
            "sub": "p-1",
            "name": SEEDED.name,
            "personal_id_number": SEEDED.citizen_number,
            "account_level": 2,
        }
        self.spoil_claims: Callable[[Claims], None] = lambda claims: None
        self.spoil_header: Callable[[Claims], None] = lambda header: None
        self.spoil_answer: Callable[[Claims], None] = lambda answer: None
        self.signer: tuple[str, Any] = ("ES256", None)

    def send(self, request: HttpRequest) -> HttpAnswer:
        """The SDK's `Transport`."""
        self.requests.append(request)
        if self.is_down:
            raise ProviderUnavailable(request.where, reason="no_answer")
        if request.where in self.answers:
            return self.answers[request.where]
        match request.where:
            case "metadata":
                return self.json(self.metadata)
            case "jwks":
                return self.json({"keys": [self.public(kid) for kid in self.keys]})
            case "token":
                return self._token(dict(parse_qsl((request.body or b"").decode())))
            case _:
                return self.json(self.userinfo)

    def authorize(self, url: str, **changes: str) -> dict[str, str]:
        """Play the browser: sign in at once and return the parameters of the response."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": ISSUER} | changes

    def id_claims(self, **changes: Any) -> Claims:
        """The claims of a good ID token."""
        now_s = int(self.clock().timestamp())
        return {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "sub": "p-1",
            "sid": "s-1",
            "iat": now_s,
            "exp": now_s + 300,
            "auth_time": now_s - 10,
            "acr": "urn:vn:auth:2",
        } | changes

    def logout_token(self, *, typ: str | None = "logout+jwt", **changes: Any) -> str:
        """A logout token, good unless changed; a claim changed to None is left out."""
        now_s = int(self.clock().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "sub": "p-1",
            "sid": "s-1",
            "iat": now_s,
            "exp": now_s + 120,
            "jti": secrets.token_urlsafe(8),
            "events": {EVENT: {}},
        } | changes
        kept = {name: value for name, value in claims.items() if value is not None}
        return self.sign(kept, typ=typ)

    def sign(self, claims: Claims, *, typ: str | None = None) -> str:
        """Sign with the newest key, or with what the test put into `signer`."""
        algorithm, key = self.signer
        kid = list(self.keys)[-1]
        header = {"alg": algorithm, "kid": kid} | ({} if typ is None else {"typ": typ})
        self.spoil_header(header)
        return compact(header, claims, self.keys[kid] if key is None else key)

    def public(self, kid: str) -> Claims:
        """A key as the JWK set has it."""
        key = self.keys[kid]
        algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
        return {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": algorithm}

    def json(self, document: Any) -> HttpAnswer:
        """A 200 with a JSON body."""
        headers = {"content-type": "application/json", "cache-control": self.cache_control}
        return HttpAnswer(status=200, headers=headers, body=json.dumps(document).encode())

    def count(self, where: str) -> int:
        """How often one endpoint was asked."""
        return sum(request.where == where for request in self.requests)

    def _token(self, form: dict[str, str]) -> HttpAnswer:
        claims = self.id_claims()
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form["code"], None)
            verifier = form["code_verifier"].encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=")
            if asked is None or asked["code_challenge"] != digest.decode():
                body = json.dumps({"error": "invalid_grant"}).encode()
                return HttpAnswer(status=400, headers={}, body=body)
            claims["nonce"] = asked["nonce"]
        access_token = secrets.token_urlsafe(16)
        digest = hashlib.sha256(access_token.encode()).digest()[:16]
        claims["at_hash"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self.spoil_claims(claims)
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 300,
            "refresh_token": secrets.token_urlsafe(16),
            "id_token": self.sign(claims),
        }
        self.spoil_answer(answer)
        return self.json(answer)


def make_portal(provider: FakeProvider, **changes: Any) -> Portal:
    """A portal of that provider with a secret, unless changed."""
    settings: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "client_secret": SEEDED.client_secret,
        "redirect_uri": REDIRECT_URI,
        "transport": provider,
        "now": provider.clock,
        "leeway": timedelta(seconds=5),
    }
    return Portal(ISSUER, **(settings | changes))


def sign_in(portal: Portal, provider: FakeProvider, **wishes: Any) -> Any:
    """A whole sign-in; returns the `Login`."""
    started = portal.start_login(**wishes)
    return portal.finish_login(provider.authorize(started.url), started.state_to_keep)


def mac_key() -> OctKey:
    """The portal's own secret as a MAC key."""
    return OctKey.import_key(SEEDED.client_secret)
