"""The public keys of clients: registered by value, or fetched from their `jwks_uri`.

What lives here: a cache of parsed key sets, and when a fetched one is fetched again.  Fetching goes
through the egress door.  Source: RFC 7591 §2 `jwks`, `jwks_uri`.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final, Protocol

from clients.registry.model import Client
from keystore.jose import KeySet, parse_jwks

_MAX_AGE: Final = timedelta(minutes=10)
_MAX_ENTRIES: Final = 4096


class Fetch(Protocol):
    """The egress door, as far as this module looks."""

    def get_json(self, url: str, *, client_id: str) -> bytes:
        """The body at `url`, 1 MiB at most."""


class ClientKeyStore:
    """Key sets of clients, for all threads of a process."""

    def __init__(self, egress: Fetch) -> None:
        self._egress = egress
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], tuple[KeySet, datetime]] = {}

    def keys_of(self, client: Client, *, now: datetime) -> KeySet:
        """The client's keys; a set from `jwks_uri` is at most ten minutes old.

        Raises  JoseError when there is none or it cannot be read; EgressError when it cannot be
                fetched.
        """
        place = (client.client_id, hash((client.jwks_uri, repr(client.jwks))))
        known = self._known.get(place)
        if known is not None and now - known[1] < _MAX_AGE:
            return known[0]
        if client.jwks_uri is not None:
            keys = parse_jwks(self._egress.get_json(client.jwks_uri, client_id=client.client_id))
        else:
            keys = parse_jwks(client.jwks or {"keys": []})
        with self._lock:
            if len(self._known) >= _MAX_ENTRIES:
                self._known.clear()
            self._known[place] = (keys, now)
        return keys
