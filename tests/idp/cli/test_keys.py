"""`antin keys` as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from idp.cli import cli
from idp.cli.keys import keys
from idp.keyrings import open_keyrings
from idp.services import Services
from keystore.keyring import Keyring
from keystore.log.record import log_event
from keystore.purposes import CA_ISSUING, KEY_PURPOSES, OCSP, KeyPurpose
from keystore.signing_keys import signing_key
from tests.support.provider import Provider

Run = Callable[..., Result]


@pytest.fixture
def run(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over the provider of the test."""

    @contextmanager
    def opened() -> Iterator[Services]:
        yield provider.services

    monkeypatch.setattr("idp.cli.keys.open_services", opened)

    def invoke(*arguments: str, typed: str = "", status: int = 0) -> Result:
        result = CliRunner().invoke(keys, arguments, input=typed)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def _keyring(provider: Provider, purpose: KeyPurpose) -> Keyring:
    services = provider.services
    return open_keyrings(
        services.settings, database=services.database, sealer=services.sealer, log=services.log
    ).of(purpose)


def _listed(run: Run, *arguments: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(run("list", "--json", *arguments).output)
    return listed


def _active(run: Run, purpose: str, algorithm: str = "ES256") -> str:
    (kid,) = [
        str(one["kid"])
        for one in _listed(run, "--purpose", purpose)
        if one["state"] == "active" and one["algorithm"] == algorithm
    ]
    return kid


def test_it_is_a_command_of_the_house() -> None:
    assert cli.get_command(click.Context(cli), "keys") is keys
    assert {"list", "rotate", "destroy", "rotate-kek"} <= set(keys.commands)


def test_keys_of_every_purpose_are_listed_with_their_state(provider: Provider, run: Run) -> None:
    now = provider.services.time()
    _keyring(provider, OCSP).ensure(now)
    made = _keyring(provider, CA_ISSUING).add("ES384", now=now)
    table = run("list").output
    assert table.splitlines()[0].split() == ["key", "purpose", "kind", "kept", "state"]
    assert f"{made.kid}  ca_issuing  ES384  software  active since" in table
    assert {one["purpose"] for one in _listed(run)} == {"token", "ocsp", "ca_issuing"}
    assert {one["purpose"] for one in _listed(run, "--purpose", "ocsp")} == {"ocsp"}


def test_no_private_half_is_ever_shown(run: Run) -> None:
    shown = run("list", "--json").output
    for one in json.loads(shown):
        assert not {"d", "p", "q", "k"} & set(one["public_jwk"])
    assert "sealed" not in shown


def test_a_damaged_key_is_named(provider: Provider, run: Run) -> None:
    with provider.services.database.transaction() as transaction:
        transaction.connection.execute(
            update(signing_key)
            .where(signing_key.c.algorithm == "RS256")
            .values(private_sealed=b"\x01broken")
        )
    damaged = {one["algorithm"]: one["is_damaged"] for one in _listed(run)}
    assert damaged == {"ES256": False, "RS256": True}
    assert "DAMAGED: does not open" in run("list").output


def test_rotating_publishes_the_next_keys_in_the_operators_name(
    provider: Provider, run: Run
) -> None:
    shown = run("rotate", "--operator", "lan").output
    assert sorted(line.split()[1:4] for line in shown.splitlines()) == [
        ["ES256", "signs", "from"],
        ["RS256", "signs", "from"],
    ]
    states = sorted(one["state"] for one in _listed(run))
    assert states == ["active", "active", "next", "next"]
    with provider.services.database.read() as connection:
        facts = connection.execute(
            select(log_event.c.facts).where(log_event.c.type == "keys:signing_key:retired")
        ).scalars()
        assert {json.loads(one)["operator"] for one in facts} == {"lan"}


def test_keys_of_authorities_are_not_rotated(run: Run) -> None:
    assert "`antin ca` makes them" in run("rotate", "ca_issuing", status=1).output
    run("rotate", "unheard-of", status=2)


def test_a_destruction_asks_and_names_what_stops(provider: Provider, run: Run) -> None:
    kid = _active(run, "token")
    asked = run("destroy", kid, typed="n\n", status=1).output
    assert "No token is signed with it any more" in asked
    assert "There is no other active key of this purpose and kind." in asked
    assert _active(run, "token") == kid
    shown = run("destroy", kid, typed="y\n").output
    assert shown.endswith(f"{kid} destroyed\n")
    assert _active(run, "token") != kid
    assert "destroyed before" in run("destroy", kid, "--yes", status=1).output
    assert "no such key" in run("destroy", "unknown", "--yes", status=1).output
    assert "no such key" in run("destroy", "-i_sGsx", "--yes", status=1).output


@pytest.mark.parametrize("name", sorted(KEY_PURPOSES))
def test_every_purpose_has_a_sentence_of_its_own(provider: Provider, run: Run, name: str) -> None:
    purpose, now = KEY_PURPOSES[name], provider.services.time()
    keyring = _keyring(provider, purpose)
    keyring.ensure(now)
    if not purpose.is_succession:
        keyring.add(purpose.algorithms[0], now=now)
    kid = _active(run, name, purpose.algorithms[0])
    asked = run("destroy", kid, typed="n\n", status=1).output
    assert "Nothing is signed with it any more." not in asked
    assert "cannot be brought back" in asked


def test_the_destruction_of_a_retired_key_stops_nothing(provider: Provider, run: Run) -> None:
    old = _active(run, "token")
    run("rotate")
    provider.clock.advance(days=1)
    assert "nothing stops" in run("destroy", old, typed="y\n").output
