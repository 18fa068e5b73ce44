"""Acts on an account leave a notice in their own transaction, and none where nothing was done."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from idp.accounts.errors import StatusUnchangeable
from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.notices import Notice, Notices
from idp.storage.database import Database
from idp.work.outbox import Outbox
from keystore.sealing import Sealer
from tests.support.left_notices import left_notices


@dataclass(frozen=True)
class Told:
    """Acts that are told, and what was."""

    database: Database
    sealer: Sealer
    lifecycle: AccountLifecycle

    def notices(self) -> list[Notice]:
        return [notice for notice, _facts in left_notices(self.database, self.sealer)]


@pytest.fixture
def told(house) -> Told:
    notices = Notices(Outbox(lambda _ids: None), house.sealer)
    lifecycle = AccountLifecycle(
        house.database, sealer=house.sealer, log=house.log, notices=notices
    )
    return Told(house.database, house.sealer, lifecycle)


def test_what_an_operator_does_to_an_account_is_told(told, house) -> None:
    """NIST SP 800-63B-4 §4.6."""
    person, now = house.add_citizen("003091000017"), house.now
    acts = (
        lambda: told.lifecycle.lock(person.account_id, reason="test", now=now),
        lambda: told.lifecycle.unlock(person.account_id, reason="test", now=now),
        lambda: told.lifecycle.demand_second_factor(person.account_id, is_demanded=True, now=now),
        lambda: told.lifecycle.set_password(
            person.account_id, house.passwords.hash_new("mot-mat-khau-moi"), now=now
        ),
        lambda: told.lifecycle.close(person.account_id, reason="test", now=now),
    )
    seen: list[Notice] = []
    for act in acts:
        before = told.notices()
        act()
        after = told.notices()
        for notice in before:
            after.remove(notice)
        seen += after
    assert seen == [
        Notice.ACCOUNT_LOCKED,
        Notice.ACCOUNT_UNLOCKED,
        Notice.SECOND_FACTOR_CHANGED,
        Notice.PASSWORD_CHANGED,
        Notice.ACCOUNT_CLOSED,
    ]


def test_what_was_not_done_is_not_told(told, house) -> None:
    person = house.add_citizen("003091000017")
    with pytest.raises(StatusUnchangeable):
        told.lifecycle.unlock(person.account_id, reason="test", now=house.now)
    assert told.notices() == []


def test_a_passkey_that_comes_or_goes_is_told(passkey_house) -> None:
    def seen() -> list[Notice]:
        return [
            notice for notice, _facts in left_notices(passkey_house.database, passkey_house.sealer)
        ]

    passkey_house.register()
    assert seen() == [Notice.PASSKEY_ADDED]
    [held] = passkey_house.passkeys.list_of(passkey_house.person.account_id)
    assert passkey_house.passkeys.remove(
        passkey_house.person.account_id, held.passkey_id, now=passkey_house.now
    )
    assert sorted(seen()) == [Notice.PASSKEY_ADDED, Notice.PASSKEY_REMOVED]
    assert not passkey_house.passkeys.remove(
        passkey_house.person.account_id, held.passkey_id, now=passkey_house.now
    )
    assert len(seen()) == 2
