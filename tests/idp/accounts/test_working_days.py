"""Counting days as the law counts them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from idp.accounts.data_request_rules import RequestKind, rule_of
from idp.accounts.working_days import days_after, load_working_days


def at(text: str) -> datetime:
    """A time in Viet Nam."""
    return datetime.fromisoformat(f"{text}+07:00")


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-11-18T09:00", "2026-11-21T00:00"),  # Wednesday: the end of Friday
        ("2026-11-20T23:59", "2026-11-25T00:00"),  # Friday night: the end of Tuesday
        ("2026-11-21T10:00", "2026-11-25T00:00"),  # Saturday: the end of Tuesday
        ("2026-12-31T10:00", "2027-01-06T00:00"),  # New Year's Day is a Friday
        ("2027-02-04T10:00", "2027-02-12T00:00"),  # before Tết: five days and a weekend in them
        ("2026-04-29T10:00", "2026-05-06T00:00"),  # 30 April, 1 May, a weekend
    ],
)
def test_a_request_is_acknowledged_within_two_working_days(asked: str, due: str) -> None:
    """NĐ 356/2025/NĐ-CP Art. 5; Labour Code 45/2019/QH14 Art. 112."""
    found = load_working_days().after(at(asked), working_days=2)
    assert found == at(due)
    assert found.tzinfo is UTC


def test_days_of_the_calendar_end_with_their_last_day() -> None:
    """Civil Code 91/2015/QH13 Art. 147, 148."""
    assert days_after(at("2026-11-18T09:00"), days=10) == at("2026-11-29T00:00")


@pytest.mark.parametrize(
    ("kinds", "days"),
    [
        ((RequestKind.VIEW, RequestKind.CORRECT, RequestKind.PROVIDE), (10, 15, 10, 0)),
        ((RequestKind.WITHDRAW, RequestKind.RESTRICT, RequestKind.OBJECT), (15, 20, 15, 0)),
        ((RequestKind.DELETE,), (20, 30, 20, 7)),
    ],
)
def test_the_clocks_are_those_of_the_decree(kinds, days) -> None:
    """NĐ 356/2025/NĐ-CP Art. 5."""
    for kind in kinds:
        rule = rule_of(kind)
        assert rule.acknowledge_working_days == 2
        found = (rule.answer_days, rule.by_processor_days, rule.extension_days, rule.waiting_days)
        assert found == days
        assert "Art. 5" in rule.legal
        assert rule.legal_from == "2026-01-01"
