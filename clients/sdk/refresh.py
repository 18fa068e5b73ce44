"""New tokens for a sign-in that still holds.

What lives here: the refresh grant and the checks of a refreshed ID token.  A refresh never makes
a sign-in fresher than it was: `auth_time` stays that of the original.

Source  RFC 6749 §6; OIDC Core §12.
"""

from __future__ import annotations

from datetime import datetime

from clients.sdk.errors import NotOffered, RefreshedIdTokenInvalid
from clients.sdk.id_token import ExpectedIdToken, verify_id_token
from clients.sdk.login import LoginDoor
from clients.sdk.model import Login, Metadata, Tokens, VerifiedClaims
from clients.sdk.token_endpoint import request_tokens

_UNCHANGED_IF_STATED = ("auth_time", "nonce", "azp")


def refresh(login: Login, *, door: LoginDoor, metadata: Metadata, now: datetime) -> Login:
    """Exchange the refresh token; keep the returned `Login` instead of the old one.

    Raises  NotOffered when no refresh token was given; TokenRequestRefused: with `invalid_grant`
            the sign-in is over; RefreshedIdTokenInvalid; IdTokenInvalid; TokenAnswerMalformed;
            ProviderUnavailable: keep the old `Login`, a quick second try gets the same answer.
    """
    if login.tokens.refresh_token is None:
        raise NotOffered("refresh_token")
    answer = request_tokens(
        {
            "grant_type": "refresh_token",
            "refresh_token": login.tokens.refresh_token.reveal(),
        },
        transport=door.transport,
        metadata=metadata,
        credentials=door.credentials,
        now=now,
    )
    claims, id_token = login.claims, login.tokens.id_token
    if answer.unverified_id_token is not None:
        id_token = answer.unverified_id_token
        claims = verify_id_token(
            id_token.reveal(),
            keys=door.keys,
            expected=ExpectedIdToken(
                issuer=metadata.issuer,
                client_id=door.credentials.client_id,
                algorithm=door.algorithm,
                access_token=answer.access_token.reveal(),
            ),
            leeway=door.leeway,
            now=now,
        )
        _require_same_sign_in(claims, original=login.claims)
    tokens = Tokens(
        access_token=answer.access_token,
        id_token=id_token,
        refresh_token=answer.refresh_token or login.tokens.refresh_token,
        expires_at=answer.expires_at,
        scope=login.tokens.scope if answer.scope is None else answer.scope,
    )
    return Login(claims=claims, tokens=tokens)


def _require_same_sign_in(claims: VerifiedClaims, *, original: VerifiedClaims) -> None:
    """OIDC Core §12.2: same person, same time of sign-in; issuer and audience are checked."""
    if claims["sub"] != original["sub"]:
        raise RefreshedIdTokenInvalid("sub")
    for name in _UNCHANGED_IF_STATED:
        if name in claims and claims[name] != original.get(name):
            raise RefreshedIdTokenInvalid(name)
