"""What registers answer, and what may be read out of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from idp.accounts.birthdates import Birthdate
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import Identifier, IdentifierKind
from idp.registers import (
    BusinessRecord,
    BusinessStatus,
    CitizenRecord,
    PersonQuery,
    Representative,
)

_NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
_PERSONAL = IdentifierKind.PERSONAL_ID_NUMBER
_OLD = IdentifierKind.LEGACY_ID_9


def _business(
    *representatives: Representative, status: BusinessStatus = BusinessStatus.ACTIVE
) -> BusinessRecord:
    return BusinessRecord(
        enterprise_code="9900000016",
        name="Công ty Mẫu",
        status=status,
        representatives=representatives,
        source="business",
        fetched_at=_NOW,
        valid_until=_NOW + timedelta(hours=1),
    )


def test_a_representative_is_found_by_a_number_of_the_past() -> None:
    """NĐ 70/2024 Art. 12: the register may still hold the number of nine digits."""
    record = _business(Representative("Một Người", _OLD, "003123456"))
    numbers = (
        Identifier(_PERSONAL, "003190000018", _NOW),
        Identifier(_OLD, "003123456", _NOW - timedelta(days=9), _NOW),
    )

    assert record.find_representative(numbers) is record.representatives[0]
    assert record.find_representative(numbers[:1]) is None


def test_a_name_alone_represents_nobody() -> None:
    """Law on Enterprises Art. 12: who it is, is shown by a number, never by a name."""
    record = _business(Representative("Một Người", None, None))

    assert record.find_representative((Identifier(_PERSONAL, "003190000018", _NOW),)) is None


@pytest.mark.parametrize("status", [one for one in BusinessStatus if one != "active"])
def test_nobody_acts_for_what_is_not_active(status: BusinessStatus) -> None:
    """Dissolved, suspended or in doubt: nobody acts for it."""
    assert not _business(status=status).may_act
    assert _business().may_act


def test_another_number_in_the_answer_replaces_the_one_that_was_asked_for() -> None:
    """NĐ 70/2024 Art. 11: a number is cancelled and another is established."""
    record = CitizenRecord(
        personal_id_number="003190000099",
        legacy_id_9=None,
        name="Một Người",
        birthdate=Birthdate(1990),
        gender=None,
        source="population",
        fetched_at=_NOW,
        valid_until=_NOW,
    )

    assert record.replaces(ParsedIdentifier(_PERSONAL, "003190000018"))
    assert not record.replaces(ParsedIdentifier(_PERSONAL, "003190000099"))
    assert not record.replaces(ParsedIdentifier(_OLD, "003123456"))
    assert "003190000099" not in repr(record)


def test_people_are_asked_about_by_their_own_numbers_alone() -> None:
    """A passport is proofed at the counter: the population service holds citizens."""
    with pytest.raises(ValueError, match="kind_of_number"):
        PersonQuery(
            ParsedIdentifier(IdentifierKind.PASSPORT_NUMBER, "C1234567"), "Ai", Birthdate(1990)
        )
