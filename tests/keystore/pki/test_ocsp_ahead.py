"""Signing ahead: what is signed when, and that nothing is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.storage.database import Database
from keystore.pki.errors import ServiceCertificateMissing
from keystore.pki.model import CertificateState, RevocationReason
from keystore.pki.ocsp_ahead import EVERY, StatusSigner, _slice
from keystore.pki.ocsp_responses import Responder
from keystore.pki.storage.certificates import change_state
from keystore.pki.storage.responses import find_status, ocsp_response
from tests.support.pki import ISSUING_ID, SmallPki
from tests.support.status import OneResponder, make_responder

HOUR = timedelta(hours=1)
MANY = 30
BOTH = 2
"""Each certificate is answered under two hashes."""


@pytest.fixture
def pki(database: Database, now: datetime) -> SmallPki:
    made = SmallPki(now)
    made.store(database)
    return made


@pytest.fixture
def responders(pki: SmallPki) -> OneResponder:
    return OneResponder.of(pki)


@pytest.fixture
def signer(database: Database, responders: OneResponder) -> StatusSigner:
    return StatusSigner(database, responders=responders)


def count(database: Database) -> int:
    with database.read() as connection:
        return len(connection.execute(ocsp_response.select()).all())


def sign_for_ten_minutes(signer: StatusSigner, *, start: datetime) -> int:
    """The duty as often as it runs in ten minutes, when every slice had its turn."""
    return sum(signer.sign_ahead(start + number * EVERY) for number in range(60))


def test_every_certificate_is_signed_within_ten_minutes_and_then_left_alone(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime
) -> None:
    pki.add(database, [pki.issue(f"Citizen {number}") for number in range(MANY)])
    expected = (3 + MANY) * BOTH
    assert sign_for_ten_minutes(signer, start=now) == expected
    assert count(database) == expected
    assert sign_for_ten_minutes(signer, start=now + HOUR) == 0


@pytest.mark.parametrize("start", [0, 7, 599])
def test_it_does_not_matter_when_the_duty_began(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime, start: int
) -> None:
    begin = now + timedelta(seconds=start)
    assert sign_for_ten_minutes(signer, start=begin) == 3 * BOTH


def test_answers_are_renewed_when_half_of_their_time_is_over(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime
) -> None:
    """RFC 9919 §3.2.4: a newer answer is there before nextUpdate."""
    assert signer.sign_all(now) == 3 * BOTH
    assert signer.sign_all(now + 6 * HOUR) == 0
    assert signer.sign_all(now + 6 * HOUR + timedelta(seconds=1)) == 3 * BOTH
    assert count(database) == 3 * BOTH


def test_a_change_of_state_is_signed_anew(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime
) -> None:
    signer.sign_all(now)
    serial = pki.citizen.certificate.serial_number
    steps = [
        (CertificateState.SUSPENDED, RevocationReason.CERTIFICATE_HOLD),
        (CertificateState.REVOKED, RevocationReason.KEY_COMPROMISE),
        (CertificateState.REVOKED, RevocationReason.SUPERSEDED),
        (CertificateState.GOOD, None),
    ]
    for state, reason in steps:
        with database.transaction() as tx:
            change_state(
                tx.connection,
                ca_id=ISSUING_ID,
                serial=serial,
                state=state,
                reason=reason,
                at=now,
                now=now,
            )
        with database.read() as connection:
            status, signed = find_status(
                connection, ca_id=ISSUING_ID, serial=serial, hash_name="sha1"
            )
        assert status is not None
        assert signed is None
        assert signer.sign_all(now) == BOTH
        with database.read() as connection:
            _, signed = find_status(connection, ca_id=ISSUING_ID, serial=serial, hash_name="sha1")
        assert signed is not None


def test_expired_certificates_are_not_signed_any_more(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime
) -> None:
    pki.add(database, [pki.issue("Short", lifetime=timedelta(hours=3))])
    assert signer.sign_all(now) == 4 * BOTH
    assert signer.sign_all(now + 7 * HOUR) == 3 * BOTH


def test_a_new_key_signs_everything_anew(
    database: Database,
    pki: SmallPki,
    signer: StatusSigner,
    responders: OneResponder,
    now: datetime,
) -> None:
    signer.sign_all(now)
    responders.current = make_responder(pki.issue("Next", has_status=False), kid="next")
    assert signer.sign_all(now) == 3 * BOTH
    assert count(database) == 3 * BOTH


def test_a_responder_that_ends_soon_does_not_sign_the_same_again_and_again(
    database: Database, pki: SmallPki, now: datetime
) -> None:
    short = pki.issue("Short", has_status=False, lifetime=HOUR)
    signer = StatusSigner(database, responders=OneResponder(make_responder(short)))
    pki.add(database, [short], profile="ocsp")
    assert signer.sign_all(now) == 4 * BOTH
    assert signer.sign_all(now) == 0


def test_one_run_signs_no_more_than_its_limit_and_the_rest_comes_later(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime
) -> None:
    at = now + next(
        number * EVERY
        for number in range(60)
        if StatusSigner(database, responders=OneResponder.of(pki)).sign_ahead(
            now + number * EVERY, limit=1
        )
    )
    with database.transaction() as tx:
        tx.connection.execute(ocsp_response.delete())
    assert signer.sign_ahead(at, limit=1) == 1
    assert signer.sign_ahead(at, limit=1) == 1
    assert count(database) == BOTH


def test_an_authority_without_a_responder_is_passed_over(
    database: Database, pki: SmallPki, now: datetime
) -> None:
    class Nobody:
        def responder(self, ca_id: str, *, now: datetime) -> Responder:
            raise ServiceCertificateMissing("ocsp")

    assert StatusSigner(database, responders=Nobody()).sign_all(now) == 0


@given(serial=st.integers(1, 2**159 - 1))
def test_every_serial_number_is_in_exactly_one_slice(serial: int) -> None:
    digits = f"{serial:040x}"
    slices = [_slice(number) for number in range(60)]
    assert sum(first <= digits < end for first, end in slices) == 1
