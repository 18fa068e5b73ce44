"""The tests' own equipment does what the other tests rely on."""

from __future__ import annotations

import io
import logging
import socket
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from sqlalchemy import inspect, select, text
from stdnum.vn import mst

from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from tests.support.loopback import OutsideConnection
from tests.support.pii_alarm import SEEDED, PiiAlarm
from tests.support.servers import PostgresqlServer, RedisServer
from tests.support.stores import StoreUrls, all_metadata


def test_a_database_answers(database: Database) -> None:
    with database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_an_ephemeral_store_is_empty_and_counts_once(
    ephemeral: EphemeralStore, now: datetime
) -> None:
    minute = timedelta(minutes=1)
    assert ephemeral.first_use("house", lifetime=minute, now=now)
    assert not ephemeral.first_use("house", lifetime=minute, now=now)


def test_both_deployments_have_every_table(store_urls: StoreUrls) -> None:
    opened = Database(store_urls.database, pool_size=1)
    assert "account" in inspect(opened.engine).get_table_names()
    opened.close()


@pytest.mark.parametrize("round_", range(3))
def test_a_database_used_before_comes_back_empty(fresh_postgresql_url: str, round_: int) -> None:
    opened = Database(fresh_postgresql_url, pool_size=1)
    table = next(table for table in all_metadata()[0].sorted_tables if table.name == "purpose_key")
    with opened.read() as connection:
        assert not connection.execute(select(table)).all()
    values = {column.name: column.type.python_type() for column in table.columns}
    with opened.transaction() as transaction:
        transaction.connection.execute(table.insert().values(values))
    opened.close()


def test_a_server_of_its_own_can_be_stopped_and_started(
    own_postgresql: PostgresqlServer, own_redis: RedisServer
) -> None:
    database = Database(own_postgresql.url("postgres"), pool_size=1)
    assert database.is_up()
    own_postgresql.stop()
    own_redis.stop()
    assert not database.is_up()
    own_postgresql.start()
    own_redis.start()
    assert database.is_up()
    database.close()


def test_the_clock_stands_still_until_it_is_moved(clock, now) -> None:
    assert clock() == now
    assert now.tzinfo is UTC


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "::ffff:192.0.2.1"])
def test_no_connection_leaves_the_machine(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as line, pytest.raises(OutsideConnection):
        line.connect((host, 9))


def test_no_name_is_looked_up_outside() -> None:
    with pytest.raises(OutsideConnection):
        socket.getaddrinfo("cong-dich-vu.example", 443)


def test_the_seeded_enterprise_code_has_a_right_check_digit() -> None:
    assert mst.is_valid(SEEDED.enterprise_code)


@pytest.mark.parametrize(
    "text",
    [
        "name=Nguyễn Thị Lấp Lánh Ánh",
        "NGUYEN THI LAP LANH ANH",
        "/x?name=Nguy%E1%BB%85n+Th%E1%BB%8B+L%E1%BA%A5p+L%C3%A1nh+%C3%81nh",
        "born 17/02/1983",
        "the number 003183027451",
        "somebody else 007190000018",
        SEEDED.client_secret,
        r"Nguy\u1ec5n Th\u1ecb L\u1ea5p L\u00e1nh \u00c1nh",
    ],
)
def test_the_alarm_knows_every_spelling(text: str) -> None:
    assert PiiAlarm().kinds_in(text)


def test_the_alarm_is_silent_about_ids_and_instants() -> None:
    assert not PiiAlarm().kinds_in("acc_003190000018aabb00319000001812ff at 2026-11-21T03:04:05Z")


def test_a_log_record_sets_the_alarm_off(pii_alarm: PiiAlarm) -> None:
    logging.getLogger("house.quiet").warning("signed in", extra={"who": SEEDED.name})
    printed = structlog.wrap_logger(structlog.PrintLogger(io.StringIO()))
    printed.warning("signed in", number=SEEDED.citizen_number)
    found, pii_alarm.findings = pii_alarm.findings, []
    assert len(found) == 2


def test_an_excuse_ends(pii_alarm: PiiAlarm) -> None:
    with pii_alarm.excuse("url", reason="the portal wrote it there"):
        pii_alarm.watch(SEEDED.citizen_number, "url requested")
    assert not pii_alarm.findings
    pii_alarm.watch(SEEDED.citizen_number, "url requested")
    found, pii_alarm.findings = pii_alarm.findings, []
    assert len(found) == 1
