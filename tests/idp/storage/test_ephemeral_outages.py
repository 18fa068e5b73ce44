"""The ephemeral store without its server or its disk: it refuses, and is back by itself."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import event

from idp.errors import StorageUnavailable
from idp.storage.ephemeral import EphemeralStore
from idp.storage.ephemeral_redis import RedisEphemeralStore
from idp.storage.ephemeral_sql import SqlEphemeralStore
from tests.support.ports import free_port
from tests.support.servers import PostgresqlServer, RedisServer

MINUTE = timedelta(minutes=1)


def _operations(store: EphemeralStore, now: datetime) -> list[Callable[[], object]]:
    return [
        lambda: store.put("a", b"1", lifetime=MINUTE, now=now),
        lambda: store.get("a", now=now),
        lambda: store.consume("a", now=now),
        lambda: store.first_use("b", lifetime=MINUTE, now=now),
        lambda: store.count("c", window=MINUTE, now=now),
        lambda: store.count("c", window=MINUTE, now=now, by=0),
        lambda: store.replace("a", b"1", b"2", lifetime=MINUTE, now=now),
        lambda: store.delete("a"),
    ]


def _assert_everything_is_refused(store: EphemeralStore, now: datetime) -> None:
    for operation in _operations(store, now):
        with pytest.raises(StorageUnavailable):
            operation()
    assert not store.is_up()


def test_without_redis_everything_is_refused_until_it_is_back(
    own_redis: RedisServer, now: datetime
) -> None:
    store = RedisEphemeralStore(own_redis.url)
    store.put("a", b"1", lifetime=MINUTE, now=now)
    own_redis.stop()
    _assert_everything_is_refused(store, now)
    own_redis.start()
    assert store.first_use("b", lifetime=MINUTE, now=now)
    assert store.is_up()
    store.close()


def test_a_redis_restarted_unnoticed_costs_no_error(own_redis: RedisServer, now: datetime) -> None:
    store = RedisEphemeralStore(own_redis.url)
    store.put("a", b"1", lifetime=MINUTE, now=now)
    own_redis.stop()
    own_redis.start()
    assert store.get("a", now=now) is None
    assert store.count("c", window=MINUTE, now=now) == 1
    store.close()


def test_a_redis_that_hangs_is_not_waited_for_and_answers_do_not_get_mixed_up(
    own_redis: RedisServer, now: datetime
) -> None:
    store = RedisEphemeralStore(own_redis.url)
    store.put("a", b"of a", lifetime=MINUTE, now=now)
    store.put("b", b"of b", lifetime=MINUTE, now=now)
    process = own_redis._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(StorageUnavailable):  # whoever waits for it waits for ever
        store.get("a", now=now)
    process.send_signal(signal.SIGCONT)
    assert store.get("b", now=now) == b"of b"
    store.close()


def test_a_count_whose_answer_was_lost_is_not_counted_twice(
    own_redis: RedisServer, now: datetime
) -> None:
    store = RedisEphemeralStore(own_redis.url)
    assert store.count("c", window=MINUTE, now=now) == 1
    process = own_redis._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(StorageUnavailable):
        store.count("c", window=MINUTE, now=now)
    process.send_signal(signal.SIGCONT)
    assert store.count("c", window=MINUTE, now=now) == 3
    store.close()


def test_a_full_redis_refuses_instead_of_forgetting(own_redis: RedisServer, now: datetime) -> None:
    store = RedisEphemeralStore(own_redis.url)
    assert store.first_use("b", lifetime=MINUTE, now=now)
    with Redis.from_url(own_redis.url) as server:
        server.config_set("maxmemory", "1")
        with pytest.raises(StorageUnavailable):
            store.put("a", b"1", lifetime=MINUTE, now=now)
        with pytest.raises(StorageUnavailable):
            store.count("c", window=MINUTE, now=now)
        server.config_set("maxmemory", "0")
    assert not store.first_use("b", lifetime=MINUTE, now=now)
    store.close()


def test_a_redis_that_evicts_is_a_weakness(own_redis: RedisServer) -> None:
    store = RedisEphemeralStore(own_redis.url)
    assert store.find_weaknesses() == ()
    with Redis.from_url(own_redis.url) as server:
        server.config_set("maxmemory-policy", "allkeys-lru")
    assert store.find_weaknesses() == ("redis_evicts",)
    store.close()


def test_what_is_kept_in_redis_goes_by_itself(own_redis: RedisServer, now: datetime) -> None:
    store = RedisEphemeralStore(own_redis.url)
    for operation in _operations(store, now)[:5]:
        operation()
    store.put("a", b"1", lifetime=MINUTE, now=now)
    store.replace("a", b"1", b"2", lifetime=MINUTE, now=now)
    store.count("c", window=MINUTE, now=now)
    with Redis.from_url(own_redis.url) as server:
        ttls = [server.pttl(key) for key in server.scan_iter()]
    assert len(ttls) == 3
    assert all(60_000 < ttl <= 120_000 for ttl in ttls)
    store.close()


def test_two_services_may_share_a_redis(own_redis: RedisServer, now: datetime) -> None:
    one = RedisEphemeralStore(own_redis.url, prefix="one:")
    two = RedisEphemeralStore(own_redis.url, prefix="two:")
    one.put("a", b"1", lifetime=MINUTE, now=now)
    assert two.get("a", now=now) is None
    one.close()
    two.close()


def test_without_postgresql_everything_is_refused_until_it_is_back(
    own_postgresql: PostgresqlServer, now: datetime
) -> None:
    store = SqlEphemeralStore(own_postgresql.url("postgres"))
    store.put("a", b"1", lifetime=MINUTE, now=now)
    own_postgresql.stop()
    _assert_everything_is_refused(store, now)
    own_postgresql.start()
    assert store.get("a", now=now) == b"1"
    assert store.is_up()
    store.close()


def test_a_worker_may_start_while_its_store_is_away(
    own_postgresql: PostgresqlServer, now: datetime
) -> None:
    own_postgresql.stop()
    store = SqlEphemeralStore(own_postgresql.url("postgres"))
    _assert_everything_is_refused(store, now)
    own_postgresql.start()
    assert store.first_use("b", lifetime=MINUTE, now=now)
    store.close()
    away = RedisEphemeralStore(f"redis://127.0.0.1:{free_port()}/0")
    _assert_everything_is_refused(away, now)
    away.close()


def test_a_sqlite_file_whose_folder_is_missing_is_refused_until_it_is_there(
    tmp_path: Path, now: datetime
) -> None:
    folder = tmp_path / "var"
    store = SqlEphemeralStore(f"sqlite:///{folder / 'ephemeral.db'}")
    _assert_everything_is_refused(store, now)
    folder.mkdir()
    assert store.first_use("b", lifetime=MINUTE, now=now)
    store.close()


def test_a_full_disk_is_refused_and_nothing_is_half_written(tmp_path: Path, now: datetime) -> None:
    store = SqlEphemeralStore(f"sqlite:///{tmp_path / 'ephemeral.db'}")
    pages = [12]
    event.listen(
        store._engine,
        "connect",
        lambda connection, _record: connection.execute(f"PRAGMA max_page_count={pages[0]}"),
    )
    for number in range(100):
        try:
            store.put(f"code:{number}", b"x" * 1000, lifetime=MINUTE, now=now)
        except StorageUnavailable:
            break
    else:
        pytest.fail("the disk was never full")
    assert store.get(f"code:{number}", now=now) is None
    assert store.consume("code:0", now=now) == b"x" * 1000
    with pytest.raises(StorageUnavailable):
        store.put("large", b"x" * 100_000, lifetime=MINUTE, now=now)
    pages[0] = 10_000
    store.put("large", b"x" * 100_000, lifetime=MINUTE, now=now)
    assert store.consume("large", now=now) == b"x" * 100_000
    store.close()


def test_what_two_processes_share_is_in_the_file(tmp_path: Path, now: datetime) -> None:
    url = f"sqlite:///{tmp_path / 'ephemeral.db'}"
    one, two = SqlEphemeralStore(url), SqlEphemeralStore(url)
    one.put("a", b"1", lifetime=MINUTE, now=now)
    assert two.consume("a", now=now) == b"1"
    assert one.get("a", now=now) is None
    one.close()
    two.close()


def test_no_value_is_in_an_error(own_postgresql: PostgresqlServer, now: datetime) -> None:
    store = SqlEphemeralStore(own_postgresql.url("postgres"))
    store.is_up()
    own_postgresql.stop()
    with pytest.raises(StorageUnavailable) as caught:
        store.put("code:hidden", b"hidden", lifetime=MINUTE, now=now)
    assert "hidden" not in f"{caught.value!r} {caught.value.__cause__!r}"
    store.close()
