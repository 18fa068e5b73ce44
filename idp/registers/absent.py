"""A deployment without a register: it says so, to whoever asks.

What lives here: both registers where none is set up.  Nothing is assumed in their place: whoever
needs an answer sends people to the counter.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from idp.registers.errors import RegisterAbsent
from idp.registers.model import (
    Answer,
    Asker,
    BusinessRecord,
    CitizenRecord,
    PersonQuery,
    RegisterName,
)


class NoPopulationRegister:
    """See `PopulationRegister`: every question is RegisterAbsent."""

    is_there: Final = False

    def verify(self, query: PersonQuery, *, asked_by: Asker, now: datetime) -> Answer:
        """Raises  RegisterAbsent."""
        raise RegisterAbsent(RegisterName.POPULATION)

    def find(self, query: PersonQuery, *, asked_by: Asker, now: datetime) -> CitizenRecord | None:
        """Raises  RegisterAbsent."""
        raise RegisterAbsent(RegisterName.POPULATION)


class NoBusinessRegister:
    """See `BusinessRegister`: every question is RegisterAbsent."""

    is_there: Final = False

    def find(
        self, enterprise_code: str, *, asked_by: Asker, now: datetime
    ) -> BusinessRecord | None:
        """Raises  RegisterAbsent."""
        raise RegisterAbsent(RegisterName.BUSINESS)
