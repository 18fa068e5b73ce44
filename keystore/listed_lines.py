"""A list in a file apart from the database: what no backup that is restored may undo.

What lives here: lines that are only ever added, each with a number, a time, what it says, and an
HMAC over all of it and the HMAC of the line before: a line that was changed, added or taken out of
the middle is found.  A cut at the end is not.  The keys are in the database and in every backup of
it, so that a list is readable after any of them was restored.
Not here: what lines say (`keystore/destruction.py`, `keystore/pki/ended_certificates.py`).
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from keystore.clock import from_ms, to_ms
from keystore.errors import DestructionListBroken
from keystore.private_files import keep_names, put_in_place, write_draft
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

_FIRST: Final = bytes(32)
_END_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Listed:
    """One line and what it says: letters, digits and marks without a space."""

    number: int
    at: datetime
    said: bytes


@dataclass(frozen=True, slots=True)
class _Line:
    listed: Listed
    raw_mac: bytes


class ListedLines:
    """The lines of one file; safe for any number of threads and processes of one host.

    Takes   file: is made with its first line; its folder exists; said: pattern of what lines of
            this list say, so that no line of another list is one of this.
    """

    def __init__(self, file: Path, *, sealer: Sealer, said: bytes) -> None:
        self._file = file
        self._sealer = sealer
        self._line = re.compile(rb"([0-9]{1,15}) ([0-9]{1,14}) (%s) ([0-9a-f]{64})" % said)

    def add(self, said: bytes, *, now: datetime) -> None:
        """Write a line; it is on the disk when this returns.

        Only the end of the list is read and verified: it costs the same however long the list is.
        Raises  DestructionListBroken: the end was changed, nothing is added to it; OSError.
        """
        with self._locked() as handle:
            end = self._read_end(handle)
            number, last = 1, _FIRST
            if end:
                before = _FIRST if len(end) == 1 else end[-2].raw_mac
                self._verify(end[-1], last=before, number=end[-1].listed.number)
                number, last = end[-1].listed.number + 1, end[-1].raw_mac
            line, _ = self._make(Listed(number, now, said), last=last)
            # an end without a line feed is what a kill left of a line that nobody relies on
            torn = b"" if _ends_whole(handle) else b"\n"
            os.write(handle, torn + line)
            os.fsync(handle)

    def read(self) -> tuple[Listed, ...]:
        """Every line, verified; nothing when there is no file.

        Raises  DestructionListBroken (carries the number of the line).
        """
        last = _FIRST
        lines = self._lines()
        for number, line in enumerate(lines, start=1):
            self._verify(line, last=last, number=number)
            last = line.raw_mac
        return tuple(line.listed for line in lines)

    def begin_anew(self, listed: Iterable[Listed], *, now: datetime) -> Path | None:
        """Keep a list that was changed under another name, and write these lines into a new one.

        At every instant the list is what it was, or whole with all of these lines: one that began
        and was cut off would verify, and say less.
        Raises  OSError: the list is what it was.
        Returns where the list before is kept; None when there was none.
        """
        kept: Path | None = self._file.with_name(f"{self._file.name}.changed-{to_ms(now)}")
        with self._locked() if self._file.exists() else nullcontext():
            draft = write_draft(self._file, self._text_of(listed))
            try:
                os.link(self._file, str(kept))
            except FileNotFoundError:
                kept = None
            except BaseException:
                draft.unlink()
                raise
            put_in_place(draft, self._file)
        return kept

    def read_unverified(self) -> tuple[Listed, ...]:
        """Every line as it stands, **not** verified: of another database, or changed."""
        return tuple(line.listed for line in self._lines())

    def _lines(self) -> list[_Line]:
        try:
            return self._parse(self._file.read_bytes())
        except FileNotFoundError:
            return []

    def _verify(self, line: _Line, *, last: bytes, number: int) -> None:
        of = line.listed
        message = last + _text(of.number, to_ms(of.at), of.said)
        is_ours = self._sealer.is_mac(MacPurpose.DESTRUCTION, message, raw_mac=line.raw_mac)
        if not is_ours or of.number != number:
            raise DestructionListBroken(number)

    def _make(self, of: Listed, *, last: bytes) -> tuple[bytes, bytes]:
        """A line as it is written, and its MAC."""
        text = _text(of.number, to_ms(of.at), of.said)
        # one purpose for all lists: a key that is newer than a backup would verify nothing after
        # it was restored
        mac = self._sealer.mac(MacPurpose.DESTRUCTION, last + text)
        return text + b" " + mac.hex().encode() + b"\n", mac

    def _text_of(self, listed: Iterable[Listed]) -> bytes:
        lines, last = [], _FIRST
        for number, one in enumerate(listed, start=1):
            line, last = self._make(Listed(number, one.at, one.said), last=last)
            lines.append(line)
        return b"".join(lines)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        is_new = not self._file.exists()
        handle = self._open_locked()
        try:
            yield handle
        finally:
            os.close(handle)
        if is_new:
            keep_names(self._file.parent)

    def _open_locked(self) -> int:
        while True:
            handle = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                # whoever began the list anew meanwhile let go of a file that is the list no more
                if os.path.samestat(os.fstat(handle), self._file.stat()):
                    return handle
            os.close(handle)

    def _parse(self, raw: bytes) -> list[_Line]:
        """The lines that are lines; what a kill left of one is passed over.

        One that somebody spoiled is passed over too, and the line behind it does not verify.
        """
        found = []
        for raw_line in raw.split(b"\n"):
            matched = self._line.fullmatch(raw_line)
            if matched is not None:
                number, at_ms, said = matched[1], matched[2], matched[3]
                listed = Listed(int(number), from_ms(int(at_ms)), said)
                found.append(_Line(listed, bytes.fromhex(raw_line[-64:].decode())))
        return found

    def _read_end(self, handle: int) -> list[_Line]:
        """The last lines: two at least, unless there are fewer."""
        size = os.fstat(handle).st_size
        start = max(0, size - _END_BYTES)
        raw = os.pread(handle, size - start, start)
        if start:  # what is cut at its beginning could be taken for another line
            raw = raw.partition(b"\n")[2]
        found = self._parse(raw)
        return found if start == 0 or len(found) > 1 else self._parse(os.pread(handle, size, 0))


def _text(number: int, at_ms: int, said: bytes) -> bytes:
    return b"%d %d %s" % (number, at_ms, said)


def _ends_whole(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"
