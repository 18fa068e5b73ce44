"""A hold taken back with a code; nobody takes one back who may not sign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from idp.accounts.model import Account, Mandate, MandateKind
from idp.accounts.notices import Notices
from idp.ids import MandateId
from idp.own_certificates import CertificateActRefused, OwnCertificates, Standing
from idp.own_key_jobs import END_OWN_KEY, HOLD_OWN_KEY, OwnKeyEnd, OwnKeyHold
from idp.own_key_resuming import OwnKeyResuming
from idp.storage.accounts import find_row
from idp.storage.mandates import MandateRow, insert_mandates
from idp.storage.outbox import Job, OutboxId
from idp.work.model import Done
from keystore.pki.model import RevocationReason
from keystore.signer.storage import read_personal_keys
from signing.errors import CertificateRefused, ConfirmationRefused
from tests.support.enrolment_house import EnrolmentHouse, open_house
from tests.support.signer import SIGNER


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[EnrolmentHouse]:
    with open_house(sqlite_url, tmp_path, now=now, passkey_waits=timedelta(0)) as made:
        yield made


@pytest.fixture
def own(house: EnrolmentHouse) -> OwnCertificates:
    services = house.services
    return OwnCertificates(
        services.database,
        people=services.people,
        signers=house.signers,
        certificates=house.pki.certificates,
        states=house.pki.states,
        authorities=house.pki.authorities,
        deferred=services.outbox,
        notices=Notices(services.outbox, services.sealer),
    )


@pytest.fixture
def resuming(house: EnrolmentHouse, own: OwnCertificates) -> OwnKeyResuming:
    return OwnKeyResuming(
        own,
        store=house.services.ephemeral,
        sealer=house.services.sealer,
        eligibility=house.eligibility,
        factors=house.factors,
        door=house.door,
        audience=SIGNER,
    )


@pytest.fixture
def person(house: EnrolmentHouse) -> Account:
    made = house.person()
    house.give_app(made)
    house.enrol_by_code(made, house.signer(made))
    return made


def _work(house: EnrolmentHouse, person: Account, kind: str) -> object:
    with house.services.database.read() as connection:
        (key,) = read_personal_keys(connection, account_id=person.account_id)
    payload = {"account_id": person.account_id, "key_id": key.key_id}
    job = Job(OutboxId("out_1"), kind, "signer", payload, 1, house.now, house.now)
    door = cast("Any", house.door)
    database = house.services.database
    if kind == HOLD_OWN_KEY:
        return OwnKeyHold(database, lambda: door)(job, now=house.now)
    return OwnKeyEnd(database, lambda: door)(job, now=house.now)


def _key(house: EnrolmentHouse, person: Account) -> Any:
    with house.services.database.read() as connection:
        return read_personal_keys(connection, account_id=person.account_id)[0]


def test_a_code_takes_a_hold_back_and_a_wrong_one_leaves_it(
    house: EnrolmentHouse, own: OwnCertificates, resuming: OwnKeyResuming, person: Account
) -> None:
    (one,) = own.list_of(person.account_id, now=house.now)
    own.suspend(person.account_id, one.name, now=house.now)
    assert _work(house, person, HOLD_OWN_KEY) == Done()
    assert _key(house, person).suspended_reason == "holder"
    resuming.prepare(person.account_id, one.name, now=house.now)
    with pytest.raises(ConfirmationRefused) as refused:
        resuming.finish(person.account_id, one.name, code="000000", now=house.now)
    assert refused.value.reason == "wrong_code"
    code = house.code(person)
    resuming.finish(person.account_id, one.name, code=code, now=house.now)
    (one,) = own.list_of(person.account_id, now=house.now)
    assert one.standing is Standing.IN_FORCE
    assert len(house.held(house.signer(person))) == 1


def test_nothing_is_taken_back_that_was_not_asked_for_or_is_not_on_hold(
    house: EnrolmentHouse, own: OwnCertificates, resuming: OwnKeyResuming, person: Account
) -> None:
    (one,) = own.list_of(person.account_id, now=house.now)
    with pytest.raises(CertificateActRefused):
        resuming.prepare(person.account_id, one.name, now=house.now)
    own.suspend(person.account_id, one.name, now=house.now)
    code = house.code(person)
    with pytest.raises(ConfirmationRefused) as refused:
        resuming.finish(person.account_id, one.name, code=code, now=house.now)
    assert refused.value.reason == "window_closed"
    resuming.prepare(person.account_id, one.name, now=house.now)
    house.advance(timedelta(minutes=6))
    with pytest.raises(ConfirmationRefused):
        resuming.finish(person.account_id, one.name, code=house.code(person), now=house.now)


def test_whoever_was_capped_meanwhile_takes_nothing_back(
    house: EnrolmentHouse, own: OwnCertificates, resuming: OwnKeyResuming, person: Account
) -> None:
    """Architecture, decision 10: her own hold became one of the recovery."""
    (one,) = own.list_of(person.account_id, now=house.now)
    own.suspend(person.account_id, one.name, now=house.now)
    resuming.prepare(person.account_id, one.name, now=house.now)
    services = house.services
    with services.database.transaction() as tx:
        row = find_row(tx.connection, person.account_id, is_locked=True)
        assert row is not None
        services.recovery.cap(tx, row, cause="password_reset", now=house.now)
    with pytest.raises((CertificateRefused, CertificateActRefused)):
        resuming.finish(person.account_id, one.name, code=house.code(person), now=house.now)
    (one,) = own.list_of(person.account_id, now=house.now)
    assert (one.standing, one.may_resume) == (Standing.SUSPENDED, False)


def test_jobs_do_nothing_that_the_certificate_does_not_say(
    house: EnrolmentHouse, own: OwnCertificates, person: Account
) -> None:
    """Whoever can write to the table of jobs ends no key whose certificate is in force."""
    for kind in (HOLD_OWN_KEY, END_OWN_KEY):
        assert _work(house, person, kind) == Done()
    assert _key(house, person).suspended_at is None
    assert _key(house, person).destroyed_at is None
    (one,) = own.list_of(person.account_id, now=house.now)
    reason = RevocationReason.SUPERSEDED
    own.revoke(person.account_id, one.name, reason=reason, now=house.now)
    assert _work(house, person, END_OWN_KEY) == Done()
    assert _key(house, person).destroyed_at is not None


def test_a_clerk_puts_a_seal_on_hold_and_does_not_revoke_it(
    house: EnrolmentHouse, own: OwnCertificates, person: Account
) -> None:
    """Decree 30/2020/ND-CP Art. 33: a clerk keeps and uses a seal, and disposes of none."""
    organisation, _ = house.organisation(person)
    house.enrol_by_code(person, house.signer(person, organisation))
    clerk = house.person(name="Trần Văn Thư", number="003190001119")
    new = Mandate(
        mandate_id=MandateId("mdt_clerk"),
        kind=MandateKind.SEAL_CLERK,
        holder_id=clerk.account_id,
        principal_id=organisation.account_id,
        scopes=(),
        portals=(),
        valid_from=house.now,
        valid_to=None,
        source="test",
        verified_at=house.now,
    )
    with house.services.database.transaction() as tx:
        holder = find_row(tx.connection, clerk.account_id)
        principal = find_row(tx.connection, organisation.account_id)
        assert holder is not None
        assert principal is not None
        insert_mandates(tx, (MandateRow(new, holder.account_key, principal.account_key),))
    (one,) = own.list_of(clerk.account_id, now=house.now)
    reason = RevocationReason.SUPERSEDED
    with pytest.raises(CertificateActRefused) as refused:
        own.revoke(clerk.account_id, one.name, reason=reason, now=house.now)
    assert refused.value.reason == "representative_only"
    own.suspend(clerk.account_id, one.name, now=house.now)
    assert own.get(clerk.account_id, one.name, now=house.now).standing is Standing.SUSPENDED
    own.revoke(person.account_id, one.name, reason=reason, now=house.now)
