"""A backup: a folder with a copy of the database and a sheet that says what it is.

What lives here: making the folder, and reading and checking it.  The sheet (`manifest.json`) has
the digest of the copy and the state of the log in it, under an HMAC of ours: who may write to the
place of the backups cannot give us another database.  The root key and the list of destroyed data
keys are not in it, on purpose: they are kept apart.
Not here: bringing a backup in (`idp/cli/restore.py`).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from idp.storage.copies import Copies, CopyFailed, LogState
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

_MANIFEST: Final = "manifest.json"
_DATA: Final = "database"
_FORMAT: Final = 1
_MAX_MANIFEST_BYTES: Final = 4096


class BackupInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the sheet says of a backup; `made_at` is aware UTC, digests are hexadecimal."""

    format: int
    kind: str
    made_at: datetime
    revision: str
    kek_id: str
    data_sha256: str
    size_bytes: int
    log_rows: int
    log_heads_sha256: str


class _Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    backup: BackupInfo
    mac: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup whose copy is the one that the sheet speaks of; **not** yet known to be ours."""

    folder: Path
    unverified_info: BackupInfo
    raw_mac: bytes

    @property
    def data(self) -> Path:
        """The copy."""
        return self.folder / _DATA

    def verify(self, *, sealer: Sealer) -> BackupInfo:
        """What the sheet says, once it is known that we wrote it.

        Takes   sealer: of the restored database itself; whoever has no root key of ours can write
                neither the database nor the sheet.
        Raises  CopyFailed.
        """
        message = _encode(self.unverified_info)
        if not sealer.is_mac(MacPurpose.BACKUP, message, raw_mac=self.raw_mac):
            raise CopyFailed("the sheet of the backup was changed, or is of another backup")
        return self.unverified_info


_encode: Final = msgspec.json.Encoder(order="sorted").encode


def make_backup(
    folder: Path, copies: Copies, *, sealer: Sealer, kek_id: str, revision: str, now: datetime
) -> BackupInfo:
    """Make a backup in a new folder, which appears when it is complete.

    Takes   kek_id: of the root key that wraps; revision: of the tables.
    Raises  CopyFailed, also when there is such a folder.
    """
    if folder.exists():
        raise CopyFailed(f"{folder} exists: give a new name")
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        draft.mkdir(mode=0o700)
        data = draft / _DATA
        state: LogState = copies.copy_out(data)
        info = BackupInfo(
            format=_FORMAT,
            kind=copies.kind,
            made_at=now,
            revision=revision,
            kek_id=kek_id,
            data_sha256=_digest(data),
            size_bytes=data.stat().st_size,
            log_rows=state.rows,
            log_heads_sha256=state.heads_sha256,
        )
        sheet = _Sheet(info, sealer.mac(MacPurpose.BACKUP, _encode(info)).hex())
        handle = os.open(draft / _MANIFEST, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as written:
            written.write(msgspec.json.format(_encode(sheet), indent=2) + b"\n")
            os.fsync(written.fileno())
        draft.rename(folder)
    except OSError as failure:
        raise CopyFailed(f"{type(failure).__name__}: {failure.strerror}") from failure
    finally:
        if draft.exists():
            shutil.rmtree(draft)
    return info


def read_backup(folder: Path) -> Backup:
    """A backup that is whole: the copy has the digest that the sheet names.

    Raises  CopyFailed.
    """
    try:
        raw = (folder / _MANIFEST).read_bytes()
        if len(raw) > _MAX_MANIFEST_BYTES:
            raise CopyFailed("the sheet of the backup cannot be read")
        sheet = msgspec.json.decode(raw, type=_Sheet)
        backup = Backup(folder, sheet.backup, bytes.fromhex(sheet.mac))
        digest = _digest(backup.data)
    except (ValueError, OSError) as problem:
        raise CopyFailed(f"{folder} is no backup: {type(problem).__name__}") from problem
    if sheet.backup.format != _FORMAT:
        raise CopyFailed("the backup was made by another version")
    if not secrets.compare_digest(digest, sheet.backup.data_sha256):
        raise CopyFailed("the copy in the backup is damaged")
    return backup


def _digest(file: Path) -> str:
    with file.open("rb") as reading:
        return hashlib.file_digest(reading, "sha256").hexdigest()
