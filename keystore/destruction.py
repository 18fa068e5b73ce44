"""Data keys that were destroyed stay destroyed: the list that no backup of the database holds.

What lives here: destroying a person's data key, and the list of destructions.  A backup from before
still has the key; whoever restores it goes through the list and destroys the key again.  The list
is a file of its own, apart from the database and its backups (on another disk, or shared by all
hosts that erase), one line for each key: number, time, digest, HMAC.

* The digest is SHA-256 of the random key itself: it fits no other key however that was wrapped
  since, and says nothing about whose it is to anybody who cannot open the key.
* The HMAC covers the line and the HMAC of the line before it: a line that was changed, added or
  taken out of the middle is found.  A cut at the end is not; the log has a row for each line.

**Order.** The line is on the disk before the transaction of the act commits.  Killed in between,
the list names a key that still exists: the person asked for its end, and the act is done again.
Source: architecture, "State" (key hierarchy); Law 91/2025/QH15 (erasure of personal data).
Not here: SQL of whoever stores the data key, restoring (`idp/cli/restore.py`).
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from keystore.clock import from_ms, to_ms
from keystore.errors import DestructionListBroken, SealBroken
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer
from keystore.storage import Transaction

_LINE: Final = re.compile(rb"([0-9]{1,15}) ([0-9]{1,14}) ([0-9a-f]{64}) ([0-9a-f]{64})", re.ASCII)
_FIRST: Final = bytes(32)
_END_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Destroyed:
    """One line: the digest of a data key (`Sealer.data_key_digest`, 32 bytes), and when."""

    number: int
    at: datetime
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Line:
    destroyed: Destroyed
    raw_mac: bytes


class DestructionList:
    """The list in one file; safe for any number of threads and processes of one host.

    Takes   file: is made with its first line; its folder exists.
    """

    def __init__(self, file: Path, *, sealer: Sealer) -> None:
        self._file = file
        self._sealer = sealer

    def add(self, digest: bytes, *, now: datetime) -> None:
        """Write a line; it is on the disk when this returns.

        Only the end of the list is read and verified: it costs the same however long the list is.
        Raises  DestructionListBroken: the end was changed, nothing is added to it;
                OSError when it cannot be written: then the key must not be destroyed.
        """
        with self._locked() as handle:
            end = _read_end(handle)
            number, last = 1, _FIRST
            if end:
                before = _FIRST if len(end) == 1 else end[-2].raw_mac
                self._verify(end[-1], last=before, number=end[-1].destroyed.number)
                number, last = end[-1].destroyed.number + 1, end[-1].raw_mac
            text = _text(number, to_ms(now), digest)
            mac = self._sealer.mac(MacPurpose.DESTRUCTION, last + text)
            # an end without a line feed is what a kill left of a line that nobody relies on
            torn = b"" if _ends_whole(handle) else b"\n"
            os.write(handle, torn + text + b" " + mac.hex().encode() + b"\n")
            os.fsync(handle)

    def read(self) -> tuple[Destroyed, ...]:
        """Every line, verified; nothing when there is no file.

        Raises  DestructionListBroken (carries the number of the line).
        """
        return tuple(line.destroyed for line in self._verified(self._lines()))

    def begin_anew(self, destroyed: Iterable[Destroyed], *, now: datetime) -> Path | None:
        """Keep a list that was changed under another name, and write these lines into a new one.

        Returns where the list before is kept; None when there was none.
        """
        kept: Path | None = self._file.with_name(f"{self._file.name}.changed-{to_ms(now)}")
        try:
            self._file.rename(str(kept))
        except FileNotFoundError:
            kept = None
        for one in destroyed:
            self.add(one.digest, now=one.at)
        return kept

    def read_unverified(self) -> tuple[Destroyed, ...]:
        """Every line as it stands, **not** verified: of another database, or changed."""
        return tuple(line.destroyed for line in self._lines())

    def _lines(self) -> list[_Line]:
        try:
            return _parse(self._file.read_bytes())
        except FileNotFoundError:
            return []

    def _verified(self, lines: list[_Line]) -> list[_Line]:
        last = _FIRST
        for number, line in enumerate(lines, start=1):
            self._verify(line, last=last, number=number)
            last = line.raw_mac
        return lines

    def _verify(self, line: _Line, *, last: bytes, number: int) -> None:
        of = line.destroyed
        message = last + _text(of.number, to_ms(of.at), of.digest)
        is_ours = self._sealer.is_mac(MacPurpose.DESTRUCTION, message, raw_mac=line.raw_mac)
        if not is_ours or of.number != number:
            raise DestructionListBroken(number)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        is_new = not self._file.exists()
        handle = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)
        if is_new:
            folder = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKeyDestruction:
    """How data keys end; safe for any number of threads."""

    sealer: Sealer
    log: LogWriter
    listed: DestructionList

    def destroy(
        self,
        tx: Transaction,
        *,
        account_id: str,
        data_key: bytes,
        erase: Callable[[], None],
        now: datetime,
    ) -> None:
        """Destroy the data key of an account: record it, erase it, list it.

        Takes   tx: the transaction of the act, to be committed at once; erase: takes the key out
                of wherever it is stored, in the same transaction.
        Raises  SealBroken when `data_key` is not one; what `DestructionList.add` raises.
        """
        digest = self.sealer.data_key_digest(data_key)
        event = Event(EventType.DATA_KEY_DESTROYED, account_id=account_id)
        self.log.record(tx, event, data_key=data_key, now=now)  # its nonce goes with the key
        erase()
        self.listed.add(digest, now=now)


def find_destroyed(
    data_keys: Iterable[tuple[str, bytes]],
    *,
    digests: Collection[bytes],
    sealer: Sealer,
    damaged: Callable[[str], None],
) -> Iterator[str]:
    """Whose data keys were destroyed once and are there again.

    Takes   data_keys: account id and wrapped data key of everybody; digests: of the list, a set;
            damaged: told the account whose data key does not open, and the rest goes on.
    """
    for account_id, data_key in data_keys:
        try:
            digest = sealer.data_key_digest(data_key)
        except SealBroken:
            damaged(account_id)
            continue
        if digest in digests:
            yield account_id


def _parse(raw: bytes) -> list[_Line]:
    """The lines that are lines; what a kill left of one is passed over.

    One that somebody spoiled is passed over too, and the line behind it does not verify.
    """
    found = []
    for raw_line in raw.split(b"\n"):
        matched = _LINE.fullmatch(raw_line)
        if matched is not None:
            number, at_ms, digest, mac = matched.groups()
            destroyed = Destroyed(int(number), from_ms(int(at_ms)), bytes.fromhex(digest.decode()))
            found.append(_Line(destroyed, bytes.fromhex(mac.decode())))
    return found


def _read_end(handle: int) -> list[_Line]:
    """The last lines: two at least, unless there are fewer."""
    size = os.fstat(handle).st_size
    start = max(0, size - _END_BYTES)
    raw = os.pread(handle, size - start, start)
    if start:  # what is cut at its beginning could be taken for another line
        raw = raw.partition(b"\n")[2]
    found = _parse(raw)
    return found if start == 0 or len(found) > 1 else _parse(os.pread(handle, size, 0))


def _text(number: int, at_ms: int, digest: bytes) -> bytes:
    return b"%d %d %s" % (number, at_ms, digest.hex().encode())


def _ends_whole(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"
