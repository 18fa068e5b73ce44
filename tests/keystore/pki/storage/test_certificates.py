"""The table of certificates: what status answers read from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from idp.storage.database import Database
from keystore.pki.model import CertificateState, RevocationReason
from keystore.pki.storage import certificates as table
from keystore.pki.storage.certificates import (
    change_state,
    find_by_keys,
    find_certificate,
    find_of_account,
    find_of_profile,
    insert_certificates,
    read_certificates,
    read_changed,
    read_revoked,
    read_status,
)
from tests.support.pki import ISSUING_ID, ROOT_ID, SmallPki


@pytest.fixture
def pki(database: Database, now: datetime) -> SmallPki:
    made = SmallPki(now, shards=4)
    made.store(database)
    return made


def test_a_certificate_is_found_again_as_it_was(database: Database, pki: SmallPki) -> None:
    serial = pki.tsa.certificate.serial_number
    with database.read() as connection:
        found = find_certificate(connection, ca_id=ISSUING_ID, serial=serial)
        status = read_status(connection, ca_id=ISSUING_ID, serial=serial)
    assert found is not None
    assert found.der == pki.tsa.der
    assert found.not_after == pki.tsa.certificate.not_valid_after_utc
    assert status == found.status
    assert found.state is CertificateState.GOOD


def test_what_an_authority_never_issued_has_no_status(database: Database, pki: SmallPki) -> None:
    with database.read() as connection:
        assert read_status(connection, ca_id=ISSUING_ID, serial=1) is None
        assert find_certificate(connection, ca_id=ISSUING_ID, serial=1) is None
        serial = pki.tsa.certificate.serial_number
        assert read_status(connection, ca_id=ROOT_ID, serial=serial) is None
        assert find_certificate(connection, serial=serial, ca_id=ROOT_ID) is None


def test_a_crl_lists_what_is_revoked_or_suspended_and_has_not_expired(
    database: Database, pki: SmallPki, now: datetime
) -> None:
    revoked, suspended = pki.issue("R", serial=7), pki.issue("S", serial=10)
    expired = pki.issue("E", lifetime=timedelta(days=1), serial=11)
    for one, state in (
        (revoked, CertificateState.REVOKED),
        (suspended, CertificateState.SUSPENDED),
        (expired, CertificateState.REVOKED),
    ):
        pki.add(database, [one], state=state, reason=RevocationReason.UNSPECIFIED, changed_at=now)
    later = now + timedelta(days=2)
    with database.read() as connection:
        listed = list(read_revoked(connection, ca_id=ISSUING_ID, now=later))
        in_shard = list(read_revoked(connection, ca_id=ISSUING_ID, now=later, shard=7 % 4))
    assert [one.serial for one in listed] == [7, 10]
    assert [one.serial for one in in_shard] == [7]


def test_long_lists_are_read_in_portions_without_a_gap(
    database: Database, pki: SmallPki, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.read() as connection:
        one = find_certificate(
            connection, ca_id=ISSUING_ID, serial=pki.citizen.certificate.serial_number
        )
    assert one is not None
    copies = [
        replace(one, serial=serial, state=CertificateState.REVOKED) for serial in range(1, 26)
    ]
    with database.transaction() as tx:
        insert_certificates(tx.connection, copies)
    monkeypatch.setattr(table, "_PORTION", 5)
    with database.read() as connection:
        listed = read_revoked(connection, ca_id=ISSUING_ID, now=now)
        assert [status.serial for status in listed] == list(range(1, 26))
        page = read_certificates(connection, ca_id=ISSUING_ID, limit=3, after=4)
        assert [record.serial for record in page] == [5, 6, 7]


def test_a_change_turns_up_by_its_instant(database: Database, pki: SmallPki, now: datetime) -> None:
    serial = pki.citizen.certificate.serial_number
    with database.transaction() as tx:
        change_state(
            tx.connection,
            ca_id=ISSUING_ID,
            serial=serial,
            state=CertificateState.SUSPENDED,
            reason=RevocationReason.CERTIFICATE_HOLD,
            at=now,
            now=now,
        )
    with database.read() as connection:
        assert [one.serial for one in read_changed(connection, since=now)] == [serial]
        assert read_changed(connection, since=now + timedelta(seconds=1)) == ()
        found = find_certificate(connection, ca_id=ISSUING_ID, serial=serial)
    assert found is not None
    assert (found.state, found.changed_at) == (
        CertificateState.SUSPENDED,
        now.replace(microsecond=0),
    )


def test_certificates_are_found_by_account_profile_and_key(
    database: Database, pki: SmallPki, now: datetime
) -> None:
    with database.read() as connection:
        (of_account,) = find_of_account(connection, f"acc_{'c' * 32}")
        (of_profile,) = find_of_profile(connection, "ocsp", now=now)
        (by_key,) = find_by_keys(connection, [of_account.spki_sha256])
        assert find_of_profile(connection, "ocsp", now=now + timedelta(days=400)) == ()
    assert of_account.serial == by_key.serial == pki.citizen.certificate.serial_number
    assert of_profile.kid == "test-ocsp-key"
