"""Before anybody is served it is known whether documents can be read in safety here."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from idp.errors import SettingsInvalid
from idp.settings import Settings
from idp.walls import check_walls, make_walls
from signing.errors import ParsingFailed, WallsMissing
from signing.isolation.pool import IsolationPool


def test_a_host_with_walls_serves() -> None:
    check_walls(Settings(isolation_processes=1))


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
    given = make_walls(Settings(isolation_unlocked=True, isolation_processes=3))
    assert given == replace(given, processes=3, is_unlocked_allowed=True)
