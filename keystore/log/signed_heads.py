"""What was signed last, remembered where whoever has the database cannot write.

What lives here: one small file per tree in a folder of the host.  The checkpoints in the database
say the same as long as nobody takes them away; with this a sequencer that is started again still
knows how far it, or another on its host, has gone.  A host that never ran one knows nothing: what
it cannot tell, the witnesses can.  Source: C2SP tlog-checkpoint (a log never signs two histories).
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Protocol

from keystore.errors import KekInvalid
from keystore.log.checkpoint import format_checkpoint, parse_head
from keystore.log.errors import HeadsUnusable, NoteMalformed, TreeDamaged
from keystore.log.note_keys import SignedHead
from keystore.private_files import add_private_file, read_private_file, replace_private_file

_log = logging.getLogger("antin.log")


class HeadMemory(Protocol):
    """What a sequencer must not forget."""

    def find(self, origin: str) -> SignedHead | None:
        """The largest tree of that name that was signed."""

    def save(self, head: SignedHead) -> None:
        """Remember this one instead, unless a larger one is remembered."""


class HeadFolder:
    """A `HeadMemory` of files.  Takes folder: made when there is something to remember."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, origin: str) -> SignedHead | None:
        """See `HeadMemory.find`.

        Nothing may be signed where this raises.
        Raises  TreeDamaged when what was remembered is no head; HeadsUnusable when the file is not
                for this user alone, or not to be read.
        """
        file = self._file_of(origin)
        try:
            if not file.exists():
                return None
            return parse_head(read_private_file(file).decode())
        except (NoteMalformed, UnicodeDecodeError) as problem:
            raise TreeDamaged(str(file)) from problem
        except (KekInvalid, OSError) as problem:
            raise _unusable(file, problem) from problem

    def save(self, head: SignedHead) -> None:
        """See `HeadMemory.save`.

        Raises  TreeDamaged, HeadsUnusable, as `find`.
        """
        file = self._file_of(head.origin)
        content = format_checkpoint(head).encode()

        def take_larger(raw_known: bytes) -> bytes:
            known = parse_head(raw_known.decode())
            return raw_known if known.size >= head.size else content

        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not add_private_file(file, content):
                replace_private_file(file, take_larger)
        except (NoteMalformed, UnicodeDecodeError) as problem:
            raise TreeDamaged(str(file)) from problem
        except (KekInvalid, OSError) as problem:
            raise _unusable(file, problem) from problem

    def _file_of(self, origin: str) -> Path:
        return self._folder / hashlib.sha256(origin.encode()).hexdigest()


def _unusable(file: Path, problem: KekInvalid | OSError) -> HeadsUnusable:
    """The error, said in one line too: duties tell no more of what failed than its code."""
    if isinstance(problem, KekInvalid):
        reason = problem.reason
    else:
        reason = problem.strerror or type(problem).__name__
    _log.error("log_heads_unusable file=%s reason=%s", file, reason)
    return HeadsUnusable(str(file), reason=reason)
