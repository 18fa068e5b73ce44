"""Birth dates, whole and in part."""

from __future__ import annotations

from datetime import date

import pytest

from idp.accounts.birthdates import Birthdate, find_birthdate

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("1950", "1950"),
        ("1950-07", "1950-07"),
        ("2000-02-29", "2000-02-29"),
        ("02/09/1985", "1985-09-02"),
        (" 2026-11-21 ", "2026-11-21"),
    ],
)
def test_what_is_known_is_kept_and_nothing_invented(raw, written) -> None:
    """OpenID Connect Core §5.1."""
    found = find_birthdate(raw, today=TODAY)
    assert found is not None
    assert str(found) == written


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "50",
        "1950-13",
        "1999-02-29",
        "31/02/1985",
        "2026-11-22",
        "2027",
        "1849",
        "1950-7",
        "0000",
        "1950-07-01T00:00",
        "１９５０",
    ],
)
def test_other_dates_are_refused(raw) -> None:
    assert find_birthdate(raw, today=TODAY) is None


def test_a_birth_date_does_not_show_in_a_repr() -> None:
    assert repr(Birthdate(1985, 9, 2)) == "Birthdate(…)"
