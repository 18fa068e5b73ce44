"""A capped account signs nothing and is of level 1 everywhere, until its holder was proofed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idp.accounts.activation import issue_activation_code
from idp.accounts.channels import Channel
from idp.accounts.model import Account, AccountLevel
from idp.accounts.proofing import find_proofing
from idp.accounts.recovery import OrganisationsHaveNoLevel
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.contacts import ContactRow, list_contacts, put_contact
from idp.storage.credentials import list_activation_codes
from idp.storage.outbox import lease
from idp.verifier_registers import DatabaseRegisters
from keystore.pki.model import CertificateState
from signing.errors import CertificateRefused
from signing.ports import Signer
from tests.support.enrolment_house import EnrolmentHouse, open_house


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[EnrolmentHouse]:
    """On SQLite alone: nothing here is a statement of its own."""
    with open_house(sqlite_url, tmp_path, now=now) as opened:
        yield opened


@pytest.fixture
def person(house: EnrolmentHouse) -> Account:
    """Somebody of level 2 who signs with an app that was bound at proofing."""
    made = house.person()
    house.give_app(made)
    house.enrol_by_code(made, house.signer(made))
    assert house.held(house.signer(made))
    house.advance(timedelta(minutes=1))
    return made


def cap(house: EnrolmentHouse, account_id: AccountId) -> None:
    with house.services.database.transaction() as tx:
        row = find_row(tx.connection, account_id, is_locked=True)
        assert row is not None
        house.services.recovery.cap(tx, row, cause="password_reset", now=house.now)


def proof(house: EnrolmentHouse, account_id: AccountId) -> None:
    house.advance(timedelta(days=1))
    with house.services.database.transaction() as tx:
        row = find_row(tx.connection, account_id, is_locked=True)
        assert row is not None
        house.services.recovery.proofed(tx, row, now=house.now)


def hand_out_code(house: EnrolmentHouse, account_id: AccountId) -> None:
    services = house.services
    issue_activation_code(
        services.database, account_id, sealer=services.sealer, log=services.log, now=house.now
    )


def may_enrol(house: EnrolmentHouse, signer: Signer) -> str:
    return house.enrolment.may_enrol(signer, now=house.now)


def test_a_capped_account_is_of_level_one_and_holds_nothing_that_signs(
    house: EnrolmentHouse, person: Account
) -> None:
    """Architecture, decision 10."""
    cap(house, person.account_id)
    found = house.services.people.find_account(person.account_id)
    assert found is not None
    assert found.level is AccountLevel.ONE
    (record,) = house.pki.certificates.of_account(person.account_id)
    assert record.state is CertificateState.SUSPENDED
    assert not house.held(house.signer(person))
    assert may_enrol(house, house.signer(person)) == "level_too_low"
    jobs = lease(house.services.database, now=house.now, duration=timedelta(minutes=1), limit=9)
    assert [job.payload.get("notice") for job in jobs if job.kind == "send_notice"] == [
        "level_capped"
    ]
    assert "suspend_personal_keys" in {job.kind for job in jobs}


def test_whoever_may_not_sign_is_refused_at_each_door_by_itself(
    house: EnrolmentHouse, person: Account
) -> None:
    """A window that was open, and a verifier that is asked past the pages."""
    cap(house, person.account_id)
    assert house.signers.refresh(house.signer(person), client_id=None, now=house.now) is None
    assert not DatabaseRegisters(house.services.database).is_active(person.account_id)
    with pytest.raises(CertificateRefused, match="level_too_low"):
        house.enrolment.prepare(house.signer(person), scal=1, now=house.now)


def test_an_organisations_seal_is_not_for_somebody_who_was_capped(
    house: EnrolmentHouse, person: Account
) -> None:
    organisation, _mandate = house.organisation(person)
    signer = house.signer(person, organisation)
    house.enrol_by_code(person, house.signers.refresh(signer, client_id=None, now=house.now))
    assert house.held(signer)
    cap(house, person.account_id)
    assert not house.held(signer)
    assert house.signers.refresh(signer, client_id=None, now=house.now) is None


def test_a_proofing_from_before_counts_no_more_and_a_code_alone_is_none(
    house: EnrolmentHouse, person: Account
) -> None:
    """ETSI EN 319 411-1 §6.2.2: what is on record has to be of the person who is there now."""
    services = house.services
    hand_out_code(house, person.account_id)
    assert find_proofing(services.database, person.account_id) == house.now
    cap(house, person.account_id)
    with services.database.read() as connection:
        assert not list_activation_codes(connection, person.account_id)
    assert find_proofing(services.database, person.account_id) is None
    house.advance(timedelta(days=1))
    hand_out_code(house, person.account_id)
    assert find_proofing(services.database, person.account_id) is None


def test_a_proofing_after_it_begins_anew(house: EnrolmentHouse, person: Account) -> None:
    """Whoever was in the account meanwhile has no factor in it any more."""
    house.give_passkey(person)
    cap(house, person.account_id)
    proof(house, person.account_id)
    services = house.services
    found = services.people.find_account(person.account_id)
    assert found is not None
    assert found.level is AccountLevel.TWO
    assert find_proofing(services.database, person.account_id) == house.now
    factors = services.people.second_factors(person.account_id)
    assert not factors.has_totp
    assert not factors.has_passkey
    (record,) = house.pki.certificates.of_account(person.account_id)
    assert record.state is CertificateState.REVOKED
    for made in house.door.made:
        house.bench.desk.destroy(made.key_id, reason="account_ended", now=house.now)
    house.give_app(person)
    signer = house.signer(person)
    house.enrol_by_code(person, signer)
    assert len(house.held(signer)) == 1


def test_an_address_that_was_changed_lately_is_no_older_after_a_proofing(
    house: EnrolmentHouse, person: Account
) -> None:
    """It neither signs in nor resets a password: whoever was in the account may have set it."""
    services, young = house.services, house.now + timedelta(days=3)
    changed = ContactRow(
        Channel.EMAIL, b"1" * 32, is_factor=True, since=house.now, serves_from=young
    )
    with services.database.transaction() as tx:
        row = find_row(tx.connection, person.account_id, is_locked=True)
        assert row is not None
        put_contact(tx, row, changed)
    cap(house, person.account_id)
    proof(house, person.account_id)
    with services.database.read() as connection:
        kept = list_contacts(connection, row)
    assert kept == {Channel.EMAIL: replace(changed, is_factor=False)}


def test_a_first_proofing_leaves_what_there_is(house: EnrolmentHouse) -> None:
    somebody = house.person(level=AccountLevel.ONE)
    house.give_app(somebody)
    proof(house, somebody.account_id)
    assert house.services.people.has_totp(somebody.account_id)
    assert find_proofing(house.services.database, somebody.account_id) == house.now


def test_a_cap_that_is_taken_back_leaves_everything(house: EnrolmentHouse, person: Account) -> None:
    """One transaction: nothing is told of what did not happen."""

    class Interrupted(Exception):
        """The act failed after the cap."""

    def interrupted() -> None:
        with house.services.database.transaction() as tx:
            row = find_row(tx.connection, person.account_id, is_locked=True)
            assert row is not None
            house.services.recovery.cap(tx, row, cause="password_reset", now=house.now)
            raise Interrupted

    with pytest.raises(Interrupted):
        interrupted()
    assert house.held(house.signer(person))
    assert not list(
        lease(house.services.database, now=house.now, duration=timedelta(minutes=1), limit=9)
    )


def test_organisations_have_no_level(house: EnrolmentHouse, person: Account) -> None:
    organisation, _mandate = house.organisation(person)
    with pytest.raises(OrganisationsHaveNoLevel):
        cap(house, organisation.account_id)
    with pytest.raises(OrganisationsHaveNoLevel):
        proof(house, organisation.account_id)
