"""Days as registers count them: in Viet Nam, which has one time and never moved it since 1975.

Not here: the clock (`idp/clock.py`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

_VIETNAM: Final = timezone(timedelta(hours=7))


def vietnam_day(moment: datetime) -> date:
    """The day in Viet Nam."""
    return moment.astimezone(_VIETNAM).date()


def start_of_day(day: date) -> datetime:
    """When a day begins there, aware UTC."""
    return datetime.combine(day, time(), tzinfo=_VIETNAM).astimezone(UTC)
