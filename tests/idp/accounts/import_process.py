"""An import in a process of its own, to be killed: DATABASE FILE LINES.

Prints a line once it has dealt with LINES lines, and goes on.
"""

from __future__ import annotations

import base64
import sys
from datetime import UTC, datetime
from pathlib import Path

from idp.accounts import imports
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords
from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.sealing import Sealer, load_kek


def main(url: str, file: str, lines: str) -> None:
    """Import `file`, from where it was left."""
    now = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
    imports.BATCH_ROWS = 100  # type: ignore[misc]  # small batches: more instants to be killed in
    database = Database(url)
    value = base64.urlsafe_b64encode(bytes(range(32))).decode()
    sealer = Sealer.open(database, kek=load_kek(file=None, value=value), now=now)
    run = imports.AccountImport(
        database,
        sealer=sealer,
        log=LogWriter(sealer, writer_id="killed"),
        passwords=Passwords(Hashing(Argon2Costs(memory_kib=64, passes=1))),
        clock=lambda: now,
    )
    for progress in run.run(Path(file), errors_path=Path(f"{file}.errors")):
        if progress.job.lines >= int(lines):
            sys.stdout.write("far enough\n")
            sys.stdout.flush()


main(*sys.argv[1:])
