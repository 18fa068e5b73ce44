"""What the law says is data with a reference and a date."""

from __future__ import annotations

from datetime import date

import pytest

from signing.appearance.rules import (
    ATTACHMENT,
    COPY,
    PERSON,
    SEAL,
    LegalBasis,
    NoteRule,
    PersonRule,
    SealRule,
)


@pytest.mark.parametrize("rule", [PERSON, SEAL, ATTACHMENT, COPY])
def test_every_rule_names_the_decree_and_since_when_it_holds(
    rule: PersonRule | SealRule | NoteRule,
) -> None:
    assert rule.basis.reference.startswith("NĐ 30/2020/NĐ-CP, Phụ lục I, ")
    assert not rule.basis.holds_on(date(2020, 3, 4))
    assert rule.basis.holds_on(date(2020, 3, 5))


def test_a_rule_ends_before_the_day_from_which_it_no_longer_holds() -> None:
    basis = LegalBasis("x", date(2020, 1, 1), date(2021, 1, 1))
    assert basis.holds_on(date(2020, 12, 31))
    assert not basis.holds_on(date(2021, 1, 1))
