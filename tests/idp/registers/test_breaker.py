"""The breaker by a clock that is moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from idp.registers.breaker import FAILURES, REST, Breaker

_NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def _broken() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.may_ask(_NOW)
        breaker.failed(_NOW)
    return breaker


def test_failures_in_a_row_keep_everybody_from_asking() -> None:
    assert not _broken().may_ask(_NOW + REST - timedelta(milliseconds=1))


def test_an_answer_in_between_starts_the_row_anew() -> None:
    breaker = Breaker()
    for _ in range(FAILURES * 2):
        breaker.failed(_NOW)
        breaker.answered()
    assert breaker.may_ask(_NOW)


def test_after_the_rest_one_asks_for_all() -> None:
    breaker, later = _broken(), _NOW + REST

    assert breaker.may_ask(later)
    assert not breaker.may_ask(later)
    breaker.failed(later)
    assert not breaker.may_ask(later + REST / 2)
    assert breaker.may_ask(later + REST)
    breaker.answered()
    assert all(breaker.may_ask(later + REST) for _ in range(9))


def test_one_who_never_came_back_does_not_close_it_for_ever() -> None:
    breaker, later = _broken(), _NOW + REST

    assert breaker.may_ask(later)
    assert breaker.may_ask(later + REST)
