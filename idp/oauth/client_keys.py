"""The public keys of clients: registered by value, or fetched from their `jwks_uri`.

What lives here: a cache of parsed key sets, and when a fetched one is fetched again.  Fetching goes
through the egress door, at most every half minute for a client whatever is asked of us: neither
assertions under made-up keys nor a portal that is down turn into a stream of calls.
Source: RFC 7591 §2 `jwks`, `jwks_uri`; RFC 7517 §4.5 (`kid` finds the key after a rollover).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from clients.registry.model import Client
from idp.egress import EgressFailed, EgressRefused
from keystore.jose import EMPTY_KEY_SET, JoseError, KeySet, parse_jwks

_MAX_AGE: Final = timedelta(minutes=10)
_MIN_AGE: Final = timedelta(seconds=30)
"""How soon an unknown `kid`, or a failure, may lead to another call."""
_STALE_FOR: Final = timedelta(hours=1)
"""How long the last good set still counts while the portal cannot be reached."""
_MAX_ENTRIES: Final = 4096


class Fetch(Protocol):
    """The egress door, as far as this module looks."""

    def get_json(self, url: str, *, client_id: str) -> bytes:
        """The body at `url`, 1 MiB at most."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    keys: KeySet
    good_at: datetime
    tried_at: datetime


class ClientKeyStore:
    """Key sets of clients, for all threads of a process."""

    def __init__(self, egress: Fetch) -> None:
        self._egress = egress
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], _Fetched] = {}

    def keys_of(self, client: Client, *, kid: str | None, now: datetime) -> KeySet:
        """The client's keys.

        A set from `jwks_uri` is at most ten minutes old, an hour when the portal does not answer.
        Takes   kid: the key that is looked for; one that is not known is a reason to fetch again.
        Returns an empty set when the portal has not answered yet.
        Raises  JoseError when a registered set cannot be read.
        """
        if client.jwks_uri is None:
            return parse_jwks(client.jwks or {"keys": []})
        place = (client.client_id, client.jwks_uri)
        known = self._known.get(place)
        if known is not None and not _is_due(known, kid=kid, now=now):
            return known.keys
        fetched = self._fetch(client.jwks_uri, client_id=client.client_id, known=known, now=now)
        with self._lock:
            if len(self._known) >= _MAX_ENTRIES:
                self._known.clear()
            self._known[place] = fetched
        return fetched.keys

    def _fetch(
        self, url: str, *, client_id: str, known: _Fetched | None, now: datetime
    ) -> _Fetched:
        try:
            keys = parse_jwks(self._egress.get_json(url, client_id=client_id))
        except (EgressFailed, EgressRefused, JoseError):
            if known is not None and now - known.good_at < _STALE_FOR:
                return _Fetched(known.keys, known.good_at, now)
            return _Fetched(EMPTY_KEY_SET, now - _STALE_FOR, now)
        return _Fetched(keys, now, now)


def _is_due(known: _Fetched, *, kid: str | None, now: datetime) -> bool:
    if now - known.tried_at < _MIN_AGE:
        return False
    is_known = kid is None or any(key.kid == kid for key in known.keys.keys)
    return not is_known or now - known.good_at >= _MAX_AGE
