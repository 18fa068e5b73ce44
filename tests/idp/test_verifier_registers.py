"""What the verifier looks up: accounts, mandates and enrolments as they are at that instant."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import make_url

from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.mandates import add_legal_representative, mandate_added
from idp.accounts.model import Account, AccountKind, AccountLevel, Mandate, MandateKind, Profile
from idp.ids import MandateId, make_id
from idp.storage.accounts import find_row
from idp.storage.database import Database
from idp.storage.deployment import find_stamp, stamp
from idp.storage.mandates import MandateRow, insert_mandates
from idp.storage.mandates import mandate as mandate_table
from idp.storage.schema import is_current, upgrade
from idp.verifier_registers import DatabaseRegisters
from keystore.kek import load_kek
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from tests.support.mandates import end_mandate
from tests.support.provider import KEK
from tests.support.servers import PostgresqlServer
from tests.support.settings_table import GUIDE

_HOUR = timedelta(hours=1)
_CITIZEN, _ORGANISATION = AccountKind.CITIZEN, AccountKind.ORGANISATION


@pytest.fixture
def sealer(database: Database, now: datetime) -> Sealer:
    return Sealer.open(database, kek=load_kek(file=None, value=KEK), now=now)


@pytest.fixture
def log(sealer: Sealer) -> LogWriter:
    return LogWriter(sealer, writer_id="test")


@pytest.fixture
def lifecycle(database: Database, sealer: Sealer, log: LogWriter) -> AccountLifecycle:
    return AccountLifecycle(database, sealer=sealer, log=log)


@pytest.fixture
def registers(database: Database) -> DatabaseRegisters:
    return DatabaseRegisters(database)


def _open(lifecycle: AccountLifecycle, kind: AccountKind, now: datetime) -> Account:
    level = None if kind is AccountKind.ORGANISATION else AccountLevel.TWO
    return lifecycle.open(
        make_account(kind=kind, level=level, profile=Profile("Tên"), identifiers=[], now=now)
    )


@pytest.fixture
def person(lifecycle: AccountLifecycle, now: datetime) -> Account:
    return _open(lifecycle, AccountKind.CITIZEN, now)


@pytest.fixture
def organisation(lifecycle: AccountLifecycle, now: datetime) -> Account:
    return _open(lifecycle, AccountKind.ORGANISATION, now)


def _may(
    registers: DatabaseRegisters, person: Account, organisation: Account, mandate_id: str, **changes
) -> bool:
    given = {"account_id": person.account_id, "client_id": None, **changes}
    return registers.may_act(
        given["account_id"],
        mandate_id=mandate_id,
        organisation_id=given.get("organisation_id", organisation.account_id),
        client_id=given["client_id"],
        now=given["now"],
    )


def test_only_active_people_confirm(registers, lifecycle, person, organisation, now) -> None:
    assert registers.is_active(person.account_id)
    assert not registers.is_active(organisation.account_id)
    assert not registers.is_active("acc_nobody")
    lifecycle.lock(person.account_id, reason="test", now=now)
    assert not registers.is_active(person.account_id)


def test_a_mandate_counts_until_the_second_in_which_it_ends(
    registers, database, log, person, organisation, now
) -> None:
    mandate = add_legal_representative(
        database,
        holder_id=person.account_id,
        organisation_id=organisation.account_id,
        source="test",
        valid_to=now + _HOUR,
        log=log,
        now=now,
    )
    kept = mandate.mandate_id
    assert _may(registers, person, organisation, kept, now=now)
    assert _may(registers, person, organisation, kept, now=now + _HOUR - timedelta(seconds=1))
    assert not _may(registers, person, organisation, kept, now=now + _HOUR)
    assert not _may(registers, person, organisation, kept, now=now - timedelta(seconds=1))
    assert not _may(registers, person, organisation, "mdt_none", now=now)
    assert not _may(registers, person, organisation, kept, now=now, account_id="acc_2")
    assert not _may(registers, person, organisation, kept, now=now, organisation_id="acc_3")
    assert end_mandate(database, mandate, log=log, now=now)
    assert not _may(registers, person, organisation, kept, now=now)


def test_a_locked_organisation_has_nobody_who_signs_for_it(
    registers, database, log, lifecycle, person, organisation, now
) -> None:
    mandate = add_legal_representative(
        database,
        holder_id=person.account_id,
        organisation_id=organisation.account_id,
        source="test",
        log=log,
        now=now,
    )
    lifecycle.lock(organisation.account_id, reason="test", now=now)
    assert not _may(registers, person, organisation, mandate.mandate_id, now=now)


@pytest.mark.parametrize(
    ("kind", "may"),
    [
        (MandateKind.LEGAL_REPRESENTATIVE, True),
        (MandateKind.SEAL_CLERK, True),
        (MandateKind.DELEGATION, False),
        (MandateKind.GUARDIAN, False),
    ],
)
def test_who_uses_the_seal_is_its_clerk_or_the_representative(
    registers, database, log, person, organisation, now, kind, may
) -> None:
    """NĐ 30/2020/NĐ-CP Art. 32."""
    model = add_legal_representative(
        database,
        holder_id=person.account_id,
        organisation_id=organisation.account_id,
        source="test",
        log=log,
        now=now,
    )
    mandate_id = MandateId(make_id("mdt"))
    other = replace(model, mandate_id=mandate_id, kind=kind, portals=("portal",))
    _insert(database, other)
    with database.transaction() as tx:
        log.record(tx, mandate_added(other), data_key=None, now=now)
    at = {"now": now}
    assert _may(registers, person, organisation, mandate_id, **at) is may
    assert _may(registers, person, organisation, mandate_id, client_id="portal", **at) is may
    assert not _may(registers, person, organisation, mandate_id, client_id="another", **at)


def _insert(database: Database, mandate: Mandate) -> None:
    """As whoever owns the database can."""
    with database.transaction() as tx:
        rows = [find_row(tx.connection, one) for one in (mandate.holder_id, mandate.principal_id)]
        holder, principal = rows
        assert holder is not None
        assert principal is not None
        insert_mandates(tx, (MandateRow(mandate, holder.account_key, principal.account_key),))


def test_a_row_of_the_database_alone_is_no_mandate(
    registers, database, log, lifecycle, person, organisation, now
) -> None:
    """Nor is another's, written over for somebody else; the log has to say what the row says."""
    model = add_legal_representative(
        database,
        holder_id=person.account_id,
        organisation_id=organisation.account_id,
        source="test",
        log=log,
        now=now,
    )
    mallory = _open(lifecycle, AccountKind.CITIZEN, now)
    for forged in (
        replace(model, mandate_id=MandateId("mdt_forged"), holder_id=mallory.account_id),
        replace(model, mandate_id=MandateId("mdt_own")),
    ):
        _insert(database, forged)
        account_id = forged.holder_id
        kept = forged.mandate_id
        assert not _may(registers, person, organisation, kept, now=now, account_id=account_id)
    other = _open(lifecycle, AccountKind.ORGANISATION, now)
    with database.transaction() as tx:
        principal = find_row(tx.connection, other.account_id)
        assert principal is not None
        tx.connection.execute(mandate_table.update().values(principal_key=principal.account_key))
    assert not _may(registers, person, other, model.mandate_id, now=now)


def test_a_mandate_that_ended_is_not_woken_up_by_its_row(
    registers, database, log, person, organisation, now
) -> None:
    model = add_legal_representative(
        database,
        holder_id=person.account_id,
        organisation_id=organisation.account_id,
        source="test",
        log=log,
        now=now,
    )
    assert end_mandate(database, model, log=log, now=now)
    with database.transaction() as tx:
        tx.connection.execute(mandate_table.update().values(status="active", ended_ms=None))
    assert not _may(registers, person, organisation, model.mandate_id, now=now)


def test_an_enrolment_is_found_on_record_by_its_authenticator(
    registers, database, log, person, now
) -> None:
    for number, at in ((1, now), (2, now + _HOUR)):
        with database.transaction() as tx:
            row = find_row(tx.connection, person.account_id)
            assert row is not None
            facts = {"replaced": 0, "totp_id": f"otp_{number}"}
            event = Event(EventType.TOTP_ENROLLED, account_id=person.account_id, facts=facts)
            log.record(tx, event, data_key=row.data_key, now=at)
    assert registers.enrolled_at(person.account_id, totp_id="otp_1") == now
    assert registers.enrolled_at(person.account_id, totp_id="otp_2") == now + _HOUR
    assert registers.enrolled_at(person.account_id, totp_id="otp_3") is None
    assert registers.enrolled_at("acc_other", totp_id="otp_1") is None


def test_the_role_in_the_guide_is_enough_and_gives_no_more(
    postgresql_server: PostgresqlServer, now: datetime
) -> None:
    """The verifier reads what the operator's guide grants it, and cannot read a sealed column."""
    name = postgresql_server.make_database()
    owner = Database(postgresql_server.url(name))
    upgrade(owner)
    stamp(owner, is_sandbox=False)
    sealer = Sealer.open(owner, kek=load_kek(file=None, value=KEK), now=now)
    log = LogWriter(sealer, writer_id="test")
    accounts = AccountLifecycle(owner, sealer=sealer, log=log)
    person, firm = (_open(accounts, one, now) for one in (_CITIZEN, _ORGANISATION))
    mandate = add_legal_representative(
        owner,
        holder_id=person.account_id,
        organisation_id=firm.account_id,
        source="test",
        log=log,
        now=now,
    )
    role = f"antin_verifier_{secrets.token_hex(4)}"
    granted = re.findall(r"^ *(GRANT .* TO antin_verifier;)$", GUIDE.read_text(), re.MULTILINE)
    assert len(granted) == 3
    with owner.transaction() as tx:
        tx.connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
        for one in granted:
            tx.connection.exec_driver_sql(one.replace("antin_verifier", role))
    owner.close()
    url = make_url(postgresql_server.url(name)).set(username=role, password="x")
    narrow = Database(url.render_as_string(hide_password=False))
    registers = DatabaseRegisters(narrow)
    assert find_stamp(narrow) is False
    assert is_current(narrow)
    assert registers.is_active(person.account_id)
    assert _may(registers, person, firm, mandate.mandate_id, now=now)
    assert registers.enrolled_at(person.account_id, totp_id="otp_1") is None
    for statement in (
        "SELECT data_key FROM account",
        "SELECT sealed FROM log_event",
        "SELECT * FROM totp",
        "UPDATE mandate SET status = 'active'",
        "DELETE FROM log_event",
    ):
        with pytest.raises(Exception, match="permission denied"), narrow.transaction() as tx:
            tx.connection.exec_driver_sql(statement)
    narrow.close()
