"""The order of the tests loses none, and gives each worker one kind of the slow ones."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.support.order import ordered


@dataclass(frozen=True)
class _Test:
    nodeid: str
    fixturenames: tuple[str, ...] = ()


_SLOW = [
    _Test("tests/conformance/test_a.py::a", ("waiting",)),
    _Test("tests/conformance/test_a.py::b"),
    _Test("tests/browser/test_signing.py::a", ("running_sandbox",)),
    _Test("tests/resilience/test_a.py::a"),
    _Test("tests/idp/cli/test_a.py::a"),
]
_TESTS = [*(_Test(f"tests/keystore/test_{n}.py::a") for n in range(35)), *_SLOW]


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7, 60])
def test_every_test_runs_once_and_what_was_drawn_stays(workers: int) -> None:
    made = ordered(_TESTS, workers=workers)
    assert sorted(one.nodeid for one in made) == sorted(one.nodeid for one in _TESTS)
    assert [one for one in made if one not in _SLOW] == _TESTS[:35]


def test_of_a_kind_the_longest_come_first() -> None:
    short = _Test("tests/browser/test_account.py::a")
    long = _Test("tests/browser/test_pages_rules.py::a")
    assert ordered([short, *_TESTS[:35], long], workers=1)[:2] == [long, short]


def test_each_worker_begins_with_a_kind_of_its_own_and_waiting_comes_after_it() -> None:
    made = ordered(_TESTS, workers=4)
    part = len(_TESTS) // 4
    assert made[:2] == [_SLOW[1], _SLOW[0]]
    assert [made[number * part] for number in (1, 2, 3)] == _SLOW[2:]
