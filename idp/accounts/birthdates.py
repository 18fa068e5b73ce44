"""Birth dates that may be known in part: a year, a year and a month, or a whole day.

Registers of older people often hold the year alone; inventing a first of January would be a false
statement in a token.  Source: OpenID Connect Core §5.1 (`birthdate` may be `YYYY`); ISO 8601-1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

_FORM: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", re.ASCII)
_VIETNAMESE_FORM: Final = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", re.ASCII)
_FIRST_YEAR: Final = 1850


@dataclass(frozen=True, slots=True, repr=False)
class Birthdate:
    """A date of birth; `month` and `day` are None where they are not known."""

    year: int
    month: int | None = None
    day: int | None = None

    def __repr__(self) -> str:
        """Show that there is one, not which."""
        return "Birthdate(…)"

    def __str__(self) -> str:
        """`YYYY`, `YYYY-MM` or `YYYY-MM-DD`, as the claim `birthdate` wants it."""
        if self.month is None:
            return f"{self.year:04d}"
        if self.day is None:
            return f"{self.year:04d}-{self.month:02d}"
        return f"{self.year:04d}-{self.month:02d}-{self.day:02d}"


def find_birthdate(raw: str, *, today: date) -> Birthdate | None:
    """Read `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or `DD/MM/YYYY`.

    Returns None when the form is another, the day does not exist, or the date is after `today`
    or before 1850.
    """
    text = raw.strip()
    swapped = _VIETNAMESE_FORM.fullmatch(text)
    if swapped is not None:
        text = f"{swapped[3]}-{swapped[2]}-{swapped[1]}"
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year = int(match[1])
    month = int(match[2]) if match[2] else None
    day = int(match[3]) if match[3] else None
    try:
        earliest = date(year, month or 1, day or 1)
    except ValueError:
        return None
    if year < _FIRST_YEAR or earliest > today:
        return None
    return Birthdate(year, month, day)
