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


def test_one_run_signs_every_certificate_of_a_small_deployment(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime
) -> None:
    assert signer.sign_ahead(now) == 3 * BOTH
    assert signer.sign_ahead(now + EVERY) == 0
    fresh = pki.issue("Fresh")
    pki.add(database, [fresh])
    assert signer.sign_ahead(now + 2 * EVERY) == BOTH


@pytest.mark.parametrize("pace", [EVERY, 6 * EVERY, timedelta(seconds=1)])
def test_a_large_deployment_is_signed_in_slices_at_whatever_pace(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime, pace: timedelta
) -> None:
    pki.add(database, [pki.issue(f"Citizen {number}") for number in range(MANY)])
    signer = StatusSigner(database, responders=responders, at_a_time=5)
    slices = (3 + MANY) // 5 + 1
    signed = [signer.sign_ahead(now + number * pace) for number in range(slices)]
    assert sum(signed) == (3 + MANY) * BOTH == count(database)
    assert max(signed) < sum(signed)
    again = [signer.sign_ahead(now + HOUR + number * pace) for number in range(slices)]
    assert sum(again) == 0


def test_processes_that_live_for_one_run_sign_everything_together(
    database: Database, pki: SmallPki, responders: OneResponder, now: datetime
) -> None:
    for _ in range(500):
        StatusSigner(database, responders=responders, at_a_time=1).sign_ahead(now)
        if count(database) == 3 * BOTH:
            break
    assert count(database) == 3 * BOTH


def test_answers_are_renewed_when_half_of_their_time_is_over(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime
) -> None:
    """RFC 9919 §3.2.4: a newer answer is there before nextUpdate."""
    assert signer.sign_ahead(now) == 3 * BOTH
    assert signer.sign_ahead(now + 6 * HOUR) == 0
    assert signer.sign_ahead(now + 6 * HOUR + timedelta(seconds=1)) == 3 * BOTH
    assert count(database) == 3 * BOTH


def test_a_change_of_state_is_signed_anew(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime
) -> None:
    signer.sign_ahead(now)
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
        assert signer.sign_ahead(now) == BOTH
        with database.read() as connection:
            _, signed = find_status(connection, ca_id=ISSUING_ID, serial=serial, hash_name="sha1")
        assert signed is not None


def test_expired_certificates_are_not_signed_any_more(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime
) -> None:
    pki.add(database, [pki.issue("Short", lifetime=timedelta(hours=3))])
    assert signer.sign_ahead(now) == 4 * BOTH
    assert signer.sign_ahead(now + 7 * HOUR) == 3 * BOTH


def test_a_new_key_signs_everything_anew(
    database: Database,
    pki: SmallPki,
    signer: StatusSigner,
    responders: OneResponder,
    now: datetime,
) -> None:
    signer.sign_ahead(now)
    responders.current = make_responder(pki.issue("Next", has_status=False), kid="next")
    assert signer.sign_ahead(now) == 3 * BOTH
    assert count(database) == 3 * BOTH


def test_a_responder_that_ends_soon_does_not_sign_the_same_again_and_again(
    database: Database, pki: SmallPki, now: datetime
) -> None:
    short = pki.issue("Short", has_status=False, lifetime=HOUR)
    signer = StatusSigner(database, responders=OneResponder(make_responder(short)))
    pki.add(database, [short], profile="ocsp")
    assert signer.sign_ahead(now) == 4 * BOTH
    assert signer.sign_ahead(now) == 0


def test_one_run_signs_no_more_than_its_limit_and_the_next_goes_on(
    database: Database, pki: SmallPki, signer: StatusSigner, now: datetime
) -> None:
    signed = [signer.sign_ahead(now, limit=4) for _ in range(3)]
    assert signed == [4, 2, 0]
    assert count(database) == 3 * BOTH


def test_an_authority_without_a_responder_is_passed_over(
    database: Database, pki: SmallPki, now: datetime
) -> None:
    class Nobody:
        def responder(self, ca_id: str, *, now: datetime) -> Responder:
            raise ServiceCertificateMissing("ocsp")

    assert StatusSigner(database, responders=Nobody()).sign_ahead(now) == 0


@given(serial=st.integers(1, 2**159 - 1), of=st.integers(1, 4096))
def test_every_serial_number_is_in_exactly_one_slice(serial: int, of: int) -> None:
    digits = f"{serial:040x}"
    slices = [_slice(number, of=of) for number in range(of)]
    assert sum(first <= digits < end for first, end in slices) == 1
