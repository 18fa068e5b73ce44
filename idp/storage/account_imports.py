"""How far an import of accounts has got, in SQL.

What lives here: one row per imported file.  It is written in the transaction of each batch, so that
after any interruption the next run begins exactly behind the last row that was kept.  A file is
known by its SHA-256: another file of the same name is another import.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from idp.storage.database import Transaction, metadata
from idp.storage.declared import NONE, holds
from idp.storage.purge import purged_by
from keystore.clock import to_ms

import_job = Table(
    "import_job",
    metadata,
    Column("file_sha256", String(64), primary_key=True, info=NONE),
    Column("job_id", String(40), nullable=False, unique=True, info=NONE),
    Column("offset_bytes", BigInteger, nullable=False, info=NONE),
    Column("lines", BigInteger, nullable=False, info=NONE),
    Column("added", BigInteger, nullable=False, info=NONE),
    Column("existing", BigInteger, nullable=False, info=NONE),
    Column("refused", BigInteger, nullable=False, info=NONE),
    Column("errors_bytes", BigInteger, nullable=False, info=NONE),
    Column("is_finished", Boolean, nullable=False, info=NONE),
    Column("updated_ms", BigInteger, nullable=False, info=NONE),
    info=holds(
        "operator",
        purpose="going on with an interrupted import where it stopped",
        retention="1y",
        legal="none",
        legal_from="2026-01-01",
    )
    | purged_by("updated_ms", keep=timedelta(days=365)),
)

_FIND = select(import_job).where(import_job.c.file_sha256 == bindparam("sha256"))
_INSERT = insert(import_job)
_ADVANCE = update(import_job).where(
    import_job.c.job_id == bindparam("job"), import_job.c.offset_bytes == bindparam("expected")
)


@dataclass(frozen=True, slots=True)
class ImportJob:
    """How far it has got.

    `offset_bytes` and `lines` end behind the last row that was dealt with; `errors_bytes` is the
    length of the list of refused rows up to there; `refused` counts rows in that list.
    """

    job_id: str
    offset_bytes: int = 0
    lines: int = 0
    added: int = 0
    existing: int = 0
    refused: int = 0
    errors_bytes: int = 0
    is_finished: bool = False


def find_job(connection: Connection, file_sha256: str) -> ImportJob | None:
    """The import of a file, if it was ever begun."""
    row = connection.execute(_FIND, {"sha256": file_sha256}).one_or_none()
    if row is None:
        return None
    return ImportJob(
        row.job_id,
        row.offset_bytes,
        row.lines,
        row.added,
        row.existing,
        row.refused,
        row.errors_bytes,
        row.is_finished,
    )


def insert_job(tx: Transaction, job: ImportJob, *, file_sha256: str, now: datetime) -> bool:
    """Begin an import; False when another process has begun it at the same moment."""
    try:
        with tx.savepoint():
            tx.connection.execute(_INSERT, {"file_sha256": file_sha256, **_values(job, now=now)})
    except IntegrityError:
        return False
    return True


def advance_job(tx: Transaction, job: ImportJob, *, expected_offset: int, now: datetime) -> bool:
    """Write how far it has got; False when another process has moved it, and nothing is written."""
    moved = tx.connection.execute(
        _ADVANCE.values(_values(job, now=now)), {"job": job.job_id, "expected": expected_offset}
    )
    return moved.rowcount == 1


def _values(job: ImportJob, *, now: datetime) -> dict[str, object]:
    return {
        "job_id": job.job_id,
        "offset_bytes": job.offset_bytes,
        "lines": job.lines,
        "added": job.added,
        "existing": job.existing,
        "refused": job.refused,
        "errors_bytes": job.errors_bytes,
        "is_finished": job.is_finished,
        "updated_ms": to_ms(now),
    }
