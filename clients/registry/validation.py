"""Whether a registration obeys its profile and the specifications.

What lives here: one check per rule, each naming the field that broke it.  Not here: what needs the
database (does the sector exist), and anything about a request.
Source: RFC 7591 §2, OpenID Connect Registration 1.0 §2, RFC 8252 §8, RFC 9700 §2.
"""

from __future__ import annotations

from clients.registry.errors import ClientInvalid
from clients.registry.model import Client, ResourceServer


def verify_client(client: Client) -> None:
    """Refuse a client that contradicts its profile.

    Raises  ClientInvalid (field, reason).
    """
    if not client.name_vi:
        raise ClientInvalid("name_vi", reason="it is empty")


def verify_resource_server(server: ResourceServer) -> None:
    """Refuse a resource server whose identifier cannot be an audience (RFC 8707 §2).

    Raises  ClientInvalid (field, reason).
    """
    if not server.identifier:
        raise ClientInvalid("identifier", reason="it is empty")
