"""How claims look on a page.

What lives here: masking and times, for both portals.  Not here: which claims are shown.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_VIET_NAM = timezone(timedelta(hours=7))
_SHOWN_FIRST, _SHOWN_LAST = 3, 2
_LONG_ENOUGH = 8


def mask_number(number: str | None) -> str | None:
    """Return a person's number with its middle hidden: enough to recognise one's own."""
    if number is None:
        return None
    if len(number) < _LONG_ENOUGH:
        return "•" * len(number)
    hidden = len(number) - _SHOWN_FIRST - _SHOWN_LAST
    return number[:_SHOWN_FIRST] + "•" * hidden + number[-_SHOWN_LAST:]


def local_time(instant: datetime | None) -> str | None:
    """Return an instant as a clock in Viet Nam shows it."""
    return None if instant is None else f"{instant.astimezone(_VIET_NAM):%H:%M:%S, %d/%m/%Y}"


def local_time_of(text: str | None) -> str | None:
    """Return an instant in ISO 8601 as a clock in Viet Nam shows it; other text as it is."""
    try:
        instant = datetime.fromisoformat(text or "")
    except ValueError:
        return text
    return text if instant.tzinfo is None else local_time(instant)
