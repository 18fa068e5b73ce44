"""Whoever had the sharing of their data restricted shares nothing from that instant on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import text

from idp.accounts.data_request_rules import RequestKind
from idp.oauth.authorization import SessionOvertaken
from idp.oauth.authorization_request import check_authorization_request, find_client_and_redirect
from idp.oauth.parameters import Parameters
from idp.oauth.prompts import Progress
from idp.storage.grants import live_grants
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH
from tests.support.servers import wait_until

_AWAITED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def restrict(provider: Provider) -> None:
    provider.services.rights.requests.ask(
        ANH.account_id, RequestKind.RESTRICT, wish="", now=provider.now
    )


def lift(provider: Provider) -> None:
    assert provider.services.rights.requests.lift_restriction(ANH.account_id, now=provider.now)


def live(provider: Provider) -> int:
    with provider.services.database.read() as connection:
        return len(live_grants(connection, ANH.account_id, now=provider.now))


def complete(provider: Provider, browser: Browser) -> str:
    """The last step of a sign-in in which nothing is left to ask."""
    services = provider.services
    session = services.sessions.find(browser.cookie("session") or "", now=provider.now)
    parameters = Parameters(browser.request().items())
    to = find_client_and_redirect(parameters, hints=services.hints, now=provider.now)
    request = check_authorization_request(parameters, to=to, hints=services.hints, now=provider.now)
    gathered = services.authorizations.gather(
        request,
        client=to.client,
        progress=Progress(started_at=provider.now),
        session=session,
        now=provider.now,
    )
    return services.authorizations.complete(gathered, opened=None, decision=None)


def test_the_person_is_told_why_nothing_is_shared_and_what_to_do(provider: Provider) -> None:
    browser = Browser(provider)
    browser.tokens()
    restrict(provider)
    assert live(provider) == 0
    page = browser.sign_in()
    assert page.shows("error-restriction")
    assert "Ông/Bà đang hạn chế chia sẻ dữ liệu" in page.page
    assert "You have restricted the sharing of your data" in page.page
    assert browser.get(f"{page.place}/leave").error == "access_denied"
    assert browser.authorize(prompt="none").error == "access_denied"
    lift(provider)
    assert "code" in browser.sign_in().fields


def test_signing_in_where_nothing_is_shared_goes_on(provider: Provider) -> None:
    browser = Browser(provider)
    restrict(provider)
    assert browser.tokens(scope="openid")


@contextmanager
def nobody_writes(provider: Provider, table: str) -> Iterator[None]:
    """Writers of a table wait until this ends; readers do not."""
    url = provider.services.database.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        connection.execute(f"LOCK TABLE {table} IN SHARE MODE".encode())
        yield


def waits(provider: Provider, table: str) -> bool:
    """Whether somebody waits to write a table."""
    asked = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = to_regclass(:name)"
    )
    with provider.services.database.read() as connection:
        return bool(connection.execute(asked, {"name": table}).scalar_one())


def waits_for_the_other(provider: Provider) -> bool:
    """Whether a grant waits for a restriction, or the other way round."""
    with provider.services.database.read() as connection:
        return bool(connection.exec_driver_sql(_AWAITED).scalar_one())


def test_a_grant_that_is_being_made_is_ended_by_a_restriction_that_comes_then(
    provider_on_both: Provider,
) -> None:
    """It was decided before the restriction, and stored by the time that it is looked for."""
    provider = provider_on_both
    browser = Browser(provider)
    browser.tokens()
    if provider.services.database.is_sqlite:  # one writer after the other
        complete(provider, browser)
        restrict(provider)
        assert live(provider) == 0
        return
    with ThreadPoolExecutor(2) as threads:
        with nobody_writes(provider, "oauth_grant"):
            granting = threads.submit(complete, provider, browser)
            wait_until(lambda: waits(provider, "oauth_grant"), what="the grant")
            restricting = threads.submit(restrict, provider)
            wait_until(lambda: waits_for_the_other(provider), what="the restriction")
        assert granting.result(30)
        restricting.result(30)
    assert live(provider) == 0


def test_a_restriction_that_is_being_made_lets_no_grant_through(
    provider_on_both: Provider,
) -> None:
    provider = provider_on_both
    browser = Browser(provider)
    browser.tokens()
    if provider.services.database.is_sqlite:
        restrict(provider)
        with pytest.raises(SessionOvertaken):
            complete(provider, browser)
        return
    with ThreadPoolExecutor(2) as threads:
        with nobody_writes(provider, "data_restriction"):
            restricting = threads.submit(restrict, provider)
            wait_until(lambda: waits(provider, "data_restriction"), what="the restriction")
            granting = threads.submit(complete, provider, browser)
            wait_until(lambda: waits_for_the_other(provider), what="the grant")
        restricting.result(30)
        with pytest.raises(SessionOvertaken):
            granting.result(30)
    assert live(provider) == 0
