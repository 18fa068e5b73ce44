"""The two registers, as everybody else sees them.

What lives here: the Protocols.  What implements them records every look-up before its answer is
given out, keeps to the validity of what was fetched, and asks nobody who has just been away
(`RegisterUnavailable`, at once).  All of it may take as long as the register's deadline: never ask
inside a transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from idp.registers.model import Answer, Asker, BusinessRecord, CitizenRecord, PersonQuery


class PopulationRegister(Protocol):
    """The population service; safe for any number of threads.

    Every method raises RegisterAbsent, RegisterUnavailable, RegisterNonsense and
    StorageUnavailable, and nothing else.
    """

    @property
    def is_there(self) -> bool:
        """Whether this deployment has one; says nothing about its being up."""

    def verify(self, query: PersonQuery, *, asked_by: Asker, now: datetime) -> Answer:
        """Whether there is a person of whom all of it is true; no field is fetched."""

    def find(self, query: PersonQuery, *, asked_by: Asker, now: datetime) -> CitizenRecord | None:
        """The record of that person, where a yes or no is not enough; None: there is nobody.

        Asked with a number that was replaced, it tells the present one
        (`CitizenRecord.replaces`).  What comes back is not kept.
        """


class BusinessRegister(Protocol):
    """The business register; safe for any number of threads.  Raises as above."""

    @property
    def is_there(self) -> bool:
        """Whether this deployment has one; says nothing about its being up."""

    def find(
        self, enterprise_code: str, *, asked_by: Asker, now: datetime
    ) -> BusinessRecord | None:
        """What is registered under a normalised code; None: nothing is.

        An answer that still holds is given again without asking.
        """
