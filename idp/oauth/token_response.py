"""What the token endpoint answers for a grant: access token, ID token, refresh token.

What lives here: putting the three together for the code exchange and for refresh.  Not here: who
may have them.  Source: RFC 6749 §5.1; OpenID Connect Core §3.1.3.3, §12.2.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from clients.registry.model import Client
from idp.model import Grant
from idp.oauth.access_token import AccessTokens
from idp.oauth.claims import (
    Person,
    admitted_by,
    claims_for_id_token,
    organisation_claim,
)
from idp.oauth.id_token import IdTokens
from idp.oauth.scopes import OPENID, ORGANIZATION, SCOPE_CLAIMS


def make_token_response(
    grant: Grant,
    *,
    client: Client,
    person: Person | None,
    audience_sub: str,
    scopes: tuple[str, ...],
    refresh_token: str | None,
    is_exchange: bool,
    access_tokens: AccessTokens,
    id_tokens: IdTokens,
    now: datetime,
) -> dict[str, Any]:
    """The members of a successful token response.

    Takes   person: None where `needs_person` says that no token depends on it; audience_sub: whom
            the access token names; scopes: what it gets, a subset of the grant's; is_exchange: True
            at the code exchange, where the nonce comes back (at refresh it does not: Core §12.2).
    """
    # a scope of a resource server that the operator has taken from the client is not given again
    scopes = tuple(one for one in scopes if one in SCOPE_CLAIMS or one in client.scopes)
    organisation = None
    extra: dict[str, Any] = {}
    if person is not None:
        admitted = admitted_by(client)
        extra = claims_for_id_token(grant, person, may_receive=admitted)
        may_know = ORGANIZATION in scopes and "org" in grant.shared and admitted("org")
        if person.representation is not None and may_know:
            organisation = organisation_claim(person.representation)
    access_token = access_tokens.issue_for_grant(
        grant, sub=audience_sub, scopes=scopes, organisation=organisation, now=now
    )
    response: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": access_tokens.lifetime_s,
        "scope": " ".join(scopes),
    }
    if OPENID in scopes:
        response["id_token"] = id_tokens.issue(
            grant,
            access_token=access_token,
            algorithm=client.id_token_signed_response_alg,
            extra=extra,
            with_nonce=is_exchange,
            now=now,
        )
    if refresh_token is not None:
        response["refresh_token"] = refresh_token
    return response
