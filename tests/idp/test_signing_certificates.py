"""Certificates for signing keys: late ones, renewed ones, and those that are not given again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idp.accounts.model import Account
from keystore.log.events import EventType
from keystore.pki.model import RevocationReason
from keystore.signer.errors import OutcomeUnknown
from signing.errors import ConfirmationRefused
from tests.support.enrolment_house import EnrolmentHouse, open_house
from tests.support.signer import events, store


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


def test_a_key_whose_answer_got_lost_is_certified_the_next_time(
    house: EnrolmentHouse, person: Account
) -> None:
    signer = house.signer(person)
    house.door.failure, house.door.is_deaf_afterwards = OutcomeUnknown(), True
    code = house.code(person)
    house.enrolment.prepare(signer, scal=1, now=house.now)
    with pytest.raises(ConfirmationRefused, match="interrupted"):
        house.enrolment.finish_by_code(signer, code=code, now=house.now)
    assert house.held(signer) == ()
    (record,) = house.enrolment.keep_up(signer, now=house.now)
    assert record.kid == house.door.made[0].key_id
    assert [one.key_id for one in house.held(signer)] == [record.kid]
    assert house.enrolment.keep_up(signer, now=house.now) == ()


def test_a_key_whose_certificate_was_revoked_is_not_certified_again(
    house: EnrolmentHouse, person: Account
) -> None:
    signer = house.signer(person)
    house.enrol_by_code(person, signer)
    (record,) = house.pki.certificates.of_account(person.account_id)
    house.pki.states.revoke(
        record.serial,
        ca_id=record.ca_id,
        reason=RevocationReason.PRIVILEGE_WITHDRAWN,
        now=house.now,
    )
    assert house.enrolment.keep_up(signer, now=house.now) == ()
    assert house.held(signer) == ()
    house.enrol_by_code(person, signer)  # another key, confirmed anew
    assert len(house.held(signer)) == 1


def test_a_key_whose_row_somebody_changed_is_not_certified(
    house: EnrolmentHouse, person: Account
) -> None:
    signer = house.signer(person)
    house.door.failure, house.door.is_deaf_afterwards = OutcomeUnknown(), True
    code = house.code(person)
    house.enrolment.prepare(signer, scal=1, now=house.now)
    with pytest.raises(ConfirmationRefused):
        house.enrolment.finish_by_code(signer, code=code, now=house.now)
    store(house.services.database, house.door.made[0].key_id, scal=2)
    assert house.enrolment.keep_up(signer, now=house.now) == ()


def test_a_certificate_near_its_end_is_followed_by_another_for_the_same_key(
    house: EnrolmentHouse, person: Account
) -> None:
    signer = house.signer(person)
    house.enrol_by_code(person, signer)
    (first,) = house.pki.certificates.of_account(person.account_id)
    assert house.enrolment.keep_up(signer, now=house.now) == ()
    house.advance(first.not_after - house.now - timedelta(days=10))
    (second,) = house.enrolment.keep_up(signer, now=house.now)
    assert (second.kid, second.replaces) == (first.kid, first.serial)
    assert house.enrolment.keep_up(signer, now=house.now) == ()
    assert house.held(signer)[0].not_after == second.not_after
    assert len(events(house.services.database, EventType.CERTIFICATE_RENEWED)) == 1


def test_an_old_key_is_certified_no_more(house: EnrolmentHouse, person: Account) -> None:
    signer = house.signer(person)
    house.enrol_by_code(person, signer)
    for _ in range(2):
        newest = house.pki.certificates.of_account(person.account_id)[0]
        house.advance(newest.not_after - house.now - timedelta(days=10))
        house.enrolment.keep_up(signer, now=house.now)
    assert len(house.pki.certificates.of_account(person.account_id)) == 2
