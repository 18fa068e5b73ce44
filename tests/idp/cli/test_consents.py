"""`antin consents` as an operator types it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from idp.cli import cli
from idp.cli.consents import consents
from idp.services import Services
from idp.storage.consents import consents_of
from keystore.log.record import log_event
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH

Run = Callable[..., Result]


@pytest.fixture
def run(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over the provider of the test."""

    @contextmanager
    def opened() -> Iterator[Services]:
        yield provider.services

    monkeypatch.setattr("idp.cli.consents.open_services", opened)

    def invoke(*arguments: str, typed: str = "", status: int = 0) -> Result:
        result = CliRunner().invoke(consents, arguments, input=typed)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def consent_id_of(provider: Provider) -> str:
    with provider.services.database.read() as connection:
        (given,) = consents_of(connection, ANH.account_id)
    return given.consent_id


def test_it_is_a_command_of_the_house() -> None:
    assert cli.get_command(click.Context(cli), "consents") is consents


def test_what_was_agreed_to_is_listed_without_the_person(
    provider: Provider, browser: Browser, run: Run
) -> None:
    browser.tokens(scope="openid email")
    shown = run("list", ANH.account_id).output
    assert f"{consent_id_of(provider)}  portal  consent\n" in shown
    assert "shared:    email email_verified" in shown
    assert "withdrawn" not in shown
    assert ANH.identifier not in shown
    assert run("list", "-", typed=f"{ANH.identifier}\n").output.endswith(shown)
    assert run("list", BINH.account_id).output == ""


def test_a_withdrawal_ends_what_stands_on_the_consent(
    provider: Provider, browser: Browser, run: Run
) -> None:
    """Law 91/2025/QH15 Art. 9: consent may be withdrawn at any time."""
    tokens = browser.tokens()
    consent_id = consent_id_of(provider)
    withdraw = ("withdraw", ANH.account_id, consent_id, "--operator", "first")
    assert run(*withdraw).output == "1 grants ended\n"
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert browser.authorize(prompt="none").error == "consent_required"
    assert "withdrawn: 2026-11-21T" in run("list", ANH.account_id).output
    assert run(*withdraw).output == "0 grants ended\n"


def test_the_operator_stands_in_the_log(provider: Provider, browser: Browser, run: Run) -> None:
    browser.tokens()
    run("withdraw", ANH.account_id, consent_id_of(provider), "--operator", "first")
    with provider.services.database.read() as connection:
        rows = connection.execute(
            select(log_event).where(log_event.c.type == "oauth:consent:withdrawn")
        ).all()
    assert len(rows) == 1
    assert "first" in str(rows[0])


def test_nobody_elses_consent_is_taken_back(provider: Provider, browser: Browser, run: Run) -> None:
    browser.tokens()
    consent_id = consent_id_of(provider)
    assert "consent_unknown" in run("withdraw", BINH.account_id, consent_id, status=1).stderr
    assert "consent_unknown" in run("withdraw", ANH.account_id, "con_x", status=1).stderr
    assert "oauth:consent:withdrawn" not in provider.events()
