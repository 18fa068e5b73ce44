"""A store goes away under the running application, and comes back.

People and programs are refused with 503 and a sentence, nothing that was acknowledged is lost, and
nobody has to restart anything.  What never changes is answered throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event
from werkzeug.test import Client, TestResponse

from idp.services import Services
from idp.storage.database import Database
from idp.storage.ephemeral_redis import RedisEphemeralStore
from idp.storage.ephemeral_sql import SqlEphemeralStore
from idp.web.front import Front
from tests.support.pii_alarm import PiiAlarm
from tests.support.provider import ISSUER, Clock, Provider, make_client_key, open_services
from tests.support.provider_browser import VERIFIER, Browser
from tests.support.provider_seeds import PEOPLE, SECRET, seed
from tests.support.servers import PostgresqlServer, RedisServer, wait_until
from tests.support.stores import create_all_tables

_STANDING = ("/jwks", "/.well-known/openid-configuration", "/openapi.json", "/healthz")
Serve = Callable[[Services], tuple[Provider, Browser]]


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC))


@pytest.fixture
def serve(pii_alarm: PiiAlarm, clock: Clock) -> Iterator[Serve]:
    """Seeds services and puts the whole application over them; the alarm knows the seeds."""
    opened: list[Services] = []
    pii_alarm.seed(SECRET, kind="the clients' secret")
    for number, person in enumerate(PEOPLE):
        pii_alarm.seed(person.password, kind=f"password {number}")

    def make(services: Services) -> tuple[Provider, Browser]:
        opened.append(services)
        keys = {name: make_client_key(f"{name}-1") for name in ("keyed", "fapi")}
        seed(services, jwks={name: key.jwks() for name, key in keys.items()}, now=clock.now)
        clock.advance(minutes=1)
        provider = Provider(services, clock, keys)
        front = Front(provider.app, services=services)
        provider.http = Client(front, use_cookies=False)
        browser = Browser(provider)
        browser.http = Client(front)
        return provider, browser

    yield make
    for services in opened:
        services.close()


@pytest.fixture
def on_own_servers(
    own_postgresql: PostgresqlServer,
    own_redis: RedisServer,
    serve: Serve,
    clock: Clock,
    tmp_path: Path,
) -> tuple[Provider, Browser]:
    """The application over a PostgreSQL and a Redis that the test may stop."""
    url = own_postgresql.url(own_postgresql.make_database())
    create_all_tables(url)
    return serve(
        open_services(
            database=Database(url, pool_size=4),
            ephemeral=RedisEphemeralStore(own_redis.url),
            clock=clock,
            folder=tmp_path,
        )
    )


def _assert_page_refused(answer: TestResponse) -> None:
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503, page
    assert int(answer.headers["Retry-After"]) > 0
    assert "Hệ thống đang gián đoạn" in page
    assert answer.headers["X-Request-Id"] in page
    assert "Traceback" not in page
    assert "psycopg" not in page


def _assert_program_refused(answer: TestResponse) -> None:
    assert answer.status_code == 503, answer.get_data(as_text=True)
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.get_json() == {
        "error": "temporarily_unavailable",
        "error_description": "the service is interrupted; try again in a few seconds",
    }


def _assert_standing(provider: Provider) -> None:
    for path in _STANDING:
        assert provider.http.get(path, base_url=ISSUER).status_code == 200, path


def _is_ready(provider: Provider) -> bool:
    return provider.http.get("/readyz", base_url=ISSUER).status_code == 200


def test_without_postgresql_everybody_is_told_to_come_back_and_then_served(
    on_own_servers, own_postgresql: PostgresqlServer, clock: Clock
):
    provider, browser = on_own_servers
    tokens = browser.tokens(scope="openid profile offline_access", prompt="consent")
    code = browser.sign_in().code
    half_done = browser.authorize(prompt="login")
    assert half_done.shows("login-submit")
    own_postgresql.stop()
    clock.advance(seconds=40)  # whatever is kept in memory for seconds is too old now
    _assert_page_refused(browser.log_in(half_done).response)
    _assert_page_refused(browser.authorize().response)
    _assert_program_refused(provider.exchange(code, verifier=VERIFIER))
    _assert_program_refused(provider.refresh(tokens["refresh_token"]))
    _assert_program_refused(provider.userinfo(tokens["access_token"]))
    _assert_standing(provider)
    wait_until(lambda: not _is_ready(provider), what="readiness to notice")
    own_postgresql.start()
    wait_until(lambda: _is_ready(provider), what="readiness")
    wait_until(
        lambda: provider.userinfo(tokens["access_token"]).status_code == 200, what="recovery"
    )
    assert provider.exchange(code, verifier=VERIFIER).status_code == 200
    assert provider.refresh(tokens["refresh_token"]).status_code == 200
    assert browser.log_in(half_done).code


def test_without_redis_nobody_signs_in_uncounted_and_then_everybody_does(
    on_own_servers, own_redis: RedisServer
):
    provider, browser = on_own_servers
    tokens = browser.tokens()
    half_done = browser.authorize(prompt="login")
    own_redis.stop()
    _assert_page_refused(browser.log_in(half_done).response)
    _assert_page_refused(browser.authorize(prompt="login").response)
    _assert_standing(provider)
    wait_until(lambda: not _is_ready(provider), what="readiness to notice")
    own_redis.start()
    wait_until(lambda: _is_ready(provider), what="readiness")
    assert browser.log_in(half_done).response.status_code == 410  # begin again: it is forgotten
    assert browser.log_in(browser.authorize(prompt="login")).code
    assert provider.userinfo(tokens["access_token"]).status_code == 200


def test_full_disk_refuses_what_must_be_written_and_loses_nothing(
    sqlite_url: str, serve: Serve, clock: Clock, tmp_path: Path
):
    """SQLITE_FULL, provoked by a limit on the pages of the file."""
    database = Database(sqlite_url, pool_size=4)
    limit = {"pages": 1_073_741_823}

    @event.listens_for(database.engine, "connect")
    def cap(connection, _record) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit['pages']}")

    ephemeral = SqlEphemeralStore(f"sqlite:///{tmp_path / 'ephemeral.db'}")
    provider, browser = serve(
        open_services(database=database, ephemeral=ephemeral, clock=clock, folder=tmp_path)
    )
    tokens = browser.tokens(scope="openid profile offline_access", prompt="consent")
    code = browser.sign_in().code
    before = provider.events()
    with database.read() as connection:
        limit["pages"] = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    database.close()  # whoever connects from now on keeps to it
    refused: list[TestResponse] = []
    for _ in range(200):  # until the free space inside of the pages is used up
        landing = browser.authorize(prompt="login")
        landing = browser.log_in(landing)
        if landing.url is None:
            refused.append(landing.response)
            break
    (page,) = refused
    _assert_page_refused(page)
    assert _is_ready(provider)  # it can be read, and that is much
    assert provider.userinfo(tokens["access_token"]).status_code == 200
    _assert_standing(provider)
    limit["pages"] = 1_073_741_823
    database.close()
    assert browser.log_in(browser.authorize(prompt="login")).code
    assert provider.exchange(code, verifier=VERIFIER).status_code == 200
    assert provider.refresh(tokens["refresh_token"]).status_code == 200
    assert provider.events()[: len(before)] == before
