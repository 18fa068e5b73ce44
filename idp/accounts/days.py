"""Days in Viet Nam.

What lives here: when the day of an instant began there.  The country has had one time zone and no
summer time since 1975.
Source: QĐ 134/2002/QĐ-TTg (official time, UTC+7).
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

_THERE: Final = timezone(timedelta(hours=7))


def start_of_day(now: datetime) -> datetime:
    """When the day of `now` began."""
    return now.astimezone(_THERE).replace(hour=0, minute=0, second=0, microsecond=0)
