"""A document of the provider, fetched rarely and shared by all threads of the portal.

What lives here: how long a fetched document holds, and that many threads which miss it together
fetch it once.  Which document, and what is in it, is the caller's business.

Source  RFC 9111 §4.2 (freshness), of which only `max-age`, `no-store` and `no-cache` are read.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from clients.sdk.errors import ProviderUnavailable, SdkError
from clients.sdk.transport import HttpAnswer

T = TypeVar("T")

_UNSAID = timedelta(minutes=5)
_LONGEST = timedelta(hours=24)
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,10})\"?", re.IGNORECASE)
_NOT_KEPT = re.compile(r"(?:^|[,\s])no-(?:store|cache)(?:$|[,;\s])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fetched(Generic[T]):
    """A document just fetched, and how long the provider lets it be kept."""

    value: T
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class _Copy(Generic[T]):
    value: T
    fetched_at: datetime
    fresh_until: datetime


def stated_lifetime(answer: HttpAnswer) -> timedelta:
    """Return how long an answer may be kept: Cache-Control, at most a day, five minutes unsaid."""
    said = answer.headers.get("cache-control", "")
    if _NOT_KEPT.search(said):
        return timedelta(0)
    found = _MAX_AGE.search(said)
    if found is None:
        return _UNSAID
    return min(timedelta(seconds=min(int(found[1]), 10**9)), _LONGEST)


class CachedDocument(Generic[T]):
    """One document; readers of a fresh copy take no lock."""

    def __init__(self, fetch: Callable[[], Fetched[T]], *, cooldown: timedelta) -> None:
        """Fetch nothing yet.

        Takes   fetch: asks the provider; cooldown: least time between two forced fetches.
        """
        self._fetch = fetch
        self._cooldown = cooldown
        self._lock = threading.Lock()
        self._copy: _Copy[T] | None = None
        self._forced_at: datetime | None = None
        self._failed_at: datetime | None = None

    def get(self, *, now: datetime) -> T:
        """Return the document, fetched again when its time is over.

        Raises  what fetching raises; for a second after a failure, ProviderUnavailable at once.
        """
        seen = self._copy
        if seen is not None and seen.fetched_at <= now < seen.fresh_until:
            return seen.value
        with self._lock:
            newest = self._copy
            if newest is not None and newest is not seen:
                return newest.value
            return self._fetch_now(now)

    def get_newer(self, than: T, *, now: datetime) -> T:
        """Return a document fetched after `than`, which lacked something, if one may be had.

        Within the cooldown after the last such fetch `than` itself comes back: what strangers put
        into tokens must not make the portal hammer the provider.
        """
        with self._lock:
            if self._copy is not None and self._copy.value is not than:
                return self._copy.value
            if self._forced_at is not None and _within(self._forced_at, self._cooldown, now):
                return than
            self._forced_at = now
            return self._fetch_now(now)

    def _fetch_now(self, now: datetime) -> T:
        if self._failed_at is not None and _within(self._failed_at, timedelta(seconds=1), now):
            raise ProviderUnavailable("cache", reason="failed_a_moment_ago")
        try:
            fetched = self._fetch()
        except SdkError:
            self._failed_at = now
            raise
        self._failed_at = None
        # `no-store` on such a document would mean one fetch per sign-in at least; the cooldown
        # is the shortest time that anything is kept.
        fresh_until = now + max(fetched.lifetime, self._cooldown)
        self._copy = _Copy(fetched.value, fetched_at=now, fresh_until=fresh_until)
        return fetched.value


def _within(since: datetime, span: timedelta, now: datetime) -> bool:
    return timedelta(0) <= now - since < span
