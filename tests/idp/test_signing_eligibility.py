"""Who may have a signing key, and why somebody may not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idp.accounts.model import Account, AccountLevel
from signing.errors import CertificateRefused, ConfirmationRefused
from tests.support.enrolment_house import EnrolmentHouse, open_house


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[EnrolmentHouse]:
    """On SQLite alone: the storage files have tests of their own on both."""
    with open_house(sqlite_url, tmp_path, now=now) as opened:
        yield opened


@pytest.fixture
def person(house: EnrolmentHouse) -> Account:
    """Somebody of level 2 with an app that was bound at proofing."""
    made = house.person()
    house.give_app(made)
    return made


def test_level_one_gets_none(house: EnrolmentHouse) -> None:
    somebody = house.person(level=AccountLevel.ONE)
    house.give_app(somebody)
    signer = house.signer(somebody)
    assert house.enrolment.may_enrol(signer, now=house.now) == "level_too_low"
    with pytest.raises(CertificateRefused, match="level_too_low"):
        house.enrolment.prepare(signer, scal=1, now=house.now)


def test_without_a_record_of_proofing_there_is_none(house: EnrolmentHouse) -> None:
    """ETSI EN 319 411-1 §6.2.2: the record is there before the certificate is."""
    somebody = house.person(is_recorded=False)
    house.give_app(somebody)
    assert house.enrolment.may_enrol(house.signer(somebody), now=house.now) == "not_proofed"


def test_without_a_second_factor_there_is_none(house: EnrolmentHouse) -> None:
    somebody = house.person()
    assert house.enrolment.may_enrol(house.signer(somebody), now=house.now) == "no_second_factor"


def test_an_app_of_nobodys_proofing_waits(house: EnrolmentHouse) -> None:
    """Architecture, decision 10: 72 hours, which the verifier enforces as well."""
    somebody = house.person()
    house.give_app(somebody, is_proofed=False)
    signer = house.signer(somebody)
    assert house.enrolment.may_enrol(signer, now=house.now) == "second_factor_too_young"
    with pytest.raises(CertificateRefused, match="second_factor_too_young"):
        house.enrolment.prepare(signer, scal=1, now=house.now)


def test_the_verifier_refuses_a_young_app_whatever_the_service_believes(
    house: EnrolmentHouse, person: Account
) -> None:
    signer = house.signer(person)
    house.enrolment.prepare(signer, scal=1, now=house.now)
    house.give_app(person, is_proofed=False)
    with pytest.raises(ConfirmationRefused, match="authenticator_too_young"):
        house.enrolment.finish_by_code(signer, code=house.code(person), now=house.now)


def test_a_locked_account_gets_none(house: EnrolmentHouse, person: Account) -> None:
    house.lifecycle.lock(person.account_id, reason="lost", now=house.now)
    assert house.enrolment.may_enrol(house.signer(person), now=house.now) == "account_ended"


def test_what_is_on_hold_is_not_got_round_with_another_key(
    house: EnrolmentHouse, person: Account
) -> None:
    signer = house.signer(person)
    house.enrol_by_code(person, signer)
    (record,) = house.pki.certificates.of_account(person.account_id)
    house.pki.states.suspend(record.serial, ca_id=record.ca_id, now=house.now)
    assert house.enrolment.may_enrol(signer, now=house.now) == "certificate_suspended"


def test_a_suspended_key_is_not_got_round_either(house: EnrolmentHouse, person: Account) -> None:
    signer = house.signer(person)
    house.enrol_by_code(person, signer)
    house.bench.desk.suspend(house.door.made[0].key_id, reason="lost", now=house.now)
    assert house.enrolment.may_enrol(signer, now=house.now) == "certificate_suspended"


def test_there_is_an_end_to_keys_within_a_day(house: EnrolmentHouse, person: Account) -> None:
    signer = house.signer(person)
    for _ in range(6):
        house.enrol_by_code(person, signer)
    assert house.enrolment.may_enrol(signer, now=house.now) == "too_many_keys"
    house.advance(timedelta(days=1))
    assert house.enrolment.may_enrol(signer, now=house.now) == ""
