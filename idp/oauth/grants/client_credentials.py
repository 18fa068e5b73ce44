"""The client credentials grant: a token for the client itself, about no person.

What lives here: which scopes and which audience it gets.  Source: RFC 6749 §4.4; RFC 8707 §2.
"""

from __future__ import annotations

from typing import Any, Final

from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant as AuthlibClientGrant

from clients.registry.model import Client, GrantType
from idp.oauth.errors import InvalidScope, InvalidTarget
from idp.oauth.parameters import Parameters
from idp.oauth.scopes import SCOPE_CLAIMS

_PERSONAL: Final = frozenset(SCOPE_CLAIMS)


def choose_scopes(client: Client, *, scope: str | None) -> tuple[str, ...]:
    """Scopes for a client acting for itself: registered ones that are about no person.

    Raises  InvalidScope when another one is asked for.
    Source  RFC 6749 §3.3.
    """
    allowed = frozenset(client.scopes) - _PERSONAL
    if scope is None:
        return tuple(sorted(allowed))
    asked = tuple(dict.fromkeys(scope.split()))
    if not allowed.issuperset(asked):
        raise InvalidScope("a scope is not registered for the client, or concerns a person")
    return asked


def choose_audience(client: Client, parameters: Parameters) -> str | None:
    """The one resource that the token is for; None where the client has none.

    Raises  InvalidTarget.  Source  RFC 8707 §2.
    """
    asked = parameters.all("resource")
    if len(asked) > 1:
        raise InvalidTarget("one resource at a time")
    if asked:
        if asked[0] not in client.resources:
            raise InvalidTarget("the resource is not for this client")
        return asked[0]
    return next(iter(client.resources)) if len(client.resources) == 1 else None


class ClientCredentials(AuthlibClientGrant):  # type: ignore[misc]  # Authlib has no types
    """Authlib's client credentials grant with our tokens."""

    GRANT_TYPE = GrantType.CLIENT_CREDENTIALS.value

    def validate_requested_scope(self) -> None:
        """Left to `choose_scopes`, which knows the client."""

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Issue the token; nothing is stored: the token itself is the record, for five minutes."""
        client: Client = self.request.client.registered
        parameters = self.request.parameters
        scopes = choose_scopes(client, scope=parameters.get("scope"))
        access_tokens = self.server.access_tokens
        token = {
            "access_token": access_tokens.issue_for_client(
                client.client_id,
                scopes=scopes,
                audience=choose_audience(client, parameters),
                now=self.request.now,
            ),
            "token_type": "Bearer",
            "expires_in": access_tokens.lifetime_s,
            "scope": " ".join(scopes),
        }
        return 200, token, self.TOKEN_RESPONSE_HEADER
