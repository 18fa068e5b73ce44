"""A backup is whole or refused, and whoever was erased stays erased after it is restored."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update

from idp.accounts.model import Account
from idp.storage.accounts import account
from keystore.errors import SealBroken
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter, log_event, seal_context
from keystore.log.verify_standing import read_interruption
from keystore.pki.model import CertificateRecord, CertificateState
from keystore.pki.storage.certificates import certificate as certificate_table
from keystore.pki.storage.enrolments import enrolment
from keystore.pki.storage.subjects import certified_subject
from keystore.signer.log_sealing import RecipientSealer
from keystore.signer.storage import (
    personal_key,
)
from tests.support.backup_office import ADDRESS, HERS, HIS, NAME, Office, refusal


def test_a_restored_backup_is_the_database_of_then(office: Office) -> None:
    hers = office.add(HERS)
    made = office.run("backup", str(office.folder / "b"), "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["log_rows"] > 0
    his = office.add(HIS)
    done = office.run("restore", str(office.folder / "b"), given="y\n")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "2 accounts" in done.output
    assert "will be lost" in done.output
    assert office.names() == {hers.account_id: HERS}
    assert his.account_id not in office.names()
    assert "the database before is kept" in done.output


def test_a_restore_is_on_record_with_what_a_verification_reads_of_it(office: Office) -> None:
    office.add(HERS)
    office.run("backup", str(office.folder / "b"))
    sheet = json.loads((office.folder / "b" / "manifest.json").read_text())
    made_ms = int(datetime.fromisoformat(sheet["backup"]["made_at"]).timestamp() * 1000)
    office.run("restore", str(office.folder / "b"), "--yes")
    services = office.services()
    with services.database.read() as connection:
        (row,) = connection.execute(
            select(log_event).where(log_event.c.type == "operation:backup:restored")
        ).mappings()
    services.close()
    found = read_interruption(event_type=row["type"], at_ms=row["at_ms"], facts=row["facts"])
    assert found is not None
    assert 300_000 <= made_ms - found.since_ms < 360_000


def test_a_row_that_somebody_put_into_a_backed_up_database_is_found_by_a_restore(
    office: Office,
) -> None:
    """It fits its chain; only its mark, which needs a key, shows that nobody of ours wrote it."""
    office.add(HERS)
    services = office.services()
    with services.database.transaction() as tx:
        forger = LogWriter(RecipientSealer(Ed25519PrivateKey.generate()), writer_id="forger")
        event = Event(EventType.LOG_ROW_ACCEPTED, facts={"writer": "x", "seq": 1})
        forger.record(tx, event, data_key=None, now=services.time())
    services.close()
    office.run("backup", str(office.folder / "b"))
    done = office.run("restore", str(office.folder / "b"), "--yes")
    assert done.exit_code == 1
    assert "the log has 1 faults" in done.stderr


def test_nothing_happens_when_the_operator_says_no(office: Office) -> None:
    hers = office.add(HERS)
    office.run("backup", str(office.folder / "b"))
    his = office.add(HIS)
    done = office.run("restore", str(office.folder / "b"), given="n\n")
    assert isinstance(done.exception, SystemExit | click.Abort)
    assert set(office.names()) == {hers.account_id, his.account_id}


def test_whoever_was_erased_stays_erased_and_nothing_tells_who_it_was(office: Office) -> None:
    """Shown are the log, which verifies, the list, and a backup made after it."""
    hers, his = office.add(HERS), office.add(HIS, name="Lê Văn Khác")
    assert office.run("backup", str(office.folder / "before")).exit_code == 0
    office.erase(hers.account_id)
    assert office.run("backup", str(office.folder / "after")).exit_code == 0
    office.check_log()
    _check_nothing_tells(office, hers)
    restored = office.run("restore", str(office.folder / "before"), "--yes")
    assert restored.exit_code == 0, (restored.output, restored.exception)
    assert "1 people who had been erased were erased again" in restored.output
    assert office.names() == {hers.account_id: None, his.account_id: HIS}
    office.check_log()
    _check_nothing_tells(office, hers)


def test_a_certificate_of_whoever_was_erased_stays_revoked_and_is_nobodys(office: Office) -> None:
    """Somebody with a certificate and a personal key; the backup is from before the erasure."""
    hers, his = office.add(HERS), office.add(HIS, name="Lê Văn Khác")
    certificate, other = office.certify(hers, his)
    assert office.run("backup", str(office.folder / "before")).exit_code == 0
    office.erase(hers.account_id)
    revoked = office.certificate(certificate)
    assert office.run("backup", str(office.folder / "after")).exit_code == 0
    for folder in ("before", "after"):
        restored = office.run("restore", str(office.folder / folder), "--yes")
        assert restored.exit_code == 0, (restored.output, restored.exception)
        kept = office.certificate(certificate)
        assert kept.state is CertificateState.REVOKED
        assert kept.changed_at == revoked.changed_at
        assert kept.account_id is None
        assert office.certificate(other).account_id == his.account_id
        assert office.names() == {hers.account_id: None, his.account_id: HIS}
        office.check_log()
        _check_nothing_tells(office, hers)
        _check_nothing_leads_to(office, hers, certificate)


def test_the_list_alone_is_enough_where_the_database_is_lost(office: Office) -> None:
    hers = office.add(HERS)
    office.run("backup", str(office.folder / "before"))
    office.erase(hers.account_id)
    _bring_back_row(office, hers)
    assert office.run("restore", str(office.folder / "before"), "--yes").exit_code == 0
    assert office.names() == {hers.account_id: None}


def test_a_lost_database_comes_back_in_an_empty_place(
    office: Office, request: pytest.FixtureRequest
) -> None:
    hers, his = office.add(HERS), office.add(HIS)
    office.run("backup", str(office.folder / "b"))
    office.erase(hers.account_id)
    office.lose_database(request)
    done = office.run("restore", str(office.folder / "b"), given="y\n")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "will be lost" not in done.output
    assert "is kept" not in done.output
    assert office.names() == {hers.account_id: None, his.account_id: HIS}


def test_a_changed_list_is_refused_and_followed_when_forced(office: Office) -> None:
    hers, his = office.add(HERS), office.add(HIS)
    office.run("backup", str(office.folder / "before"))
    office.erase(hers.account_id)
    office.erase(his.account_id)
    for one in (hers, his):
        _bring_back_row(office, one)
    listed = office.folder / "destroyed"
    listed.write_bytes(listed.read_bytes().split(b"\n", 1)[1])
    refused = office.run("restore", str(office.folder / "before"), "--yes")
    assert "destroyed was changed at line 1" in refusal(refused)
    done = office.run("restore", str(office.folder / "before"), "--yes", "--force")
    assert done.exit_code == 0, done.output
    assert office.names()[his.account_id] is None


def _flip(file: Path, *, at: int) -> None:
    raw = bytearray(file.read_bytes())
    raw[at] ^= 1
    file.write_bytes(raw)


def _damage(folder: Path) -> None:
    _flip(folder / "database", at=(folder / "database").stat().st_size // 2)


def _forge(folder: Path) -> None:
    sheet = json.loads((folder / "manifest.json").read_text())
    sheet["backup"]["log_rows"] -= 1
    (folder / "manifest.json").write_text(json.dumps(sheet))


def _other_kind(folder: Path) -> None:
    sheet = json.loads((folder / "manifest.json").read_text())
    kind = sheet["backup"]["kind"]
    sheet["backup"]["kind"] = "postgresql" if kind == "sqlite" else "sqlite"
    (folder / "manifest.json").write_text(json.dumps(sheet))


def _newer(folder: Path) -> None:
    sheet = json.loads((folder / "manifest.json").read_text())
    sheet["backup"]["revision"] = "9999"
    (folder / "manifest.json").write_text(json.dumps(sheet))


_REFUSED: Final[Mapping[str, Callable[[Path], Any]]] = {
    "is damaged": _damage,
    "sheet of the backup was changed": _forge,
    "cannot become a database of": _other_kind,
    "newer version": _newer,
    "is no backup: FileNotFoundError": lambda folder: (folder / "database").unlink(),
    "is no backup: ValidationError": lambda folder: (folder / "manifest.json").write_text("{}"),
}


def test_a_backup_that_is_not_what_was_made_is_refused_and_nothing_is_changed(
    office: Office,
) -> None:
    hers = office.add(HERS)
    office.run("backup", str(office.folder / "b"))
    his = office.add(HIS)
    for number, (said, change) in enumerate(_REFUSED.items()):
        changed = shutil.copytree(office.folder / "b", office.folder / f"changed-{number}")
        change(changed)
        assert said in refusal(office.run("restore", str(changed), "--yes"))
    assert set(office.names()) == {hers.account_id, his.account_id}
    assert not list(office.folder.glob("*restoring*"))


def test_a_backup_under_a_root_key_that_was_not_given_changes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.add(HERS)
    office.run("backup", str(office.folder / "b"))
    before = office.names()
    with monkeypatch.context() as patched:
        patched.setenv("ANTIN_KEK", "B" * 43)
        done = office.run("restore", str(office.folder / "b"), "--yes")
    assert "does_not_open" in str(done.exception)
    assert office.names() == before


def test_a_database_in_use_is_not_replaced(office: Office) -> None:
    hers = office.add(HERS)
    office.run("backup", str(office.folder / "b"))
    running = office.services()
    with running.database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
        refused = office.run("restore", str(office.folder / "b"), "--yes", "--wait", "0.2")
    running.close()
    assert "in use" in refusal(refused)
    assert set(office.names()) == {hers.account_id}


def test_a_backup_does_not_overwrite_another(office: Office) -> None:
    office.add(HERS)
    assert office.run("backup", str(office.folder / "b")).exit_code == 0
    before = (office.folder / "b" / "manifest.json").read_bytes()
    assert "give a new name" in refusal(office.run("backup", str(office.folder / "b")))
    assert (office.folder / "b" / "manifest.json").read_bytes() == before
    modes = [(office.folder / "b").stat(), *(one.stat() for one in (office.folder / "b").iterdir())]
    assert not any(mode.st_mode & 0o077 for mode in modes)


def _check_nothing_tells(office: Office, erased: Account) -> None:
    """Her rows open with no key that is left; neither number nor name is anywhere in the clear."""
    services = office.services()
    with services.database.read() as connection:
        rows = connection.execute(
            select(log_event).where(log_event.c.account_id == erased.account_id)
        ).all()
        data_keys = connection.execute(select(account.c.data_key)).scalars().all()
    assert rows
    for row in rows:
        for data_key in filter(None, data_keys):
            with pytest.raises(SealBroken):
                services.sealer.unseal_personal(
                    data_key, row.sealed, context=seal_context(row.writer, row.seq)
                )
    services.close()
    for file in filter(Path.is_file, office.folder.rglob("*")):
        raw = file.read_bytes() + _unpacked(file)
        for word in (HERS, NAME, ADDRESS, NAME.rsplit(maxsplit=1)[-1]):
            assert word.encode() not in raw, file.name
    assert erased.account_id.encode() not in (office.folder / "destroyed").read_bytes()


def _check_nothing_leads_to(
    office: Office, erased: Account, certificate: CertificateRecord
) -> None:
    """Documents carry the certificate: neither its number nor its key stands beside the account."""
    words = (f"{certificate.serial:x}", certificate.spki_sha256.hex())
    services = office.services()
    with services.database.read() as connection:
        for table in (log_event, certified_subject, certificate_table, enrolment):
            rows = connection.execute(
                select(table).where(table.c.account_id == erased.account_id)
            ).all()
            assert rows or table is not log_event
            assert not rows or table is log_event
            assert not [row for row in rows for word in words if word in repr(row)]
        keys = select(personal_key).where(personal_key.c.account_id == erased.account_id)
        key_ids = []
        for key in connection.execute(keys).mappings():
            key_ids.append(key["key_id"])
            assert hashlib.sha256(key["public_spki"]).digest() != certificate.spki_sha256
        numbered = connection.execute(
            select(certificate_table).where(certificate_table.c.serial.like(f"%{words[0]}"))
        ).mappings()
        for row in numbered:
            assert row["kid"] not in key_ids
            assert row["spki_sha256"] != certificate.spki_sha256
            assert row["der_sealed"] is None
    services.close()


def _unpacked(file: Path) -> bytes:
    """What a compressed dump of PostgreSQL holds."""
    if file.read_bytes()[:5] != b"PGDMP":
        return b""
    command = [shutil.which("pg_restore") or "pg_restore", "--file=-", str(file)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def _bring_back_row(office: Office, one: Account) -> None:
    """A database that does not know any more whom it erased."""
    services = office.services()
    with services.database.transaction() as tx:
        tx.connection.execute(
            update(account).where(account.c.account_id == one.account_id).values(erased_ms=None)
        )
    services.close()
