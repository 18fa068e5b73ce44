"""Everything that the databases hold about a person, for that person.

What lives here: who may be given it and how often, the record of it, and the JSON.  What is in it
is found by what the tables declare (`idp/storage/held.py`): nothing here names a table.

The JSON (`antin-personal-data`, version 1), UTF-8:

    {"format", "version", "account_id", "made_at",
     "tables": [{"table", "purpose", "retention", "legal", "legal_from",
                 "rows": [{column: value, …}, …]}          or "not_given": why],
     "complete": true}

Times are ISO 8601 in UTC, octets `{"base64": …}`; what is not given of a row is
`{"withheld": why}`: passwords and other secrets, and what is somebody else's.  `complete` is the
last member: a file that was cut off has none, and is no JSON.
Source: Law 91/2025/QH15 Art. 4 (to be given one's data); NĐ 356/2025/NĐ-CP Art. 5.
Not here: pages, the PDF (`idp/own_export_pdf.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from idp.accounts.notices import Notice, Notices
from idp.errors import AntinError
from idp.ids import AccountId
from idp.storage.accounts import AccountRow
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.held import HeldTable, Person, held_tables, read_held
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

Form = Literal["json", "pdf"]

FORMAT: Final = "antin-personal-data"
VERSION: Final = 1
MOST_A_DAY: Final = 5
_DAY: Final = timedelta(days=1)
_CHUNK_BYTES: Final = 64 << 10

_encode: Final = msgspec.json.Encoder().encode


class TooManyExports(AntinError):
    """The person was given their data often enough today."""

    code = "too_many_exports"


@dataclass(frozen=True, slots=True)
class Export:
    """What one person is given; reading it reads the database, a portion at a time."""

    database: Database
    sealer: Sealer
    person: Person
    made_at: datetime

    @property
    def account_id(self) -> AccountId:
        """Whose it is."""
        return self.person.account_id

    def tables(self) -> Iterator[tuple[HeldTable, Iterator[Mapping[str, Any]]]]:
        """Every table about people with the rows that are this person's."""
        for table in held_tables():
            yield (
                table,
                read_held(self.database, table.name, person=self.person, sealer=self.sealer),
            )


@dataclass(frozen=True, slots=True)
class OwnExport:
    """Safe for any number of threads."""

    database: Database
    ephemeral: EphemeralStore
    sealer: Sealer
    log: LogWriter
    notices: Notices

    def begin(self, row: AccountRow, *, form: Form, now: datetime) -> Export:
        """Put on record that the person takes their data, tell them, and give it.

        The caller has made sure that it is they: a fresh sign-in with every factor they have.
        Raises  TooManyExports; StorageUnavailable.
        """
        counted = self.ephemeral.count(f"data_export:{row.account_id}", window=_DAY, now=now)
        if counted > MOST_A_DAY:
            raise TooManyExports
        with self.database.transaction() as tx:
            event = Event(EventType.DATA_EXPORTED, account_id=row.account_id, facts={"form": form})
            self.log.record(tx, event, data_key=row.data_key, now=now)
            self.notices.tell(tx, row, Notice.DATA_EXPORTED, now=now, facts={"form": form})
        return Export(self.database, self.sealer, Person.of(row), now)


def write_json(export: Export) -> Iterator[bytes]:
    """The JSON in pieces of some kilobytes; memory does not grow with what there is."""
    kept = bytearray()
    for part in _parts(export):
        kept += part
        if len(kept) >= _CHUNK_BYTES:
            yield bytes(kept)
            kept.clear()
    yield bytes(kept)


def _parts(export: Export) -> Iterator[bytes]:
    head = {
        "format": FORMAT,
        "version": VERSION,
        "account_id": export.account_id,
        "made_at": export.made_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    yield _encode(head)[:-1] + b',"tables":[\n'
    for at, (table, rows) in enumerate(export.tables()):
        told = {
            "table": table.name,
            "purpose": table.purpose,
            "retention": table.retention,
            "legal": table.legal,
            "legal_from": table.legal_from,
        }
        yield b",\n" if at else b""
        if table.not_given:
            yield _encode({**told, "not_given": table.not_given})
            continue
        yield _encode(told)[:-1] + b',"rows":['
        for number, row in enumerate(rows):
            yield (b",\n" if number else b"\n") + _encode(row)
        yield b"]}"
    yield b'],\n"complete":true}\n'


def kept_tables() -> tuple[HeldTable, ...]:
    """Tables in which something stays of a person who is deleted, with the law and the time."""
    return tuple(one for one in held_tables() if one.kept)
