"""The client credentials grant: a token for the client itself, about no person.

What lives here: which scopes and which audience it gets.  Source: RFC 6749 §4.4; RFC 8707 §2.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Protocol

from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant as AuthlibClientGrant

from clients.registry.model import Client, GrantType, ResourceServer
from idp.oauth.errors import InvalidScope, InvalidTarget
from idp.oauth.parameters import Parameters
from idp.oauth.scopes import SCOPE_CLAIMS

_PERSONAL: Final = frozenset(SCOPE_CLAIMS)


class ResourceServers(Protocol):
    """The registry, as far as this module looks."""

    def find_resource_server(self, identifier: str, *, now: datetime) -> ResourceServer | None:
        """The resource server that a `resource` parameter names."""

    def scopes_of_resource_servers(self, *, now: datetime) -> frozenset[str]:
        """Every scope that belongs to some resource server."""


def choose_resource(
    client: Client, parameters: Parameters, *, servers: ResourceServers, now: datetime
) -> ResourceServer | None:
    """The one resource that the token is for.

    It is the one that is named; else the client's only one; else the only one of the client's that
    knows every scope that is asked for.
    Raises  InvalidTarget.  Source  RFC 8707 §2.
    """
    asked = parameters.all("resource") or _meant(
        client, scope=parameters.get("scope"), servers=servers, now=now
    )
    if not asked:
        return None
    if len(asked) > 1:
        raise InvalidTarget("one resource at a time")
    server = servers.find_resource_server(asked[0], now=now)
    if asked[0] not in client.resources or server is None:
        raise InvalidTarget("the resource is unknown or not for this client")
    return server


def _meant(
    client: Client, *, scope: str | None, servers: ResourceServers, now: datetime
) -> tuple[str, ...]:
    if len(client.resources) == 1:
        return tuple(client.resources)
    scopes = set((scope or "").split())
    fitting = tuple(
        identifier
        for identifier in client.resources
        if (server := servers.find_resource_server(identifier, now=now)) is not None
        and scopes
        and scopes <= server.scopes
    )
    return fitting if len(fitting) == 1 else ()


def choose_scopes(
    client: Client,
    *,
    scope: str | None,
    server: ResourceServer | None,
    servers: ResourceServers,
    now: datetime,
) -> tuple[str, ...]:
    """Scopes for a client acting for itself: registered ones that are about no person.

    They belong to the resource server that the token is for; without one, to no resource server at
    all, because a token says nothing to those that are not in its audience.
    Raises  InvalidScope when another one is asked for.
    Source  RFC 6749 §3.3; RFC 8707 §2.
    """
    allowed = client.scopes - _PERSONAL
    if server is not None:
        allowed &= server.scopes
    elif allowed:
        allowed -= servers.scopes_of_resource_servers(now=now)
    if scope is None:
        return tuple(sorted(allowed))
    asked = tuple(dict.fromkeys(scope.split()))
    if not allowed.issuperset(asked):
        raise InvalidScope("a scope is not for this client and resource, or concerns a person")
    return asked


class ClientCredentials(AuthlibClientGrant):  # type: ignore[misc]  # Authlib has no types
    """Authlib's client credentials grant with our tokens."""

    GRANT_TYPE = GrantType.CLIENT_CREDENTIALS.value

    def validate_requested_scope(self) -> None:
        """Left to `choose_scopes`, which knows the client."""

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Issue the token; nothing is stored: the token itself is the record, for five minutes."""
        client: Client = self.request.client.registered
        parameters = self.request.parameters
        access_tokens, servers, now = (
            self.server.access_tokens,
            self.server.registry,
            self.request.now,
        )
        server = choose_resource(client, parameters, servers=servers, now=now)
        scopes = choose_scopes(
            client, scope=parameters.get("scope"), server=server, servers=servers, now=now
        )
        token = {
            "access_token": access_tokens.issue_for_client(
                client.client_id,
                scopes=scopes,
                audience=None if server is None else server.identifier,
                now=now,
            ),
            "token_type": "Bearer",
            "expires_in": access_tokens.lifetime_s,
        }
        if scopes:
            token["scope"] = " ".join(scopes)
        return 200, token, self.TOKEN_RESPONSE_HEADER
