"""Whom a hint names: `id_token_hint` and a `sub` in the `claims` parameter.

What lives here: looking up accounts by names that we gave them ourselves.  A hint never signs
anybody in; it only says who is expected.  Source: OpenID Connect Core §3.1.2.1, §5.5.1.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from clients.registry.model import Client, ResourceServer
from clients.registry.registry import Registry
from idp.oauth.id_token import IdTokens
from idp.storage.database import Database
from idp.storage.subjects import find_account_by_sub

_SUB: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")


class Hints:
    """What `authorization_request.py` asks of the house."""

    def __init__(self, database: Database, *, registry: Registry, id_tokens: IdTokens) -> None:
        self._database = database
        self._registry = registry
        self._id_tokens = id_tokens

    def find_client(self, client_id: str, *, now: datetime) -> Client | None:
        """The registered client, if it may ask for anything now."""
        return self._registry.find_client(client_id, now=now)

    def find_resource_server(self, identifier: str, *, now: datetime) -> ResourceServer | None:
        """The resource server that is registered under this identifier."""
        return self._registry.find_resource_server(identifier, now=now)

    def account_of_hint(self, raw_id_token: str, *, client: Client, now: datetime) -> str | None:
        """The account that an ID token of ours for this client names."""
        claims = self._id_tokens.read_hint(raw_id_token, expected_client=client.client_id, now=now)
        return None if claims is None else self.account_of_sub(claims["sub"], client=client)

    def account_of_sub(self, sub: str, *, client: Client) -> str | None:
        """The account behind a `sub` of the client's sector."""
        if not _SUB.match(sub):
            return None  # nothing that we gave out; PostgreSQL takes no NUL
        with self._database.read() as connection:
            found = find_account_by_sub(connection, sub)
        if found is None or found[1] != client.sector_id:
            return None
        return found[0]
