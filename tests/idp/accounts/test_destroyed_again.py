"""Whoever was erased and comes back with a backup is erased again."""

from __future__ import annotations

from sqlalchemy import update

from idp.accounts.destroyed_again import destroy_again
from idp.storage.accounts import account
from idp.storage.erasures import read_data_keys, read_erased
from keystore.destruction import DestructionList

HERS, HIS = "003091000017", "003091000025"


def _listed(house) -> set[bytes]:
    listed = DestructionList(house.folder / "destroyed", sealer=house.sealer)
    return {one.digest for one in listed.read()}


def _again(house, *, erased_before=()):
    return destroy_again(
        house.database,
        house.lifecycle,
        digests=_listed(house),
        erased_before=erased_before,
        sealer=house.sealer,
        now=house.now,
    )


def _bring_back(house, one, *, data_key: bytes) -> None:
    with house.database.transaction() as tx:
        tx.connection.execute(
            update(account)
            .where(account.c.account_id == one.account_id)
            .values(data_key=data_key, erased_ms=None, status="active")
        )


def test_a_listed_person_is_erased_again_and_nobody_else(house) -> None:
    hers, his = house.add_citizen(HERS), house.add_citizen(HIS)
    with house.database.read() as connection:
        data_keys = dict(read_data_keys(connection, batch=1))
    assert set(data_keys) == {hers.account_id, his.account_id}
    house.lifecycle.erase(hers.account_id, reason="asked", now=house.now)
    assert _again(house).erased == ()
    _bring_back(house, hers, data_key=data_keys[hers.account_id])
    done = _again(house)
    assert (done.erased, done.damaged) == ((hers.account_id,), ())
    with house.database.read() as connection:
        assert read_erased(connection) == (hers.account_id,)
        assert dict(read_data_keys(connection, batch=10)) == {
            his.account_id: data_keys[his.account_id]
        }
    assert _again(house).erased == ()
    assert len(_listed(house)) == 1


def test_a_person_erased_in_the_database_before_is_erased_though_the_list_is_lost(house) -> None:
    hers = house.add_citizen(HERS)
    done = _again(house, erased_before=(hers.account_id, "acc_unknown"))
    assert done.erased == (hers.account_id,)


def test_a_damaged_data_key_is_named_and_the_rest_goes_on(house) -> None:
    hers, his = house.add_citizen(HERS), house.add_citizen(HIS)
    with house.database.read() as connection:
        data_keys = dict(read_data_keys(connection, batch=10))
    house.lifecycle.erase(his.account_id, reason="asked", now=house.now)
    _bring_back(house, his, data_key=data_keys[his.account_id])
    _bring_back(house, hers, data_key=data_keys[hers.account_id][:-1])
    done = _again(house)
    assert (done.erased, done.damaged) == ((his.account_id,), (hers.account_id,))
