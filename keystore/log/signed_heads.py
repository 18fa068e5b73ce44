"""What was signed last, remembered where whoever has the database cannot write.

What lives here: one small file per tree in a folder of the host.  The checkpoints in the database
say the same as long as nobody takes them away; with this a sequencer that is started again still
knows how far it, or another on its host, has gone.  A host that never ran one knows nothing: what
it cannot tell, the witnesses can.  Source: C2SP tlog-checkpoint (a log never signs two histories).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from keystore.log.checkpoint import format_checkpoint, parse_head
from keystore.log.errors import NoteMalformed, TreeDamaged
from keystore.log.note_keys import SignedHead
from keystore.private_files import add_private_file, read_private_file, replace_private_file


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

        Raises  TreeDamaged when what was remembered cannot be read: nothing may be signed then.
        """
        file = self._file_of(origin)
        if not file.exists():
            return None
        try:
            return parse_head(read_private_file(file).decode())
        except (NoteMalformed, UnicodeDecodeError) as problem:
            raise TreeDamaged(str(file)) from problem

    def save(self, head: SignedHead) -> None:
        """See `HeadMemory.save`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._file_of(head.origin)
        content = format_checkpoint(head).encode()
        if add_private_file(file, content):
            return

        def take_larger(raw_known: bytes) -> bytes:
            known = parse_head(raw_known.decode())
            return raw_known if known.size >= head.size else content

        replace_private_file(file, take_larger)

    def _file_of(self, origin: str) -> Path:
        return self._folder / hashlib.sha256(origin.encode()).hexdigest()
