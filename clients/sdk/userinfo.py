"""What the provider tells this portal about the person who signed in.

What lives here: one request to the userinfo endpoint, plain or signed, and the check that the
answer speaks of the same person.

Source  OIDC Core §5.3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from clients.sdk.errors import (
    AccessTokenRefused,
    JwtMalformed,
    KeyUnknown,
    NotOffered,
    ProviderUnavailable,
    UserinfoInvalid,
)
from clients.sdk.jose import audiences, parse_jwt, verify_signature
from clients.sdk.login import LoginDoor
from clients.sdk.model import Login, Metadata, VerifiedClaims
from clients.sdk.transport import HttpRequest


def fetch_userinfo(
    login: Login, *, door: LoginDoor, metadata: Metadata, now: datetime
) -> VerifiedClaims:
    """Fetch the claims that the person agreed to share.

    Returns claims whose `sub` is that of the ID token.
    Raises  AccessTokenRefused; UserinfoInvalid; NotOffered; ProviderUnavailable.
    Source  OIDC Core §5.3.2: `sub` MUST exactly match, or the values MUST NOT be used; §5.3.4.
    """
    if metadata.userinfo_endpoint is None:
        raise NotOffered("userinfo_endpoint")
    answer = door.transport.send(
        HttpRequest(
            where="userinfo",
            method="GET",
            url=metadata.userinfo_endpoint,
            headers={
                "Accept": "application/json, application/jwt",
                "Authorization": "Bearer " + login.tokens.access_token.reveal(),
            },
        )
    )
    if answer.status in {401, 403}:
        raise AccessTokenRefused
    if answer.status != 200:
        raise ProviderUnavailable("userinfo", reason=f"status_{answer.status}")
    if answer.media_type == "application/jwt":
        claims = _verify_signed(answer.body, door=door, metadata=metadata, now=now)
    elif answer.media_type == "application/json":
        claims = _read_plain(answer.body)
    else:
        raise UserinfoInvalid("media_type")
    if claims.get("sub") != login.subject:
        raise UserinfoInvalid("sub")
    return VerifiedClaims(claims)


def _read_plain(body: bytes) -> Mapping[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UserinfoInvalid("not_json") from error
    if not isinstance(document, dict):
        raise UserinfoInvalid("not_an_object")
    return document


def _verify_signed(
    body: bytes, *, door: LoginDoor, metadata: Metadata, now: datetime
) -> Mapping[str, object]:
    try:
        jwt = parse_jwt(body.decode("ascii"))
        key = door.keys.get_key(kid=jwt.kid, algorithm=door.algorithm, now=now)
        claims = verify_signature(jwt, key=key, algorithm=door.algorithm)
    except (JwtMalformed, KeyUnknown, UnicodeDecodeError) as error:
        raise UserinfoInvalid("signature") from error
    # §5.3.2: a signed answer SHOULD name issuer and audience; ours always does, so they must fit.
    if claims.get("iss") != metadata.issuer:
        raise UserinfoInvalid("issuer")
    if audiences(claims) != (door.credentials.client_id,):
        raise UserinfoInvalid("audience")
    return claims
