"""Instants in SQL: whole milliseconds since 1970, UTC.

What lives here: the two conversions between an aware `datetime` and a `*_ms` column.  Nothing here
reads a clock: every function of ours that depends on the time takes `now`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_ms(instant: datetime) -> int:
    """Milliseconds since the epoch, rounded down; exact, without a detour through floats.

    Raises  ValueError when the instant is naive: a time without a zone is a guess.
    """
    if instant.tzinfo is None:
        raise ValueError("naive_datetime")
    return (instant - _EPOCH) // _MILLISECOND


def from_ms(epoch_ms: int) -> datetime:
    """The aware UTC instant of a `*_ms` column."""
    return _EPOCH + timedelta(milliseconds=epoch_ms)
