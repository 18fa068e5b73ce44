"""Pairwise subjects: random, stored, one for each person and sector."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from idp.ids import AccountId
from idp.storage.database import Database
from idp.storage.subjects import (
    Subject,
    find_account_by_sub,
    find_subject,
    get_or_make_subject,
)

_ONE, _TWO = AccountId("acc_" + "1" * 32), AccountId("acc_" + "2" * 32)


def made(database: Database, account_id: AccountId, sector_id: str) -> Subject:
    with database.transaction() as tx:
        return get_or_make_subject(tx, account_id, sector_id=sector_id)


def test_it_is_the_same_for_ever_and_another_one_elsewhere(database: Database) -> None:
    """OpenID Connect Core §8.1: never reassigned; two sectors cannot compare."""
    first = made(database, _ONE, "land")
    assert made(database, _ONE, "land") == first
    others = (made(database, _ONE, "tax"), made(database, _TWO, "land"))
    assert len({one.sub for one in (first, *others)}) == 3
    assert len({one.tech_id for one in (first, *others)}) == 3
    assert len(first.sub) == 43
    assert len(first.tech_id) == 32
    assert _ONE[4:] not in first.sub + first.tech_id


def test_a_sub_names_its_account_and_sector(database: Database) -> None:
    subject = made(database, _ONE, "land")
    with database.read() as connection:
        assert find_account_by_sub(connection, subject.sub) == (_ONE, "land")
        assert find_account_by_sub(connection, "x" * 43) is None
        assert find_subject(connection, _ONE, sector_id="land") == subject
        assert find_subject(connection, _ONE, sector_id="sea") is None


def test_two_first_sign_ins_at_once_agree(database: Database) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _n: made(database, _ONE, "land"), range(6)))
    assert len(set(found)) == 1
