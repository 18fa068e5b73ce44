"""Answers that were signed ahead, beside the certificates that they are about."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from idp.storage.database import Database
from idp.storage.purge import find_rules, purge_all
from keystore.pki.model import CertificateState, CertificateStatus, RevocationReason
from keystore.pki.ocsp_responses import SignedStatus
from keystore.pki.storage.certificates import change_state, read_status
from keystore.pki.storage.responses import (
    AheadRecord,
    find_status,
    find_unsigned,
    replace_signed,
)
from keystore.storage import metadata
from tests.support.pki import ISSUING_ID, SmallPki

HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)
ALL = ("", "g")


@pytest.fixture
def pki(database: Database, now: datetime) -> SmallPki:
    made = SmallPki(now)
    made.store(database)
    return made


@pytest.fixture
def status(database: Database, pki: SmallPki) -> CertificateStatus:
    with database.read() as connection:
        found = read_status(
            connection, ca_id=ISSUING_ID, serial=pki.citizen.certificate.serial_number
        )
    assert found is not None
    return found


def signed(now: datetime, *, kid: str = "kid", content: bytes = b"signed") -> SignedStatus:
    return SignedStatus(kid, now.replace(microsecond=0), now + HOUR, content)


def find(
    database: Database, status: CertificateStatus, *, hash_name: str = "sha1"
) -> tuple[CertificateStatus | None, SignedStatus | None]:
    with database.read() as connection:
        return find_status(
            connection, ca_id=status.ca_id, serial=status.serial, hash_name=hash_name
        )


def keep(database: Database, *records: AheadRecord) -> None:
    with database.transaction() as tx:
        replace_signed(tx, records)


def test_an_answer_comes_out_as_it_was_kept_and_under_its_hash_alone(
    database: Database, status: CertificateStatus, now: datetime
) -> None:
    assert find(database, status) == (status, None)
    keep(database, AheadRecord(status, "sha1", signed(now)))
    assert find(database, status) == (status, signed(now))
    assert find(database, status, hash_name="sha256") == (status, None)
    keep(database, AheadRecord(status, "sha1", signed(now, content=b"newer")))
    assert find(database, status) == (status, signed(now, content=b"newer"))


def test_a_certificate_that_was_never_issued_has_neither(
    database: Database, status: CertificateStatus
) -> None:
    assert find(database, replace(status, serial=5)) == (None, None)
    assert find(database, replace(status, ca_id="another")) == (None, None)


@pytest.mark.parametrize(
    "untrue",
    [
        {"state": CertificateState.SUSPENDED},
        {"reason": RevocationReason.SUPERSEDED},
        {"changed_at": datetime.fromisoformat("2026-01-01T00:00:00+00:00")},
    ],
    ids=["state", "reason", "date"],
)
def test_an_answer_about_another_state_does_not_come_out(
    database: Database, status: CertificateStatus, now: datetime, untrue: dict[str, object]
) -> None:
    keep(database, AheadRecord(replace(status, **untrue), "sha1", signed(now)))
    assert find(database, status) == (status, None)


def test_what_must_be_signed_is_found(
    database: Database, pki: SmallPki, status: CertificateStatus, now: datetime
) -> None:
    def unsigned(**changes: object) -> list[int]:
        asked: dict[str, object] = {
            "ca_id": ISSUING_ID,
            "hash_name": "sha1",
            "kid": "kid",
            "now": now,
            "ends_before": now + HOUR / 2,
            "serials": ALL,
            "limit": 10,
        }
        with database.read() as connection:
            return [one.serial for one in find_unsigned(connection, **(asked | changes))]

    everybody = sorted(one.certificate.serial_number for one in (pki.tsa, pki.ocsp, pki.citizen))
    assert unsigned() == everybody
    assert unsigned(limit=2) == everybody[:2]
    digits = f"{everybody[1]:040x}"
    assert unsigned(serials=(digits, "g")) == everybody[1:]
    assert unsigned(serials=("", digits)) == everybody[:1]
    assert unsigned(now=now + timedelta(days=366)) == []
    keep(database, AheadRecord(status, "sha1", signed(now)))
    others = [serial for serial in everybody if serial != status.serial]
    assert unsigned() == others
    for changes in (
        {"hash_name": "sha256"},
        {"kid": "next"},
        {"ends_before": now + HOUR + timedelta(milliseconds=1)},
    ):
        assert unsigned(**changes) == everybody
    with database.transaction() as tx:
        change_state(
            tx.connection,
            ca_id=ISSUING_ID,
            serial=status.serial,
            state=CertificateState.REVOKED,
            reason=None,
            at=now,
            now=now,
        )
    assert unsigned() == everybody


def test_answers_that_have_ended_are_forgotten(
    database: Database, status: CertificateStatus, now: datetime
) -> None:
    keep(
        database,
        AheadRecord(status, "sha1", signed(now)),
        AheadRecord(status, "sha256", signed(now + HOUR)),
    )
    rules = find_rules(metadata)
    for at, left in ((now + HOUR - MILLISECOND, True), (now + HOUR, False)):
        assert ("ocsp_response" in purge_all(database, rules=rules, now=at)) is not left
        assert (find(database, status)[1] is not None) is left
    assert find(database, status, hash_name="sha256")[1] is not None
