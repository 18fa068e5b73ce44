"""Which days are worked on in Viet Nam, and when a number of days is over.

What lives here: reading the days as data, and counting.  A term begins on the day after the act
and ends with its last day, at midnight in Viet Nam.
Source: Labour Code 45/2019/QH14 Art. 111, 112; Civil Code 91/2015/QH13 Art. 147, 148; what is not
covered is said in `working_days.toml`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

from clients.registry.model import CIVIL_TIME

_ONE_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Takes   every_year: months and days; days: single days."""

    every_year: frozenset[tuple[int, int]]
    days: frozenset[date]

    def is_worked_on(self, day: date) -> bool:
        """Whether it is neither a weekend nor a holiday that is known."""
        is_off = (day.month, day.day) in self.every_year or day in self.days
        return day.weekday() < _SATURDAY and not is_off

    def after(self, moment: datetime, *, working_days: int) -> datetime:
        """The end of the last of so many working days after the day of `moment`, in UTC."""
        day = moment.astimezone(CIVIL_TIME).date()
        left = working_days
        while left:
            day += _ONE_DAY
            left -= self.is_worked_on(day)
        return _end_of(day)


def days_after(moment: datetime, *, days: int) -> datetime:
    """The end of the last of so many days of the calendar after the day of `moment`, in UTC."""
    return _end_of(moment.astimezone(CIVIL_TIME).date() + timedelta(days=days))


@cache
def load_working_days() -> WorkingDays:
    """The days as they are listed."""
    read = tomllib.loads((files(__package__) / "working_days.toml").read_text(encoding="utf-8"))
    yearly = (one.split("-") for one in read["every_year"])
    return WorkingDays(
        frozenset((int(month), int(day)) for month, day in yearly),
        frozenset(date.fromisoformat(one) for one in read["days"]),
    )


def _end_of(day: date) -> datetime:
    return datetime.combine(day + _ONE_DAY, time(), tzinfo=CIVIL_TIME).astimezone(UTC)
