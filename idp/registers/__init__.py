"""Registers of the state that the provider asks: the population service, the business register.

model.py        what is asked, who asks, what came back and until when it holds
ports.py        the two registers, as everybody else sees them
absent.py       both where none is set up
population.py   the population service over SOAP; population_messages.py what it is sent and says
business.py     the business register over REST; business_messages.py what it says
asking.py       what both keep to: on record, not while it is away, no longer than it holds
breaker.py      asking nobody who has just been away
xml_reader.py   XML, read by nothing but Python
transport.py    the door, in the words of registers
time.py         days in Viet Nam
errors.py       there is none, it is away, it answers nonsense

Nobody but this package knows how a register is spoken to.
"""

from __future__ import annotations

from idp.registers.errors import (
    RegisterAbsent,
    RegisterError,
    RegisterNonsense,
    RegisterUnavailable,
)
from idp.registers.model import (
    Answer,
    Asker,
    BusinessRecord,
    BusinessStatus,
    CitizenRecord,
    PersonQuery,
    Purpose,
    RegisterName,
    Representative,
    Verdict,
)
from idp.registers.ports import BusinessRegister, PopulationRegister

__all__ = [
    "Answer",
    "Asker",
    "BusinessRecord",
    "BusinessRegister",
    "BusinessStatus",
    "CitizenRecord",
    "PersonQuery",
    "PopulationRegister",
    "Purpose",
    "RegisterAbsent",
    "RegisterError",
    "RegisterName",
    "RegisterNonsense",
    "RegisterUnavailable",
    "Representative",
    "Verdict",
]
