"""Stopping the authority, and releasing it: one act and one log row each.

What lives here: the two transactions.  A stop holds everywhere: for every process of every host and
across restarts, until an operator releases it.  That one host in doubt stops the others as well is
wanted: whoever asks cannot tell from a token which host made it.
Source: RFC 3161 §2.1 (1); ETSI EN 319 421 §7.7.2.  Not here: who decides to stop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.storage import DatabaseLike, lock_until_commit
from keystore.time.storage import StopRecord, insert_stop, mark_released, read_standing_stops

_LOCK: Final = "clock_stop"
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9.-]", re.ASCII)
_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Stop:
    """A doubt that was just found; `reason` as in `StopRecord`."""

    reason: str
    offset_us: int | None = None


def host_name(raw: str) -> str:
    """The name of a host as tables and log carry it: never taken for somebody's number."""
    name = _NO_NAME.sub("-", raw)[:_LONGEST_NAME] or "unnamed"
    return f"h-{name}" if name[0].isdigit() else name


def stop_clock(
    database: DatabaseLike, stop: Stop, *, host: str, log: LogWriter, now: datetime
) -> None:
    """Stop all timestamps, and record why; the same doubt of the same host is written once."""
    with database.transaction() as tx:
        lock_until_commit(tx, name=_LOCK)
        standing = read_standing_stops(tx.connection)
        if any((one.host, one.reason) == (host, stop.reason) for one in standing):
            return
        stop_id = insert_stop(
            tx.connection, host=host, reason=stop.reason, offset_us=stop.offset_us, now=now
        )
        facts: dict[str, Fact] = {"stop": stop_id, "host": host, "reason": stop.reason}
        if stop.offset_us is not None:
            facts["offset_ms"] = round(stop.offset_us / 1000)
        log.record(tx, Event(EventType.TSA_STOPPED, facts=facts), data_key=None, now=now)


def release_clock(
    database: DatabaseLike, *, log: LogWriter, now: datetime
) -> tuple[StopRecord, ...]:
    """Release what is stopped; returns what was, and nothing when nothing was.

    Timestamps go on once the clock of a host has passed a check after this.
    """
    with database.transaction() as tx:
        lock_until_commit(tx, name=_LOCK)
        standing = read_standing_stops(tx.connection)
        mark_released(tx.connection, now=now)
        for stop in standing:
            facts: dict[str, Fact] = {
                "stop": stop.stop_id,
                "host": stop.host,
                "reason": stop.reason,
            }
            log.record(tx, Event(EventType.TSA_RELEASED, facts=facts), data_key=None, now=now)
    return standing
