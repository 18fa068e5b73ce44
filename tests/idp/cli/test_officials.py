"""`antin officials` as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result

from idp.accounts.officials import Duty, Officials
from idp.cli.officials import officials
from keystore.log.events import EventType
from tests.support.provider import Provider
from tests.support.provider_seeds import ANH, CHI
from tests.support.signer import events

Run = Callable[..., Result]


@pytest.fixture
def run(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over the database of the test, at the time of the test."""

    @contextmanager
    def opened() -> Iterator[object]:
        yield provider.services

    monkeypatch.setattr("idp.cli.officials.open_services", opened)

    def invoke(*arguments: str, typed: str = "", status: int = 0) -> Result:
        result = CliRunner().invoke(officials, arguments, input=typed)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


_GIVE = ("--duty", "proofing", "--controller", "agency", "--operator", "lan")


def test_a_duty_is_given_listed_and_ended_by_a_named_operator(provider: Provider, run: Run) -> None:
    made = run("add", *_GIVE, typed=f"{ANH.identifier}\n").output.strip().splitlines()[-1]
    assert made.startswith("ofl_")
    database = provider.services.database
    held = Officials(database, provider.services.log)
    assert held.find(ANH.account_id, duty=Duty.PROOFING, now=provider.now) is not None
    line = run("list").output.split()
    assert line[:4] == [made, "proofing", "agency", ANH.account_id]
    run("end", made, "--operator", "binh")
    assert held.find(ANH.account_id, duty=Duty.PROOFING, now=provider.now) is None
    assert run("list").output == ""
    assert "ended 20" in run("list", "--all").output
    run("end", made, status=1)
    by = [
        json.loads(row["facts"])["operator"]
        for type_ in (EventType.OFFICIAL_ADDED, EventType.OFFICIAL_ENDED)
        for row in events(database, type_)
    ]
    assert by == ["lan", "binh"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((CHI.identifier, *_GIVE), 1, "official_unfit"),
        ((ANH.identifier, *_GIVE[:3], "nobody"), 1, "controller_unknown"),
        ((ANH.identifier, *_GIVE, "--last-day", "2020-01-01"), 2, "the last day is over"),
        (("005091000018", *_GIVE), 1, "account_unknown"),
    ],
)
def test_what_cannot_be_given_is_said_in_a_word(
    run: Run, arguments: tuple[str, ...], status: int, said: str
) -> None:
    assert said in run("add", *arguments, status=status).stderr


def test_the_last_day_is_a_day_in_viet_nam(provider: Provider, run: Run) -> None:
    day = provider.now.date().replace(year=provider.now.year + 1).isoformat()
    run("add", ANH.identifier, *_GIVE, "--last-day", day)
    (given,) = Officials(provider.services.database, provider.services.log).list_all()
    assert given.valid_to is not None
    assert given.valid_to.isoformat() > day
