"""How the portal proves to the token endpoint that it is the portal.

What lives here: client_secret_basic, client_secret_post, private_key_jwt and none.  Not here:
what is then asked for.

Source  OIDC Core §9; RFC 6749 §2.3.1; RFC 7523 §2.2, §3.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote_plus

from clients.sdk.errors import SettingsInvalid
from clients.sdk.jose import PrivateKey, sign_jwt
from clients.sdk.model import Secret

AuthMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFETIME_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """Who the portal is, and one of a secret, a key, or nothing."""

    client_id: str
    method: AuthMethod
    secret: Secret | None = None
    private_key: PrivateKey | None = None
    private_key_algorithm: str = "ES256"

    def __post_init__(self) -> None:
        needs_secret = self.method in {"client_secret_basic", "client_secret_post"}
        if needs_secret != (self.secret is not None):
            raise SettingsInvalid("client_secret", reason=f"does not go with {self.method}")
        if (self.method == "private_key_jwt") != (self.private_key is not None):
            raise SettingsInvalid("private_key", reason=f"does not go with {self.method}")

    def prove(self, *, issuer: str, now: datetime) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return headers and form members that authenticate one request."""
        match self.method:
            case "client_secret_basic":
                return {"Authorization": self._basic()}, {}
            case "client_secret_post":
                return {}, {"client_id": self.client_id, "client_secret": self._secret()}
            case "private_key_jwt":
                return {}, {
                    "client_id": self.client_id,
                    "client_assertion_type": _ASSERTION_TYPE,
                    "client_assertion": self._assertion(issuer=issuer, now=now),
                }
            case "none":
                return {}, {"client_id": self.client_id}

    def _basic(self) -> str:
        # RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self._secret())}"
        return "Basic " + base64.b64encode(pair.encode()).decode("ascii")

    def _assertion(self, *, issuer: str, now: datetime) -> str:
        if self.private_key is None:
            raise SettingsInvalid("private_key", reason="is missing")
        issued_s = int(now.timestamp())
        # The audience is the issuer alone: a list could be replayed at another server.
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": issuer,
            "iat": issued_s,
            "exp": issued_s + _ASSERTION_LIFETIME_S,
            "jti": secrets.token_urlsafe(16),
        }
        return sign_jwt(claims, key=self.private_key, algorithm=self.private_key_algorithm)

    def _secret(self) -> str:
        if self.secret is None:
            raise SettingsInvalid("client_secret", reason="is missing")
        return self.secret.reveal()
