"""The ephemeral store: short-lived, hot state that all workers share.

What lives here: the interface only.  Authorization codes, half-done interactions, attempts, replay
marks and rate limits go through it.  Two implementations pass one contract test suite:
`ephemeral_sql` (a SQL table, out of the box) and `ephemeral_redis` (production).

Rules that every implementation keeps:

* Expiry compares a stored instant with the caller's `now`: a thing that expires at T is gone for
  every caller whose `now` is T or later.  What the store itself deletes is only cleaning up.
* Every operation that decides something (`consume`, `first_use`, `count`, `replace`) is one atomic
  step in the store, never a read followed by a write, and is never repeated by itself: a lost
  answer must not count twice.
* A store that does not answer, or cannot store, raises `StorageUnavailable`.  Nothing is assumed in
  its absence: limits fail closed.
* Keys are one namespace.  A caller prefixes its keys with what they are (`code:…`) and uses one
  key either for a value, for a mark or for a count.

Not here: anything that must never be lost or must be listed; that is SQL (`idp.storage.*`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class EphemeralStore(Protocol):
    """Set with a lifetime, get, consume once, first use, count in a window.

    Safe to share between threads; the implementations keep a pool of connections.
    `now` is aware UTC, kept to the millisecond.  Raises StorageUnavailable everywhere but in
    `is_up` and `close`.
    """

    def put(self, key: str, value: bytes, *, lifetime: timedelta, now: datetime) -> None:
        """Keep `value` under `key` until `now + lifetime`, in place of what was there."""

    def get(self, key: str, *, now: datetime) -> bytes | None:
        """The value under `key`, or None when there is none or it has expired."""

    def consume(self, key: str, *, now: datetime) -> bytes | None:
        """Take the value under `key` away; of any number of racing callers one receives it."""

    def first_use(self, key: str, *, lifetime: timedelta, now: datetime) -> bool:
        """Leave a mark until `now + lifetime`; True for the one caller who found none."""

    def count(self, key: str, *, window: timedelta, now: datetime, by: int = 1) -> int:
        """Add `by` and say how many there are in the window, these included.

        The window is fixed: it opens with the first count and closes `window` later, when the next
        count opens another.  A caller who allows N thus admits at most 2 N in any stretch as long
        as the window.  `by=0` only reads.
        """

    def replace(
        self,
        key: str,
        expected: bytes,
        value: bytes,
        *,
        lifetime: timedelta,
        now: datetime,
    ) -> bool:
        """Put `value` until `now + lifetime` if exactly `expected` is there and has not expired."""

    def delete(self, *keys: str) -> None:
        """Forget values, marks and counts; what is not there is no error."""

    def purge(self, *, now: datetime, limit: int) -> int:
        """Delete at most `limit` expired entries; how many were deleted."""

    def is_up(self) -> bool:
        """Whether the store answers at this moment; never raises."""

    def close(self) -> None:
        """Close the connections; the store is not used afterwards."""
