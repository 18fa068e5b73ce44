"""One root key wraps, and everybody who stores something wrapped agrees on which."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from idp.storage.database import Database
from keystore.errors import KekInvalid
from keystore.kek import Kek, KekRing
from keystore.root_keys import (
    Scope,
    change_current_kek,
    find_current_kek,
    follow_current_kek,
    mark_left,
    read_root_keys,
    root_key,
)


@pytest.fixture
def ring() -> KekRing:
    return KekRing([Kek(secrets.token_bytes(32)) for _ in range(3)])


def _current(database: Database) -> str | None:
    with database.read() as connection:
        return find_current_kek(connection, scope=Scope.SERVICE)


def test_of_many_that_begin_together_one_settles_which_root_key_wraps(
    database: Database, ring: KekRing, now: datetime
) -> None:
    keks = [ring.get(kek_id) for kek_id in ring.ids]

    def begin(number: int) -> str:
        mine = KekRing([*keks[number % 3 :], *keks[: number % 3]])
        with database.transaction() as tx:
            follow_current_kek(tx, scope=Scope.SERVICE, ring=mine, now=now)
        return mine.kek_id

    with ThreadPoolExecutor(4) as pool:
        chosen = set(pool.map(begin, range(12)))
    assert chosen == {_current(database)}


def test_a_change_waits_for_whoever_is_storing_and_the_next_follows_it(
    database: Database, ring: KekRing, now: datetime
) -> None:
    """Otherwise something would come under the old root key after everything was moved."""
    first, second, _ = ring.ids
    with database.transaction() as tx:
        follow_current_kek(tx, scope=Scope.SERVICE, ring=ring, now=now)
    assert _current(database) == first
    changed = threading.Event()

    def change() -> None:
        with database.transaction() as tx:
            change_current_kek(tx, scope=Scope.SERVICE, kek_id=second, now=now)
        changed.set()

    worker = threading.Thread(target=change)
    with database.transaction() as tx:
        follow_current_kek(tx, scope=Scope.SERVICE, ring=ring, now=now)
        worker.start()
        assert not changed.wait(0.2)
        assert ring.kek_id == first
    worker.join(60)
    assert changed.is_set()
    with database.transaction() as tx:
        follow_current_kek(tx, scope=Scope.SERVICE, ring=ring, now=now)
    assert ring.kek_id == second


def test_whoever_lacks_the_root_key_that_wraps_stores_nothing(
    database: Database, ring: KekRing, now: datetime
) -> None:
    with database.transaction() as tx:
        follow_current_kek(tx, scope=Scope.SERVICE, ring=ring, now=now)
    stranger = KekRing((Kek(secrets.token_bytes(32)),))
    with (
        pytest.raises(KekInvalid, match=f"not_given: {ring.kek_id}"),
        database.transaction() as tx,
    ):
        follow_current_kek(tx, scope=Scope.SERVICE, ring=stranger, now=now)


def test_states_go_from_current_to_leaving_to_left_and_scopes_are_apart(
    database: Database, ring: KekRing, now: datetime
) -> None:
    first, second, third = ring.ids
    with database.transaction() as tx:
        follow_current_kek(tx, scope=Scope.SERVICE, ring=ring, now=now)
        change_current_kek(tx, scope=Scope.SERVICE, kek_id=second, now=now)
        change_current_kek(tx, scope=Scope.PERSONAL, kek_id=third, now=now)
        before = read_root_keys(tx.connection, scope=Scope.SERVICE)
        mark_left(tx, scope=Scope.SERVICE, kek_id=first, now=now)
        after = read_root_keys(tx.connection, scope=Scope.SERVICE)
        personal = read_root_keys(tx.connection, scope=Scope.PERSONAL)
    states = {one.kek_id: (one.is_current, one.is_leaving) for one in before}
    assert states == {first: (False, True), second: (True, False)}
    assert {one.kek_id: one.left_at for one in after} == {first: now, second: None}
    assert [(one.kek_id, one.is_current) for one in personal] == [(third, True)]


def test_no_two_root_keys_of_a_scope_wrap(database: Database, ring: KekRing, now: datetime) -> None:
    with database.transaction() as tx:
        follow_current_kek(tx, scope=Scope.SERVICE, ring=ring, now=now)
    row = {"scope": Scope.SERVICE, "kek_id": ring.ids[1], "current_from_ms": 0}
    with pytest.raises(IntegrityError), database.transaction() as tx:
        tx.connection.execute(insert(root_key), row)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(root_key)).scalar_one() == 1
