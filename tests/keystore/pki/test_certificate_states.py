"""Which state of a certificate may follow which, and since when it counts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from keystore.log.record import log_event, seal_context
from keystore.pki.errors import CertificateStateRefused, CertificateUnknown
from keystore.pki.model import HOLDER, CertificateState, RevocationReason
from keystore.pki.storage.certificates import find_by_serial, read_changed, read_status


@pytest.fixture
def serial(real, now: datetime) -> int:
    return real.certificates.issue(real.request(), now=now).record.serial


def _status(real, serial: int):
    with real.database.read() as connection:
        return read_status(connection, ca_id="issuing-1", serial=serial)


def test_a_suspended_certificate_is_on_hold_until_it_is_lifted(real, serial, now) -> None:
    real.states.suspend(serial, now=now)
    held = _status(real, serial)
    assert (held.state, held.reason) == (
        CertificateState.SUSPENDED,
        RevocationReason.CERTIFICATE_HOLD,
    )
    real.states.lift(serial, now=now + timedelta(hours=1))
    lifted = _status(real, serial)
    assert (lifted.state, lifted.reason) == (CertificateState.GOOD, None)


def test_what_was_suspended_counts_as_revoked_since_then(real, serial, now: datetime) -> None:
    """A signature made while the certificate was on hold must not become valid."""
    real.states.suspend(serial, now=now)
    later = now + timedelta(days=3)
    real.states.revoke(serial, reason=RevocationReason.AFFILIATION_CHANGED, now=later)
    status = _status(real, serial)
    assert status.state is CertificateState.REVOKED
    assert status.changed_at == now.replace(microsecond=0)
    with real.database.read() as connection:
        assert [one.serial for one in read_changed(connection, since=later)] == [serial]


def test_a_revoked_certificate_stays_revoked(real, serial: int, now: datetime) -> None:
    """RFC 5280 §5.3.1: only a certificate on hold comes back."""
    real.states.revoke(serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
    for change in (
        lambda: real.states.lift(serial, now=now),
        lambda: real.states.suspend(serial, now=now),
        lambda: real.states.revoke(serial, reason=RevocationReason.SUPERSEDED, now=now),
    ):
        with pytest.raises(CertificateStateRefused) as refused:
            change()
        assert refused.value.state == "revoked"


def test_a_good_certificate_is_not_lifted_and_a_suspended_one_not_suspended(
    real, serial: int, now: datetime
) -> None:
    with pytest.raises(CertificateStateRefused):
        real.states.lift(serial, now=now)
    real.states.suspend(serial, now=now)
    with pytest.raises(CertificateStateRefused):
        real.states.suspend(serial, now=now)


def test_an_expired_certificate_changes_no_more(real, serial: int, now: datetime) -> None:
    late = now + timedelta(days=4 * 365)
    with pytest.raises(CertificateStateRefused) as refused:
        real.states.revoke(serial, reason=RevocationReason.SUPERSEDED, now=late)
    assert refused.value.state == "expired"


@pytest.mark.parametrize(
    "reason", [RevocationReason.CERTIFICATE_HOLD, RevocationReason.CA_COMPROMISE]
)
def test_some_reasons_are_not_for_subjects(real, serial: int, now: datetime, reason) -> None:
    with pytest.raises(ValueError, match="reason"):
        real.states.revoke(serial, reason=reason, now=now)
    assert _status(real, serial).state is CertificateState.GOOD


def test_a_certificate_that_nobody_issued_has_no_states(real, now: datetime) -> None:
    with pytest.raises(CertificateUnknown):
        real.states.suspend(1, now=now)


def test_an_account_loses_or_holds_all_its_certificates_in_one_act(real, now: datetime) -> None:
    mine = real.certificates.issue_many([real.request(), real.request()], now=now)
    other = real.certificates.issue(real.request("acc_two"), now=now).record
    data_key = real.data_key("acc_one")
    with real.database.transaction() as tx:
        assert real.states.suspend_all(tx, "acc_one", now=now, data_key=data_key) == 2
    with real.database.transaction() as tx:
        ended = real.states.revoke_all(
            tx,
            "acc_one",
            reason=RevocationReason.CESSATION_OF_OPERATION,
            now=now,
            data_key=data_key,
        )
    assert ended == 2
    assert {_status(real, one.record.serial).state for one in mine} == {CertificateState.REVOKED}
    assert _status(real, other.serial).state is CertificateState.GOOD


def test_an_act_that_fails_leaves_the_certificate_as_it_was(real, serial, now: datetime) -> None:
    def fail() -> None:
        with real.database.transaction() as tx:
            real.states.suspend_all(tx, "acc_one", now=now, data_key=None)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert _status(real, serial).state is CertificateState.GOOD


def _rows(real, *, account_id: str | None) -> list:
    with real.database.read() as connection:
        rows = connection.execute(log_event.select().order_by(log_event.c.seq)).mappings().all()
    return [row for row in rows if row["account_id"] == account_id]


def test_every_change_is_in_the_log_of_its_account(real, serial: int, now: datetime) -> None:
    data_key = real.data_key("acc_one")
    real.states.suspend(serial, now=now, data_key=data_key)
    real.states.lift(serial, now=now, data_key=data_key)
    reason = RevocationReason.SUPERSEDED
    real.states.revoke(serial, reason=reason, now=now, data_key=data_key)
    found = [row["type"].rpartition(":")[2] for row in _rows(real, account_id="acc_one")]
    assert found == ["issued", "suspended", "lifted", "revoked"]


def test_what_stands_in_a_certificate_is_sealed_beside_an_account(real, now: datetime) -> None:
    """Documents carry the certificate with its number; rows of an erased account must not."""
    data_key = real.data_key("acc_one")
    request = real.request()
    first = real.certificates.issue(request, now=now).record
    real.certificates.issue(
        real.request(public_spki=request.public_spki, replaces=first.serial), now=now
    )
    reason = RevocationReason.SUPERSEDED
    real.states.revoke(first.serial, reason=reason, now=now, data_key=data_key)
    rows = _rows(real, account_id="acc_one")
    assert len(rows) == 3
    for row in rows:
        assert f"{first.serial:x}" not in row["facts"]
        assert first.spki_sha256.hex() not in row["facts"]
        context = seal_context(row["writer"], row["seq"])
        opened = real.sealer.unseal_personal(data_key, row["sealed"], context=context)
        assert f"{first.serial:x}".encode() in opened or b"replaces" in opened


def test_without_a_data_key_a_row_is_about_the_certificate_and_names_no_account(
    real, serial: int, now: datetime
) -> None:
    real.states.suspend(serial, now=now)
    (row,) = [one for one in _rows(real, account_id=None) if one["type"].endswith(":suspended")]
    assert f"{serial:x}" in row["facts"]
    assert "acc_one" not in row["facts"]


def _by_holder(real, serial: int, to: CertificateState, *, now: datetime, **more) -> None:
    with real.database.transaction() as tx:
        found = find_by_serial(tx.connection, serial, is_locked=True)
        real.states.change_by_holder(tx, found, to=to, by={}, data_key=None, now=now, **more)


def test_a_holder_lifts_her_own_hold(real, serial: int, now: datetime) -> None:
    _by_holder(real, serial, CertificateState.SUSPENDED, now=now)
    assert real.certificates.get(serial).held_by == HOLDER
    with pytest.raises(CertificateStateRefused):
        _by_holder(real, serial, CertificateState.SUSPENDED, now=now)
    _by_holder(real, serial, CertificateState.GOOD, now=now)
    assert real.certificates.get(serial).held_by is None
    assert _status(real, serial).state is CertificateState.GOOD


@pytest.mark.parametrize("is_hers_first", [False, True])
def test_a_holder_lifts_nobody_elses_hold(
    real, serial: int, now: datetime, *, is_hers_first: bool
) -> None:
    """Architecture, decision 10; what she had put on hold is taken over."""
    if is_hers_first:
        _by_holder(real, serial, CertificateState.SUSPENDED, now=now)
    real.states.suspend(serial, now=now + timedelta(hours=1))
    with pytest.raises(CertificateStateRefused):
        _by_holder(real, serial, CertificateState.GOOD, now=now)
    if is_hers_first:
        assert _status(real, serial).changed_at == now.replace(microsecond=0)


def test_a_hold_on_an_account_takes_over_those_of_its_holder(real, now: datetime) -> None:
    record = real.certificates.issue(real.request(), now=now).record
    _by_holder(real, record.serial, CertificateState.SUSPENDED, now=now)
    with real.database.transaction() as tx:
        assert real.states.suspend_all(tx, record.account_id, now=now, data_key=None) == 1
    with pytest.raises(CertificateStateRefused):
        _by_holder(real, record.serial, CertificateState.GOOD, now=now)


def test_a_holder_revokes_for_her_reason(real, serial: int, now: datetime) -> None:
    reason = RevocationReason.KEY_COMPROMISE
    _by_holder(real, serial, CertificateState.REVOKED, now=now, reason=reason)
    assert _status(real, serial).reason is reason
