"""What is listed of certificates that ended, and what a database that forgot it learns from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keystore.errors import DestructionListBroken
from keystore.listed_lines import ListedLines
from keystore.pki.certificate_states import CertificateStates
from keystore.pki.ended_certificates import EndedCertificates
from keystore.pki.model import CertificateRecord, CertificateState, RevocationReason
from tests.support.real_pki import RealPki

_HOUR = timedelta(hours=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "revoked"


@pytest.fixture
def listed(real: RealPki, file: Path) -> EndedCertificates:
    return EndedCertificates(file, sealer=real.sealer)


@pytest.fixture
def states(real: RealPki, listed: EndedCertificates) -> CertificateStates:
    return CertificateStates(real.database, log=real.log, listed=listed)


def _issue(real: RealPki, now: datetime) -> CertificateRecord:
    return real.certificates.issue(real.request(), now=now).record


def test_what_is_revoked_and_what_is_on_hold_is_listed_with_its_reason_and_time(
    real: RealPki, states: CertificateStates, listed: EndedCertificates, now: datetime
) -> None:
    lost, held, lifted, twice = (_issue(real, now) for _ in range(4))
    states.revoke(lost.serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
    for one in (held, lifted, twice):
        states.suspend(one.serial, now=now)
    states.lift(lifted.serial, now=now + _HOUR)
    states.revoke(twice.serial, reason=RevocationReason.SUPERSEDED, now=now + _HOUR)
    found = {one.serial: one for one in listed.read()}
    assert found.keys() == {lost.serial, held.serial, twice.serial}
    for record in (lost, held, twice):
        kept, one = real.certificates.get(record.serial), found[record.serial]
        assert (one.ca_id, one.state, one.reason) == (kept.ca_id, kept.state, kept.reason)
        assert one.changed_at == kept.changed_at == now
        assert (one.profile, one.shard) == (kept.profile, kept.shard)
        assert kept.not_after < one.not_after <= kept.not_after + timedelta(days=1)
    assert found[twice.serial].state is CertificateState.REVOKED


def test_a_line_leads_to_nobodys_row_of_the_log(
    real: RealPki, states: CertificateStates, file: Path, now: datetime
) -> None:
    """The end of a certificate to the second would tell when it was issued, and to whom."""
    record = _issue(real, now)
    states.revoke(record.serial, reason=RevocationReason.KEY_COMPROMISE, now=now + _HOUR)
    text = file.read_text()
    assert "acc_one" not in text
    for instant in (record.issued_at, record.not_before, record.not_after):
        assert str(int(instant.timestamp() * 1000)) not in text


def test_what_was_revoked_is_not_good_again_by_a_later_line(
    real: RealPki, states: CertificateStates, listed: EndedCertificates, now: datetime
) -> None:
    """RFC 5280 §5.3.1: only what is on hold comes back."""
    record = _issue(real, now)
    states.revoke(record.serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
    listed.add(record, state=CertificateState.GOOD, reason=None, since=now, now=now)
    (found,) = listed.read()
    assert found.state is CertificateState.REVOKED


def test_a_list_that_cannot_be_written_stops_no_revocation(
    real: RealPki, tmp_path: Path, now: datetime
) -> None:
    nowhere = EndedCertificates(tmp_path / "absent" / "revoked", sealer=real.sealer)
    states = CertificateStates(real.database, log=real.log, listed=nowhere)
    record = _issue(real, now)
    states.suspend(record.serial, now=now)
    states.lift(record.serial, now=now)
    states.revoke(record.serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
    assert real.certificates.get(record.serial).state is CertificateState.REVOKED
    assert nowhere.read() == ()


def test_a_line_that_was_changed_or_is_of_another_list_is_found(
    real: RealPki,
    states: CertificateStates,
    listed: EndedCertificates,
    file: Path,
    now: datetime,
) -> None:
    first, second = _issue(real, now), _issue(real, now)
    for one in (first, second):
        states.revoke(one.serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"revoked:", b"good:", 1))
    with pytest.raises(DestructionListBroken):
        listed.read()
    (left,) = listed.read_unverified()
    assert left.serial == second.serial
    kept = listed.begin_anew(now=now)
    assert kept is not None
    assert [one.serial for one in listed.read()] == [second.serial]
    file.write_bytes(whole.replace(b":keyCompromise:", b":noSuchReason:", 1))
    assert [one.serial for one in listed.read_unverified()] == [second.serial]
    other = ListedLines(file, sealer=real.sealer, said=rb"[0-9a-f]{64}")
    assert other.read_unverified() == ()
