"""Access tokens: signed JWTs of five minutes at most that carry no personal data.

What lives here: their claims, and verifying one that comes back.  Whether the grant behind a token
still holds is `grant_state.py`.  Source: RFC 9068 §2.2, §4; RFC 8707; architecture, "Tokens".
"""

from __future__ import annotations

import secrets
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


class AccessTokens:
    """Makes and verifies access tokens of one issuer.

    Takes   issuer: as in the discovery document; lifetime_s: 300 at most.
    """

    def __init__(self, keyring: Keyring, *, issuer: str, lifetime_s: int) -> None:
        self._keyring = keyring
        self._issuer = issuer
        self.lifetime_s = lifetime_s
        self.userinfo_audience = f"{issuer}/userinfo"

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

        Takes   sub: the person's name in the sector of the audience; organisation: the `org` claim when the person acts for one; it names no person.
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
        return self._sign(
            {
                "sub": client_id,
                "aud": audience or self._issuer,
                "client_id": client_id,
                "scope": " ".join(scopes),
            },
            now=now,
        )

    def verify(
        self, raw: str, *, expected_audience: str | None, now: datetime
    ) -> VerifiedAccessToken:
        """Verify a token that was sent to us.

        Takes   expected_audience: None where the caller compares `audience` by itself.
        Raises  InvalidToken, whatever the cause.
        Source  RFC 9068 §4.
        """
        try:
            claims = verify_jwt(
                raw,
                keys=self._key_set(now),
                allowed_algorithms=_ALGORITHMS,
                expected_typ=_ACCEPTED_TYPES,
                expected_issuer=self._issuer,
                expected_audience=expected_audience,
                now=now,
                leeway_s=_CLOCK_SKEW_S,
                required=frozenset({"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}),
            )
        except JoseError as problem:
            raise InvalidToken("the access token is not valid") from problem
        grant_id = claims.get("grant_id")
        return VerifiedAccessToken(
            sub=claims["sub"],
            client_id=claims["client_id"],
            audience=claims["aud"],
            scopes=tuple(str(claims.get("scope", "")).split()),
            grant_id=None if grant_id is None else GrantId(grant_id),
            claims=claims,
        )

    def _sign(self, claims: dict[str, Any], *, now: datetime) -> str:
        issued_at = int(now.timestamp())
        claims["iss"] = self._issuer
        claims["iat"] = issued_at
        claims["exp"] = issued_at + self.lifetime_s
        claims["jti"] = secrets.token_urlsafe(16)
        key = self._keyring.signing_key("ES256", now=now)
        return sign_jwt(claims, key=key, typ=TYP)

    def _key_set(self, now: datetime) -> KeySet:
        return self._keyring.verification_keys(now)
