"""Files that a sandbox writes for others to read.

What lives here: writing one whole.  Not here: what stands in them (`facts.py`, `plan.py`).
"""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write `file`, readable by its owner alone; nobody ever reads half of it."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(text.encode())
    draft.replace(file)
