"""One audience per grant: the resource that was asked for at /authorize, or userinfo.

What lives here: holding a token request to that audience, and the name that the person has there.
Which resources a client may ask for is checked by `authorization_request.py` and, for client
credentials, by its grant.  Source: RFC 8707 §2.2; architecture, "Tokens".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from clients.registry.model import ResourceServer
from idp.model import Grant
from idp.oauth.errors import InvalidTarget
from idp.storage.database import Database
from idp.storage.subjects import find_subject


class ResourceServers(Protocol):
    """The registry, as far as this module looks."""

    def find_resource_server(self, identifier: str, *, now: datetime) -> ResourceServer | None:
        """The resource server that a `resource` parameter names."""


def check_resources(asked: Sequence[str], *, grant: Grant, userinfo: str) -> None:
    """Refuse a token request for another resource than the grant's.

    Takes   asked: every `resource` of the token request; userinfo: the audience of a grant without.
    Raises  InvalidTarget.
    Source  RFC 8707 §2.2: the resources asked for here are within those of the original grant.
    """
    if any(one != (grant.resource or userinfo) for one in asked):
        raise InvalidTarget("the grant is for another resource")


def foreign_sector(
    resource: str | None, *, sector_id: str, servers: ResourceServers, now: datetime
) -> str | None:
    """The sector of a resource server that knows the person by another `sub` than the client.

    Raises  InvalidTarget when the resource is not registered any more.
    """
    if resource is None:
        return None
    server = servers.find_resource_server(resource, now=now)
    if server is None:
        raise InvalidTarget("the resource is unknown")
    return None if server.sector_id == sector_id else server.sector_id


def find_audience_subject(
    grant: Grant, *, servers: ResourceServers, database: Database, now: datetime
) -> str:
    """The `sub` of the grant's access tokens: that of the sector of whom they are for.

    Two sectors that compare their tokens do not learn that they speak of the same person.
    Raises  InvalidTarget.
    """
    sector = foreign_sector(grant.resource, sector_id=grant.sector_id, servers=servers, now=now)
    if sector is None:
        return grant.sub
    with database.read() as connection:
        subject = find_subject(connection, grant.account_id, sector_id=sector)
    if subject is None:  # the resource server moved to another sector after the grant
        raise InvalidTarget("the person has no name at the resource yet")
    return subject.sub
