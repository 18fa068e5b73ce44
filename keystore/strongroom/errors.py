"""Why whoever keeps a secret says no, and why nobody could ask.

What lives here: the root of what crosses the window, with a stable `code` and a `reason` word, and
the refusals that every such process has.  Neither ever carries a key or a person's data.
Not here: what one of them refuses beside that (`keystore/signer/errors.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from keystore.errors import KeystoreError


class MemoryUnusable(KeystoreError):
    """The file of what such a process remembers; `reason` is one of the words below.

    unreadable; readable_by_others: it must be of mode 0600; not_writable; damaged: put the folder
    back from its backup.
    """

    code: ClassVar[str] = "memory_unusable"

    def __init__(self, file: Path, *, reason: str) -> None:
        super().__init__(f"memory_unusable: {file}: {reason}")
        self.file = file
        self.reason = reason


class RoomError(KeystoreError):
    """Root of what is answered instead of what was asked for; `reason` is a lower_snake word."""

    code: ClassVar[str] = "room_error"

    def __init__(self, reason: str = "") -> None:
        super().__init__(f"{self.code}: {reason}" if reason else self.code)
        self.reason = reason


class CallerRefused(RoomError):
    """Whoever is at the other end may not ask, or (`reason` not_a_keeper) not for this."""

    code: ClassVar[str] = "caller_refused"


class RequestMalformed(RoomError):
    """Not a message of the wire, or longer than one may be."""

    code: ClassVar[str] = "request_malformed"


class RoomUnavailable(RoomError):
    """Nobody answers at the address, or nobody can listen there."""

    code: ClassVar[str] = "unavailable"


class ClockSetBack(RoomError):
    """The clock shows an earlier time than it did: what expired could come alive again."""

    code: ClassVar[str] = "clock_set_back"
