"""How many signatures strangers may cause."""

from __future__ import annotations

from datetime import datetime, timedelta

from keystore.pki.budget import SigningBudget
from tests.support.racing import race

SECOND = timedelta(seconds=1)


def spend(budget: SigningBudget, times: int, *, now: datetime) -> int:
    return sum(budget.spend(now=now) for _ in range(times))


def test_after_a_quiet_time_there_is_a_reserve_and_then_so_many_a_second(now: datetime) -> None:
    budget = SigningBudget(per_second=10, at_once=25)
    assert spend(budget, 100, now=now) == 25
    assert spend(budget, 100, now=now + SECOND) == 10
    assert spend(budget, 100, now=now + SECOND / 2) == 0
    assert spend(budget, 100, now=now + 1000 * SECOND) == 25


def test_fractions_add_up(now: datetime) -> None:
    budget = SigningBudget(per_second=10, at_once=2)
    spent = sum(budget.spend(now=now + number * SECOND / 100) for number in range(1_000))
    assert 99 <= spent <= 102


def test_a_clock_that_is_set_back_gives_nothing_and_takes_nothing(now: datetime) -> None:
    budget = SigningBudget(per_second=1, at_once=3)
    assert spend(budget, 2, now=now) == 2
    assert spend(budget, 9, now=now - 1000 * SECOND) == 1
    assert spend(budget, 9, now=now - 999 * SECOND) == 1


def test_threads_together_spend_no_more_than_there_is(now: datetime) -> None:
    budget = SigningBudget(per_second=0, at_once=50)
    spent = race([lambda: spend(budget, 20, now=now)] * 8)
    assert sum(spent) == 50
