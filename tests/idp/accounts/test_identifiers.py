"""Forms of identifiers: what is taken, what is only odd, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts.birthdates import Birthdate
from idp.accounts.identifiers import (
    IdentifierProblem,
    IdentifierWarning,
    ParsedIdentifier,
    TypedIdentifier,
    check_hint,
    hint_for,
    parse_identifier,
    parse_login_identifier,
    parse_tax_code,
)
from idp.accounts.model import Gender, IdentifierKind
from idp.accounts.provinces import BIRTH_PROVINCES

_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def with_check_digit(nine: str) -> str | None:
    """Nine digits and their check digit, computed apart from the library; None: never issued."""
    check = 10 - sum(int(d) * w for d, w in zip(nine, _WEIGHTS, strict=True)) % 11
    return f"{nine}{check}" if check < 10 else None


def enterprise(raw: str) -> ParsedIdentifier | IdentifierProblem:
    return parse_identifier(raw, kind=IdentifierKind.ENTERPRISE_CODE)


@pytest.mark.parametrize(
    ("nine", "check"),
    [
        ("010004751", 6),
        ("012345678", 7),
        ("990000001", 6),
        ("990000002", 3),
        ("990000003", 0),
        ("990000004", 8),
        ("990000005", 5),
        ("990000011", 1),
    ],
)
def test_an_enterprise_code_has_the_right_check_digit(nine, check) -> None:
    """TT 105/2020/TT-BTC Art. 5(1)."""
    for digit in range(10):
        found = enterprise(f"{nine}{digit}")
        if digit == check:
            assert found == ParsedIdentifier(IdentifierKind.ENTERPRISE_CODE, f"{nine}{check}")
        else:
            assert found is IdentifierProblem.TAX_CODE_MALFORMED


@pytest.mark.parametrize("nine", ["990000007", "000000000"])
def test_a_code_whose_check_would_be_ten_was_never_issued(nine) -> None:
    assert with_check_digit(nine) is None
    problems = {enterprise(f"{nine}{digit}") for digit in range(10)}
    assert problems == {IdentifierProblem.TAX_CODE_MALFORMED}


@given(st.integers(min_value=1, max_value=9_999_999), st.integers(min_value=0, max_value=99))
def test_the_library_computes_what_the_circular_says(serial, part) -> None:
    nine = f"{part:02d}{serial:07d}"
    whole = with_check_digit(nine)
    for digit in range(10):
        is_taken = isinstance(enterprise(f"{nine}{digit}"), ParsedIdentifier)
        assert is_taken == (f"{nine}{digit}" == whole)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("0100047516", "0100047516"),
        ("0100047516001", "0100047516-001"),
        ("0100047516-001", "0100047516-001"),
        (" 0100047516 - 001 ", "0100047516-001"),
        ("0100047516\u2013001", "0100047516-001"),
        ("０１０００４７５１６", "0100047516"),
    ],
)
def test_an_enterprise_code_has_one_written_form(raw, value) -> None:
    assert enterprise(raw) == ParsedIdentifier(IdentifierKind.ENTERPRISE_CODE, value)


@pytest.mark.parametrize(
    "raw",
    [
        "0100047516-000",
        "0100047516000",
        "0100000000",
        "01000475160",
        "010-0047516",
        "01.00047516",
        "0100047516-01",
        "0100047516-0001",
        "0100047516--001",
        "A100047516",
        "",
    ],
)
def test_other_forms_of_an_enterprise_code_are_refused(raw) -> None:
    """TT 105/2020/TT-BTC Art. 5(1): N3-N9 from 0000001, N11-N13 from 001; one separator."""
    assert enterprise(raw) is IdentifierProblem.TAX_CODE_MALFORMED


def test_the_tax_code_of_an_individual_is_the_personal_number() -> None:
    """TT 86/2024/TT-BTC Art. 5(5)."""
    assert parse_tax_code("003091000017") == ParsedIdentifier(
        IdentifierKind.PERSONAL_ID_NUMBER, "003091000017"
    )
    assert parse_tax_code("9900000016") == enterprise("9900000016")
    assert parse_tax_code("12345") is IdentifierProblem.TAX_CODE_MALFORMED
    assert parse_tax_code("0" * 200) is IdentifierProblem.TAX_CODE_MALFORMED


@pytest.mark.parametrize(
    "raw",
    ["00309100001", "0030910000170", "00309100001A", "000000000000", "３３３３３３３３３３３３"],
)
def test_a_personal_number_has_twelve_digits_not_all_equal(raw) -> None:
    """Law 26/2023/QH15 Art. 12."""
    found = parse_identifier(raw, kind=IdentifierKind.PERSONAL_ID_NUMBER)
    assert found is IdentifierProblem.MALFORMED


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (IdentifierKind.LEGACY_ID_9, "012 345 678", "012345678"),
        (IdentifierKind.PASSPORT_NUMBER, "c1234567", "C1234567"),
        (IdentifierKind.FOREIGNER_ID, "ab-12345", "AB12345"),
    ],
)
def test_other_kinds_have_one_written_form(kind, raw, value) -> None:
    assert parse_identifier(raw, kind=kind) == ParsedIdentifier(kind, value)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (IdentifierKind.LEGACY_ID_9, "01234567"),
        (IdentifierKind.LEGACY_ID_9, "999999999"),
        (IdentifierKind.PASSPORT_NUMBER, "C12"),
        (IdentifierKind.PASSPORT_NUMBER, "C1234567Đ"),
        (IdentifierKind.FOREIGNER_ID, "x" * 33),
        (IdentifierKind.FOREIGNER_ID, "12;34567"),
        (IdentifierKind.PERSONAL_ID_NUMBER, "0" * 65),
    ],
)
def test_other_kinds_are_refused_when_malformed(kind, raw) -> None:
    assert parse_identifier(raw, kind=kind) is IdentifierProblem.MALFORMED


def test_an_unusual_passport_is_taken_with_a_warning() -> None:
    found = parse_identifier("AB123456", kind=IdentifierKind.PASSPORT_NUMBER)
    assert isinstance(found, ParsedIdentifier)
    assert found.warnings == (IdentifierWarning.PASSPORT_UNUSUAL,)


def test_two_countries_may_give_out_one_passport_number() -> None:
    at_home = parse_identifier("C1234567", kind=IdentifierKind.PASSPORT_NUMBER)
    abroad = parse_identifier("C1234567", kind=IdentifierKind.PASSPORT_NUMBER, country="FRA")
    assert isinstance(at_home, ParsedIdentifier)
    assert isinstance(abroad, ParsedIdentifier)
    assert at_home.value != abroad.value
    typed = parse_login_identifier("fra/c1234567")
    assert isinstance(typed, TypedIdentifier)
    assert typed.candidates == (abroad,)


@pytest.mark.parametrize(
    ("raw", "kinds"),
    [
        (
            "003 091 000 017",
            [IdentifierKind.PERSONAL_ID_NUMBER, IdentifierKind.FOREIGNER_ID],
        ),
        ("012345678", [IdentifierKind.LEGACY_ID_9, IdentifierKind.FOREIGNER_ID]),
        ("C1234567", [IdentifierKind.PASSPORT_NUMBER, IdentifierKind.FOREIGNER_ID]),
        ("NN-1234567", [IdentifierKind.PASSPORT_NUMBER, IdentifierKind.FOREIGNER_ID]),
    ],
)
def test_what_was_typed_may_be_several_kinds(raw, kinds) -> None:
    typed = parse_login_identifier(raw)
    assert isinstance(typed, TypedIdentifier)
    assert [one.kind for one in typed.candidates] == kinds


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("", IdentifierProblem.MALFORMED),
        ("   ", IdentifierProblem.MALFORMED),
        ("abc", IdentifierProblem.MALFORMED),
        ("00309100001", IdentifierProblem.MALFORMED),
        ("00309100001777", IdentifierProblem.MALFORMED),
        ("222222222222", IdentifierProblem.MALFORMED),
        ("an@thu.example", IdentifierProblem.MALFORMED),
        ("FRA/12", IdentifierProblem.MALFORMED),
        ("9900000016", IdentifierProblem.ORGANISATION),
        ("9900000016001", IdentifierProblem.ORGANISATION),
        ("9900000010", IdentifierProblem.TAX_CODE_MALFORMED),
        ("9900000016-000", IdentifierProblem.TAX_CODE_MALFORMED),
    ],
)
def test_what_cannot_sign_in_is_named(raw, problem) -> None:
    assert parse_login_identifier(raw) is problem


@given(st.text(max_size=80))
def test_any_text_is_an_identifier_or_a_problem(raw) -> None:
    found = parse_login_identifier(raw)
    if isinstance(found, TypedIdentifier):
        assert found.value.isascii()
        for candidate in found.candidates:
            country = candidate.value[:3] if "/" in candidate.value else None
            value = candidate.value.partition("/")[2] or candidate.value
            again = parse_identifier(value, kind=candidate.kind, country=country)
            assert again == candidate


def test_the_hint_reads_province_sex_and_year() -> None:
    """TT 07/2016/TT-BCA Art. 7.  Nobody has these numbers: they are of people born after 2300."""
    assert len(BIRTH_PROVINCES) == 63
    hint = hint_for("079901000017")
    assert (hint.province, hint.gender, hint.birth_year) == ("Hồ Chí Minh", Gender.FEMALE, 2301)
    old = hint_for("003091000017")
    assert (old.province, old.gender, old.birth_year) == (None, Gender.MALE, 1991)


def test_the_hint_warns_and_never_refuses() -> None:
    agreeing = check_hint("001891000017", gender=Gender.MALE, birthdate=Birthdate(2391))
    assert agreeing == ()
    differing = check_hint("003091000017", gender=Gender.FEMALE, birthdate=Birthdate(1992, 5))
    assert set(differing) == {
        IdentifierWarning.PROVINCE_UNKNOWN,
        IdentifierWarning.GENDER_DIFFERS,
        IdentifierWarning.BIRTH_YEAR_DIFFERS,
    }
    assert check_hint("001891000017", gender=None, birthdate=None) == ()


def test_no_number_shows_in_a_repr() -> None:
    typed = parse_login_identifier("003091000017")
    for shown in (repr(typed), repr(hint_for("003091000017"))):
        assert "091000017" not in shown
        assert "1991" not in shown
