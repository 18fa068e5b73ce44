"""Before anybody is served it is known whether documents can be read in safety here."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from idp.errors import SettingsInvalid
from idp.settings import Settings
from idp.walls import check_walls, make_walls, tell_walls
from signing.errors import ParsingFailed, WallsMissing
from signing.isolation.lockdown import ALL_WALLS
from signing.isolation.pool import IsolationPool
from tests.support.log_lines import log_lines


def test_a_host_with_walls_serves() -> None:
    assert {"filter", "privileges"} <= set(check_walls(Settings(isolation_processes=1)))


@pytest.mark.parametrize(
    ("walls", "level", "missing"),
    [
        (ALL_WALLS, "info", ""),
        (("privileges", "filter"), "warning", "namespaces,root"),
        (("namespaces", "root", "privileges"), "error", "filter"),
        ((), "error", "namespaces,root,privileges,filter"),
    ],
)
def test_how_strong_they_are_is_told_at_the_start(
    walls: tuple[str, ...], level: str, missing: str
) -> None:
    with log_lines("INFO") as lines:
        tell_walls(walls)
        (told,) = lines()
    found = (told["event"], told["level"], told["walls"], told["missing"])
    assert found == ("isolation", level, ",".join(walls), missing)


@pytest.mark.parametrize(
    ("failure", "setting"),
    [
        (WallsMissing("no_filter"), "ANTIN_ISOLATION_UNLOCKED"),
        (ParsingFailed("not_started"), "ANTIN_ISOLATION_PROCESSES"),
    ],
)
def test_a_host_without_them_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, setting: str
) -> None:
    def start(_pool: IsolationPool) -> tuple[str, ...]:
        raise failure

    monkeypatch.setattr(IsolationPool, "start", start)
    with pytest.raises(SettingsInvalid, match=re.escape(setting)):
        check_walls(Settings())


def test_an_operator_may_say_that_it_need_not() -> None:
    given = make_walls(Settings(isolation_unlocked=True, isolation_processes=3, isolation_jobs=1))
    assert given == replace(given, processes=3, jobs=1, is_unlocked_allowed=True)
