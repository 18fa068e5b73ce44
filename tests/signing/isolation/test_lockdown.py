"""Each wall, tried from inside (architecture, decision 12)."""

from __future__ import annotations

import pytest

from signing.errors import WallsMissing
from signing.isolation.pool import IsolationPool, Walls
from tests.support.hostile_tasks import ATTEMPT, ATTEMPTS, COUNT, LOOK_AROUND, Try

_HOSTILE = "tests.support.hostile_tasks"


@pytest.mark.parametrize("what", ATTEMPTS)
def test_it_is_refused_to(pool: IsolationPool, what: str) -> None:
    happened, output = pool.run(ATTEMPT, Try(what))
    output.close()
    assert happened.outcome in {"PermissionError", "RuntimeError", "ValueError"}


def test_it_has_no_environment_and_no_file_but_its_socket_and_the_output(
    pool: IsolationPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIN_SECRET", "not for whoever parses")
    happened, output = pool.run(LOOK_AROUND, Try(""))
    output.close()
    assert happened.outcome == "{}"
    assert happened.number == 5  # three times nothing, the socket, the output


def test_the_walls_that_stand_are_told() -> None:
    with IsolationPool(Walls(processes=1, modules=(_HOSTILE,))) as pool:
        assert {"filter", "privileges"} <= set(pool.start())


@pytest.mark.parametrize("saboteur", ["no_filter_library", "filter_without_effect"])
def test_without_a_filter_nothing_starts(saboteur: str) -> None:
    walls = Walls(processes=1, modules=(_HOSTILE, f"tests.support.{saboteur}"))
    with IsolationPool(walls) as pool, pytest.raises(WallsMissing):
        pool.start()


@pytest.mark.parametrize("saboteur", ["no_filter_library", "filter_without_effect"])
def test_an_operator_may_allow_to_work_without_a_filter(saboteur: str) -> None:
    walls = Walls(
        processes=1,
        modules=(_HOSTILE, f"tests.support.{saboteur}"),
        is_unlocked_allowed=True,
    )
    with IsolationPool(walls) as pool:
        assert "filter" not in pool.start()
        pool.run(COUNT, Try(""))[1].close()
