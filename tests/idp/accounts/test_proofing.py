"""What counts as a record that somebody was proofed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from idp.accounts.activation import issue_activation_code
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import Account, AccountKind, AccountLevel, Profile
from idp.accounts.proofing import find_proofing
from idp.storage.accounts import insert_accounts
from idp.storage.database import Database
from keystore.kek import load_kek
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from tests.support.provider import KEK


@pytest.fixture
def sealer(database: Database, now: datetime) -> Sealer:
    return Sealer.open(database, kek=load_kek(file=None, value=KEK), now=now)


@pytest.fixture
def log(sealer: Sealer) -> LogWriter:
    return LogWriter(sealer, writer_id="test")


def _person(level: AccountLevel, now: datetime) -> Account:
    return make_account(
        kind=AccountKind.CITIZEN, level=level, profile=Profile("Tên"), identifiers=[], now=now
    )


def test_an_account_that_was_opened_at_level_two_is_on_record(
    database: Database, sealer: Sealer, log: LogWriter, now: datetime
) -> None:
    person = AccountLifecycle(database, sealer=sealer, log=log).open(_person(AccountLevel.TWO, now))
    assert find_proofing(database, person.account_id) == now


def test_an_account_that_was_opened_at_level_one_is_not(
    database: Database, sealer: Sealer, log: LogWriter, now: datetime
) -> None:
    person = AccountLifecycle(database, sealer=sealer, log=log).open(_person(AccountLevel.ONE, now))
    assert find_proofing(database, person.account_id) is None


def test_a_row_at_level_two_of_which_the_log_knows_nothing_is_none(
    database: Database, sealer: Sealer, now: datetime
) -> None:
    person = _person(AccountLevel.TWO, now)
    with database.transaction() as tx:
        insert_accounts(tx, (person,), sealer=sealer)
    assert find_proofing(database, person.account_id) is None


def test_whoever_got_an_activation_code_was_at_a_counter(
    database: Database, sealer: Sealer, log: LogWriter, now: datetime
) -> None:
    person = _person(AccountLevel.TWO, now)
    with database.transaction() as tx:
        insert_accounts(tx, (person,), sealer=sealer)
    later = now + timedelta(days=3)
    issue_activation_code(database, person.account_id, sealer=sealer, log=log, now=later)
    assert find_proofing(database, person.account_id) == later


def test_a_level_that_was_raised_is_on_record(
    database: Database, sealer: Sealer, log: LogWriter, now: datetime
) -> None:
    lifecycle = AccountLifecycle(database, sealer=sealer, log=log)
    person = lifecycle.open(_person(AccountLevel.ONE, now))
    raised = Event(
        EventType.ACCOUNT_LEVEL_CHANGED, account_id=person.account_id, facts={"level": "2"}
    )
    with database.transaction() as tx:
        log.record(tx, raised, data_key=None, now=now)
    assert find_proofing(database, person.account_id) == now
