"""What had ended before a backup was restored is ended after it: certificates, keys, lists."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from keystore.pki.model import CertificateState, RevocationReason
from keystore.signer.model import KeyPolicy
from keystore.signer.resting import suspend_row
from keystore.signer.storage import (
    erase_personal_key,
    insert_personal_key,
    read_personal_keys,
)
from keystore.signing_keys import signing_key
from tests.support.backup_office import HERS, HIS, Office, refusal


def test_what_was_revoked_or_destroyed_since_a_backup_stays_so(office: Office) -> None:
    hers, his = office.add(HERS), office.add(HIS)
    lost, held = office.certify(hers, his)
    assert office.run("backup", str(office.folder / "b")).exit_code == 0
    (late,) = office.certify(hers)
    services = office.services()
    assert services.trust.pki is not None
    states, now = services.trust.pki.states, services.time()
    states.revoke(lost.serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
    states.suspend(held.serial, now=now)
    states.revoke(late.serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
    kid = services.keyring.signing_key("ES256", now=now).kid
    services.keyring.destroy(kid, now=now)
    services.close()
    before = [office.certificate(one) for one in (lost, held, late)]
    done = office.run("restore", str(office.folder / "b"), "--yes")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "3 certificates that had ended were ended again" in done.output
    assert "1 signing keys that had been destroyed were destroyed again" in done.output
    after = [office.certificate(one) for one in (lost, held, late)]
    for one, two in zip(before, after, strict=True):
        assert (one.state, one.reason, one.changed_at) == (two.state, two.reason, two.changed_at)
    assert [one.account_id for one in after] == [hers.account_id, his.account_id, None]
    services = office.services()
    (record,) = [one for one in services.keyring.records(services.time()) if one.kid == kid]
    assert record.destroyed_at is not None
    assert record.private_sealed is None
    assert services.keyring.signing_key("ES256", now=services.time()).kid != kid
    services.close()
    office.check_log()


def test_personal_keys_that_ended_since_a_backup_stay_ended(office: Office) -> None:
    hers = office.add(HERS)
    services = office.services()
    with services.database.transaction() as tx:
        for name in ("key_held", "key_gone", "key_left"):
            policy = KeyPolicy(
                key_id=name, account_id=hers.account_id, subject_kind="person", algorithm="ES256",
                scal=1, rp_id="", credentials=(), recipient=b"", created_ms=0,
            )  # fmt: skip
            insert_personal_key(tx, policy, public_spki=b"spki", wrapped=b"w", kek_id="kek")
    office.run("backup", str(office.folder / "b"))
    now = services.time()
    with services.database.transaction() as tx:
        assert suspend_row(tx, "key_held", reason="lost", at=now)
        assert erase_personal_key(tx, "key_gone", now=now)
    services.close()
    done = office.run("restore", str(office.folder / "b"), "--yes")
    assert "2 personal keys that had ended were ended again" in done.output
    services = office.services()
    with services.database.read() as connection:
        keys = {
            one.key_id: one for one in read_personal_keys(connection, account_id=hers.account_id)
        }
    services.close()
    assert keys["key_held"].suspended_at is not None
    assert keys["key_gone"].destroyed_at is not None
    assert keys["key_gone"].wrapped is None
    assert keys["key_left"].suspended_at is keys["key_left"].destroyed_at is None


def test_a_destroyed_signing_key_stays_destroyed_where_the_database_is_lost(office: Office) -> None:
    office.add(HERS)
    office.run("backup", str(office.folder / "b"))
    services = office.services()
    now = services.time()
    kid = services.keyring.signing_key("ES256", now=now).kid
    services.keyring.destroy(kid, now=now)
    with services.database.transaction() as tx:
        tx.connection.execute(
            update(signing_key).where(signing_key.c.kid == kid).values(destroyed_ms=None)
        )
    services.close()
    done = office.run("restore", str(office.folder / "b"), "--yes")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "1 signing keys that had been destroyed were destroyed again" in done.output
    services = office.services()
    (record,) = [one for one in services.keyring.records(services.time()) if one.kid == kid]
    assert record.private_sealed is None
    services.close()


def test_what_was_revoked_stays_so_where_the_database_is_lost(
    office: Office, request: pytest.FixtureRequest
) -> None:
    """By the list that is kept beside that of destroyed keys."""
    hers, his = office.add(HERS), office.add(HIS)
    lost, held = office.certify(hers, his)
    (lifted,) = office.certify(his)
    assert office.run("backup", str(office.folder / "b")).exit_code == 0
    (late,) = office.certify(hers)
    services = office.services()
    assert services.trust.pki is not None
    states, now = services.trust.pki.states, services.time()
    for one in (lost, late):
        states.revoke(one.serial, reason=RevocationReason.KEY_COMPROMISE, now=now)
    for one in (held, lifted):
        states.suspend(one.serial, now=now)
    states.lift(lifted.serial, now=now)
    services.close()
    assert (office.folder / "revoked").stat().st_mode & 0o077 == 0
    before = [office.certificate(one) for one in (lost, held, late, lifted)]
    office.lose_database(request)
    done = office.run("restore", str(office.folder / "b"), "--yes")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "3 certificates that had ended were ended again" in done.output
    assert "what its list of ended certificates names was ended again" in done.output
    after = [office.certificate(one) for one in (lost, held, late, lifted)]
    for one, two in zip(before[:3], after[:3], strict=True):
        assert (one.state, one.reason, one.changed_at) == (two.state, two.reason, two.changed_at)
    assert [one.account_id for one in after[:3]] == [hers.account_id, his.account_id, None]
    assert after[3].state is CertificateState.GOOD
    office.check_log()


def test_a_changed_list_of_revocations_is_refused_and_followed_when_forced(office: Office) -> None:
    (certificate, other) = office.certify(office.add(HERS), office.add(HIS))
    office.run("backup", str(office.folder / "b"))
    services = office.services()
    assert services.trust.pki is not None
    for one in (certificate, other):
        services.trust.pki.states.suspend(one.serial, now=services.time())
    services.close()
    listed = office.folder / "revoked"
    listed.write_bytes(listed.read_bytes().replace(b"suspended:", b"good:", 1))
    refused = office.run("restore", str(office.folder / "b"), "--yes")
    assert "revoked was changed at line 1" in refusal(refused)
    elsewhere = office.folder / "of-another-host"
    listed.rename(elsewhere)
    refused = office.run("restore", str(office.folder / "b"), "--yes", "--revoked", str(elsewhere))
    assert "of-another-host was changed" in refusal(refused)
    elsewhere.rename(listed)
    done = office.run("restore", str(office.folder / "b"), "--yes", "--force")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "revoked begins anew" in done.output
    assert office.certificate(other).state is CertificateState.SUSPENDED
