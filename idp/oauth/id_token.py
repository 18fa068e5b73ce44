"""ID tokens: what a portal learns about the sign-in itself.

What lives here: making one, and reading one that comes back as a hint.  Personal data goes to
userinfo; an ID token carries only what the `claims` parameter asked to have in it.
Source: OpenID Connect Core §2, §3.1.3.6, §12.2; Back-Channel Logout §2.1 (`sid`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from idp.model import Grant
from keystore.jose import JoseError, VerifiedClaims, half_hash, sign_jwt, verify_jwt
from keystore.keyring import Keyring

_ALGORITHMS: Final = frozenset({"ES256", "RS256"})


class IdTokens:
    """Makes and reads ID tokens of one issuer.  `lifetime_s` is seconds from `iat` to `exp`."""

    def __init__(self, keyring: Keyring, *, issuer: str, lifetime_s: int) -> None:
        self._keyring = keyring
        self._issuer = issuer
        self._lifetime_s = lifetime_s

    def issue(
        self,
        grant: Grant,
        *,
        access_token: str,
        algorithm: str,
        extra: Mapping[str, Any],
        with_nonce: bool,
        now: datetime,
    ) -> str:
        """An ID token for a grant.

        Takes   algorithm: ES256 or RS256, as the client registered; extra: claims asked for one by
                one in `claims.id_token` and `org`; with_nonce: only at the code exchange.
        Source  OpenID Connect Core §2, §3.1.3.6 (`at_hash`), §12.2 (at refresh).
        """
        issued_at = int(now.timestamp())
        claims: dict[str, Any] = {
            **extra,
            "iss": self._issuer,
            "sub": grant.sub,
            "aud": grant.client_id,
            "iat": issued_at,
            "exp": issued_at + self._lifetime_s,
            "auth_time": int(grant.auth_time.timestamp()),
            "acr": grant.acr,
            "amr": list(grant.amr),
            "sid": grant.sid,
            "at_hash": half_hash(access_token, algorithm=algorithm),
        }
        if with_nonce and grant.nonce is not None:
            claims["nonce"] = grant.nonce
        key = self._keyring.signing_key(algorithm, now=now)
        return sign_jwt(claims, key=key, typ="JWT")

    def read_hint(
        self, raw: str, *, expected_client: str | None, now: datetime
    ) -> VerifiedClaims | None:
        """An ID token that we issued, expired or signed by a retired key; None for anything else.

        Source  OpenID Connect Core §3.1.2.1 `id_token_hint`; RP-Initiated Logout §2.
        """
        try:
            claims = verify_jwt(
                raw,
                keys=self._keyring.verification_keys(now),
                allowed_algorithms=_ALGORITHMS,
                expected_typ=frozenset({"jwt"}),
                expected_issuer=self._issuer,
                expected_audience=expected_client,
                now=now,
                required=frozenset({"iss", "exp", "aud", "sub", "iat"}),
                allow_expired=True,
            )
        except JoseError:
            return None
        return claims
