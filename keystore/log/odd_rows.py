"""Rows of the log whose columns hold what no process of ours can have written there.

What lives here: finding them before anybody reads them.  SQLite keeps a text where a number should
be, and a time may lie where no calendar goes; either would end a verification in the middle, and
hide all that is behind it.  Source: https://www.sqlite.org/datatype3.html; architecture, "State".
Not here: what rows say (`verify_rows.py`).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    String,
    and_,
    cast,
    func,
    select,
    true,
)

from keystore.log.record import log_event

_TIMES: Final = (0, 253_402_300_799_999)
"""Until the end of the year 9999."""
_MOST: Final = 1_000


def is_even(connection: Connection) -> ColumnElement[bool]:
    """What rows that can be read fulfil."""
    in_range = log_event.c.at_ms.between(*_TIMES)
    if connection.dialect.name != "sqlite":
        return in_range
    of_kind: list[ColumnElement[bool]] = [true()]
    for column in log_event.columns:
        kind = func.typeof(column)
        if isinstance(column.type, LargeBinary):
            wanted = kind == "blob"
        else:
            wanted = kind == ("text" if isinstance(column.type, String) else "integer")
        of_kind.append(wanted | (kind == "null") if column.nullable else wanted)
    return and_(in_range, *of_kind)


def find_odd(connection: Connection) -> tuple[str, ...]:
    """Names of the others, a thousand at most."""
    writer: ColumnElement[Any] = log_event.c.writer
    seq: ColumnElement[Any] = cast(log_event.c.seq, String)
    if connection.dialect.name == "sqlite":  # what is no text has no name but its bytes
        writer, seq = func.quote(writer), func.quote(log_event.c.seq)
    name = writer + "/" + seq
    found = connection.execute(select(name).where(~is_even(connection)).limit(_MOST)).scalars()
    return tuple(str(one).replace("'", "") for one in found)
