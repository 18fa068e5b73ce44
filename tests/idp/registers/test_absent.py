"""A deployment without registers says so, and assumes nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from idp.accounts.birthdates import Birthdate
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import IdentifierKind
from idp.registers import Asker, PersonQuery, Purpose, RegisterAbsent
from idp.registers.absent import NoBusinessRegister, NoPopulationRegister
from idp.registers.ports import BusinessRegister, PopulationRegister

_NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
_ASKER = Asker(Purpose.PROOFING)
_QUERY = PersonQuery(
    ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, "003190000018"), "Ai", Birthdate(1990)
)


def test_a_register_that_is_not_there_answers_nothing() -> None:
    """NĐ 69/2024 Art. 7: without confirmation there is no level."""
    population: PopulationRegister = NoPopulationRegister()
    business: BusinessRegister = NoBusinessRegister()

    assert not population.is_there
    assert not business.is_there
    with pytest.raises(RegisterAbsent):
        population.verify(_QUERY, asked_by=_ASKER, now=_NOW)
    with pytest.raises(RegisterAbsent):
        population.find(_QUERY, asked_by=_ASKER, now=_NOW)
    with pytest.raises(RegisterAbsent):
        business.find("9900000016", asked_by=_ASKER, now=_NOW)
