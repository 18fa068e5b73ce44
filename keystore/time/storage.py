"""The tables of the watch over the clock, and the record types that come out of them.

What lives here: SQL.  A stop is a row without `released_ms`; every process of every host reads it,
and no restart forgets it.  A check is the last thing that one host heard about its own clock.
Not here: when a clock is stopped (`clock_watch.py`, `trusted_clock.py`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    String,
    Table,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from keystore.clock import from_ms, to_ms
from keystore.storage import metadata
from keystore.time.majority import Measurement

clock_stop = Table(
    "clock_stop",
    metadata,
    Column("stop_id", String(32), primary_key=True, info={"data": "none"}),
    Column("host", String(64), nullable=False, info={"data": "none"}),
    Column("reason", String(32), nullable=False, info={"data": "none"}),
    Column("offset_us", BigInteger, info={"data": "none"}),
    Column("stopped_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("released_ms", BigInteger, info={"data": "none"}),
    info={
        "subject": "none",
        "purpose": "no timestamps while a clock is in doubt, and proof of when that was",
        "retention": "for ever: a handful of rows",
        "legal": "Law 20/2023/QH15 on electronic transactions, Article 31 (timestamps)",
        "legal_from": "2024-07-01",
    },
)

clock_check = Table(
    "clock_check",
    metadata,
    Column("host", String(64), primary_key=True, info={"data": "none"}),
    Column("tried_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("failure", String(40), info={"data": "none"}),
    Column("checked_ms", BigInteger, info={"data": "none"}),
    Column("low_us", BigInteger, info={"data": "none"}),
    Column("high_us", BigInteger, info={"data": "none"}),
    Column("agreeing", Integer, info={"data": "none"}),
    Column("asked", Integer, info={"data": "none"}),
    Column("is_authenticated", Boolean, info={"data": "none"}),
    Column("leap_ms", BigInteger, info={"data": "none"}),
    info={
        "subject": "none",
        "purpose": "what each host last heard about its own clock",
        "retention": "30 days after a host was last heard of",
        "legal": "Law 20/2023/QH15 on electronic transactions, Article 31 (timestamps)",
        "legal_from": "2024-07-01",
    },
)

_FORGET_AFTER: Final = timedelta(days=30)
_LONG_AGO: Final = timedelta(minutes=10)
"""Further back than any attempt that a host would still call recent."""
_STOPS = select(clock_stop).order_by(clock_stop.c.stopped_ms, clock_stop.c.stop_id)
_STANDING = _STOPS.where(clock_stop.c.released_ms.is_(None))
_LAST_RELEASE = select(func.max(clock_stop.c.released_ms))
_CHECKS = select(clock_check).order_by(clock_check.c.host)


@dataclass(frozen=True, slots=True)
class StopRecord:
    """A doubt about a clock: which host's, why, since when, and until when.

    `reason` is drift, step, set_back, leap_alarm or leap_second.
    """

    stop_id: str
    host: str
    reason: str
    offset_us: int | None
    stopped_at: datetime
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """The last attempt of a host to check its clock, and the last one that passed.

    `failure` is why the last attempt did not pass; `leap_at`: an announced leap second.
    """

    host: str
    tried_at: datetime
    failure: str | None
    checked_at: datetime | None
    low_us: int | None
    high_us: int | None
    agreeing: int | None
    asked: int | None
    is_authenticated: bool
    leap_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClockState:
    """What a process of one host has to know."""

    is_stopped: bool
    released_at: datetime | None
    check: CheckRecord | None


def read_clock_state(connection: Connection, *, host: str) -> ClockState:
    """Whether anything is stopped, the last release, and the last check of this host."""
    return ClockState(
        is_stopped=connection.execute(_STANDING.limit(1)).first() is not None,
        released_at=_instant(connection.execute(_LAST_RELEASE).scalar()),
        check=find_check(connection, host=host),
    )


def read_standing_stops(connection: Connection) -> tuple[StopRecord, ...]:
    """The stops that no operator has released, the oldest first."""
    return tuple(
        StopRecord(
            row.stop_id,
            host=row.host,
            reason=row.reason,
            offset_us=row.offset_us,
            stopped_at=from_ms(row.stopped_ms),
            released_at=_instant(row.released_ms),
        )
        for row in connection.execute(_STANDING)
    )


def find_check(connection: Connection, *, host: str) -> CheckRecord | None:
    """What this host last heard."""
    found = read_checks(connection, host=host)
    return found[0] if found else None


def read_checks(connection: Connection, *, host: str | None = None) -> tuple[CheckRecord, ...]:
    """What every host, or this one, last heard about its clock."""
    statement = _CHECKS if host is None else _CHECKS.where(clock_check.c.host == host)
    return tuple(
        CheckRecord(
            row.host,
            tried_at=from_ms(row.tried_ms),
            failure=row.failure,
            checked_at=_instant(row.checked_ms),
            low_us=row.low_us,
            high_us=row.high_us,
            agreeing=row.agreeing,
            asked=row.asked,
            is_authenticated=row.is_authenticated is True,
            leap_at=_instant(row.leap_ms),
        )
        for row in connection.execute(statement)
    )


def insert_stop(
    connection: Connection, *, host: str, reason: str, offset_us: int | None, now: datetime
) -> str:
    """Store a stop; returns its id."""
    stop_id = secrets.token_hex(16)
    connection.execute(
        insert(clock_stop),
        {
            "stop_id": stop_id,
            "host": host,
            "reason": reason,
            "offset_us": offset_us,
            "stopped_ms": to_ms(now),
        },
    )
    return stop_id


def mark_released(connection: Connection, *, now: datetime) -> None:
    """Release every standing stop, and forget what hosts heard: each has to ask anew.

    A release is later than every release before it, also if the clock was set back in between: it
    is by this instant that processes notice it.
    """
    last = connection.execute(_LAST_RELEASE).scalar()
    connection.execute(
        update(clock_stop)
        .where(clock_stop.c.released_ms.is_(None))
        .values(released_ms=to_ms(now) if last is None else max(to_ms(now), last + 1))
    )
    tried_ms = case((clock_check.c.tried_ms > to_ms(now), to_ms(now)), else_=clock_check.c.tried_ms)
    connection.execute(
        update(clock_check).values(
            # due at once; but a host that is gone stays as long gone as it was
            tried_ms=tried_ms - _LONG_AGO // timedelta(milliseconds=1),
            checked_ms=None,
            leap_ms=None,
        )
    )


def write_attempt(connection: Connection, *, host: str, now: datetime) -> None:
    """The host is about to ask; rows of hosts that are gone go."""
    forgotten = clock_check.c.tried_ms <= to_ms(now - _FORGET_AFTER)
    connection.execute(delete(clock_check).where(forgotten, clock_check.c.host != host))
    changed = connection.execute(
        update(clock_check).where(clock_check.c.host == host).values(tried_ms=to_ms(now))
    )
    if changed.rowcount == 0:
        connection.execute(insert(clock_check), {"host": host, "tried_ms": to_ms(now)})


def forget_host(connection: Connection, *, host: str) -> bool:
    """What a host heard is no longer kept; False when nothing was.  Its stops stay."""
    return connection.execute(delete(clock_check).where(clock_check.c.host == host)).rowcount > 0


def write_failure(connection: Connection, *, host: str, failure: str) -> None:
    """The attempt did not pass; what passed before stays."""
    connection.execute(
        update(clock_check).where(clock_check.c.host == host).values(failure=failure)
    )


def write_passed(
    connection: Connection,
    *,
    host: str,
    measured: Measurement,
    leap_at: datetime | None,
    now: datetime,
) -> None:
    """The attempt passed."""
    connection.execute(
        update(clock_check)
        .where(clock_check.c.host == host)
        .values(
            failure=None,
            checked_ms=to_ms(now),
            low_us=measured.low_us,
            high_us=measured.high_us,
            agreeing=measured.agreeing,
            asked=measured.asked,
            is_authenticated=measured.is_authenticated,
            leap_ms=None if leap_at is None else to_ms(leap_at),
        )
    )


def _instant(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else from_ms(epoch_ms)
