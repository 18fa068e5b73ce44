"""Data keys that were destroyed stay destroyed: the list that no backup of the database holds.

What lives here: destroying a person's data key, and the list of destructions.  A backup from before
still has the key; whoever restores it goes through the list and destroys the key again.  The list
is a file of its own, apart from the database and its backups (on another disk, or shared by all
hosts that erase), one line for each key: number, time, digest, HMAC.

* The digest is SHA-256 of the random key itself: it fits no other key however that was wrapped
  since, and says nothing about whose it is to anybody who cannot open the key.
* A line that was changed, added or taken out of the middle is found (`keystore/listed_lines.py`).
  A cut at the end is not; the log has a row for each line.

**Order.** The line is on the disk before the transaction of the act commits.  Killed in between,
the list names a key that still exists: the person asked for its end, and the act is done again.
Source: architecture, "State" (key hierarchy); Law 91/2025/QH15 (erasure of personal data).
Not here: SQL of whoever stores the data key, restoring (`idp/cli/restore.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from keystore.errors import SealBroken
from keystore.listed_lines import Listed, ListedLines
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer
from keystore.storage import Transaction

_DIGEST: Final = rb"[0-9a-f]{64}"


@dataclass(frozen=True, slots=True)
class Destroyed:
    """One line: the digest of a data key (`Sealer.data_key_digest`, 32 bytes), and when."""

    number: int
    at: datetime
    digest: bytes


class DestructionList:
    """The list in one file; safe for any number of threads and processes of one host.

    Takes   file: is made with its first line; its folder exists.
    """

    def __init__(self, file: Path, *, sealer: Sealer) -> None:
        self._lines = ListedLines(file, sealer=sealer, said=_DIGEST)

    def add(self, digest: bytes, *, now: datetime) -> None:
        """Write a line; it is on the disk when this returns.

        Raises  DestructionListBroken: the end was changed, nothing is added to it;
                OSError when it cannot be written: then the key must not be destroyed.
        """
        self._lines.add(digest.hex().encode(), now=now)

    def read(self) -> tuple[Destroyed, ...]:
        """Every line, verified; nothing when there is no file.

        Raises  DestructionListBroken (carries the number of the line).
        """
        return tuple(map(_destroyed, self._lines.read()))

    def begin_anew(self, destroyed: Iterable[Destroyed], *, now: datetime) -> Path | None:
        """Keep a list that was changed under another name, and write these lines into a new one.

        Returns where the list before is kept; None when there was none.
        """
        lines = (Listed(one.number, one.at, one.digest.hex().encode()) for one in destroyed)
        return self._lines.begin_anew(lines, now=now)

    def read_unverified(self) -> tuple[Destroyed, ...]:
        """Every line as it stands, **not** verified: of another database, or changed."""
        return tuple(map(_destroyed, self._lines.read_unverified()))


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


def _destroyed(line: Listed) -> Destroyed:
    return Destroyed(line.number, line.at, bytes.fromhex(line.said.decode()))
