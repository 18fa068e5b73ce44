"""Documents at B-LTA in files and folders: looked at, and renewed in place before it is too late.

What lives here: finding the files, what is said about each, and putting the renewed document in the
place of the old one.  What was there stays the untouched beginning of what comes after; whoever
opens the file finds the one or the other, whole.
Source: ETSI EN 319 142-1 §5.4.3; EN 319 102-1 §5.6.2.4.
Not here: when a timestamp ends and the next link itself (`signing/renew`), who runs this and how
often (`idp/cli/renew`, a timer).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from signing.errors import DocumentRefused, SigningError
from signing.formats.pades import PadesParties, join
from signing.isolation.blob import Blob
from signing.renew import MARGIN, Renewal, next_renewal, renew_pades

_CHUNK: Final = 1 << 20
_NO_ARCHIVE: Final = frozenset({"not_archived", "encrypted"})
"""Why a sound file is none that is renewed."""


class FileState(StrEnum):
    """What was made out about a file, or became of it."""

    CURRENT = "current"
    DUE = "due"
    """To be renewed now; said where nothing is changed."""
    RENEWED = "renewed"
    SKIPPED = "skipped"
    """No document at B-LTA."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file: its state, why, and when its newest timestamp has to be followed by another."""

    path: Path
    state: FileState
    reason: str = ""
    renewal: Renewal | None = None


class _Odd(Exception):
    """Something about the file, not the document."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a row of the log says of a renewal: hashes of the file before and after, and the end."""

    before_sha256: bytes
    after_sha256: bytes
    renewal: Renewal


def _nobody_records(_renewed: Renewed) -> None:
    """For whoever keeps records of another kind."""


def find_pdfs(paths: Iterable[Path]) -> Iterator[Path]:
    """The files that are named, and those that end in `.pdf` in folders that are, sorted.

    Links inside folders are not followed: they may lead anywhere.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                found = Path(folder, name)
                is_meant = name.lower().endswith(".pdf") and not name.startswith(".")
                if is_meant and not found.is_symlink():
                    yield found


def renew_file(
    path: Path,
    *,
    parties: PadesParties,
    now: datetime,
    margin: timedelta = MARGIN,
    is_dry_run: bool = False,
    record: Callable[[Renewed], object] = _nobody_records,
) -> FileReport:
    """Look at one file, and renew it when its time has come; nothing is raised for what it holds.

    1. Nobody else renews it at this moment.
    2. Its newest timestamp is sound, and when it ends is known.
    3. The renewal lasts longer than what it follows, read again from what is going to be written.
    4. It is recorded; and on disk before it takes the place of the file, which nobody has changed
       meanwhile.

    Takes   margin: how long before the end it is renewed; record: what it raises is raised, and
            the file is as it was.
    """
    try:
        with (
            _held(path) as (descriptor, before),  # 1
            Blob.of_chunks(_chunks(descriptor)) as document,
        ):
            return _renew(
                path,
                document,
                parties=parties,
                now=now,
                margin=margin,
                before=None if is_dry_run else before,
                record=record,
            )
    except DocumentRefused as refusal:
        is_none = refusal.reason in _NO_ARCHIVE
        return FileReport(path, FileState.SKIPPED if is_none else FileState.FAILED, refusal.reason)
    except SigningError as failure:
        return FileReport(path, FileState.FAILED, getattr(failure, "reason", "") or failure.code)
    except _Odd as odd:
        return FileReport(path, FileState.FAILED, odd.reason)
    except OSError as failure:
        return FileReport(path, FileState.FAILED, _said(failure))


def _renew(
    path: Path,
    document: Blob,
    *,
    parties: PadesParties,
    now: datetime,
    margin: timedelta,
    before: os.stat_result | None,
    record: Callable[[Renewed], object],
) -> FileReport:
    # 2
    renewal = next_renewal(document, parties=parties, margin=margin)
    if now >= renewal.ends_at:
        return FileReport(path, FileState.FAILED, "timestamp_ended", renewal)
    if now < renewal.due_at:
        return FileReport(path, FileState.CURRENT, renewal=renewal)
    if before is None:
        return FileReport(path, FileState.DUE, renewal=renewal)
    # 3
    increments = renew_pades(document, parties=parties, now=now)
    with join(document, increments) as renewed:
        following = next_renewal(renewed, parties=parties, margin=margin)
        if following.ends_at <= renewal.ends_at:
            # or it grows at each run, and lasts no longer
            return FileReport(path, FileState.FAILED, "lasts_no_longer", renewal)
        # 4
        record(Renewed(document.digest("sha256"), renewed.digest("sha256"), following))
        _replace(path, renewed, before=before)
    return FileReport(path, FileState.RENEWED, renewal=following)


@contextmanager
def _held(path: Path) -> Iterator[tuple[int, os.stat_result]]:
    """The file, open and held against other runs of this.

    Raises  _Odd: no_file, busy; OSError.
    """
    # a pipe must not make everybody wait
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise _Odd("no_file")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise _Odd("busy") from held
        if not _is_same(path.stat(), before):
            raise _Odd("busy")  # whoever held it has just renewed it
        yield descriptor, before
    finally:
        os.close(descriptor)


def _replace(path: Path, content: Blob, *, before: os.stat_result) -> None:
    """Put `content` in the place of the file.  Raises  _Odd: changed_meanwhile; OSError."""
    path = path.resolve(strict=True)  # a link stays one, and what it leads to is renewed
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:24]
    beside = path.with_name(f".{name}.renewing")
    # left by somebody who was killed: only who holds the file comes here
    beside.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in content.chunks():
                file.write(chunk)
            file.flush()
            made = os.fstat(descriptor)
            if (made.st_uid, made.st_gid) != (before.st_uid, before.st_gid):
                os.fchown(descriptor, before.st_uid, before.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
            os.fsync(descriptor)
        if not _is_same(path.stat(), before):
            raise _Odd("changed_meanwhile")
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_same(found: os.stat_result, before: os.stat_result) -> bool:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) == (
        before.st_dev,
        before.st_ino,
        before.st_size,
        before.st_mtime_ns,
    )


def _chunks(descriptor: int) -> Iterator[bytes]:
    position = 0
    while chunk := os.pread(descriptor, _CHUNK, position):
        position += len(chunk)
        yield chunk


def _said(failure: OSError) -> str:
    """A code for what the file system says, without the path."""
    known = {
        FileNotFoundError: "no_file",
        PermissionError: "not_permitted",
    }
    return known.get(type(failure), "disk")
