"""The time now: the one place of the provider that reads the clock.

Everything else is told.  Not here: whether the clock is right (`keystore/time`).
"""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time now, aware UTC."""
    return datetime.now(UTC)
