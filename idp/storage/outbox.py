"""The outbox: deferred work, written in the transaction of the act that causes it.

What lives here: one table and the statements on it.  A row is the record of a duty (tell a client
of a logout, send a message); Huey is only the clock.  A row is taken by moving its `due_ms` to the
end of a lease: a worker that dies in the middle lets go by dying, and another takes the row when
the lease is over.  So every duty is done at least once, and its receiver must bear it twice.
`attempts` counts the takings and fences them: who took a row before cannot settle it afterwards.

Payloads are JSON without names, numbers or secrets in the clear: whoever handles the row looks
those up, or finds them sealed.
Not here: what a kind means (its handler), when a worker looks (`idp.work`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NewType

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from idp.ids import make_id
from idp.storage.database import Database, Transaction, metadata
from idp.storage.declared import BASIC, NONE, holds, kept_by_law, not_given
from idp.storage.purge import purged_by
from keystore.clock import from_ms, to_ms
from keystore.statement import Statement

OutboxId = NewType("OutboxId", str)

_WAITING: Final = "waiting"
_DONE: Final = "done"
_FAILED: Final = "failed"
_SEALED: Final = "sealed"
"""The member of a payload that is sealed."""

_KEEP_DONE: Final = timedelta(days=1)
_KEEP_FAILED: Final = timedelta(days=30)
"""Long enough for an operator to see what could not be delivered, and to whom."""

outbox = Table(
    "outbox",
    metadata,
    Column("outbox_id", String(40), primary_key=True, info=NONE),
    Column("kind", String(64), nullable=False, info=NONE),
    Column("lane", String(128), nullable=False, info=NONE),
    Column("payload", String, nullable=False, info=BASIC),
    Column("state", String(8), nullable=False, info=NONE),
    Column("attempts", Integer, nullable=False, info=NONE),
    Column("last_error", String(64), nullable=True, info=NONE),
    Column("created_ms", BigInteger, nullable=False, info=NONE),
    Column("due_ms", BigInteger, nullable=False, info=NONE),
    Column("expires_ms", BigInteger, nullable=False, info=NONE),
    Column("purge_ms", BigInteger, nullable=True, info=NONE),
    Index("ix_outbox_due", "state", "due_ms"),
    Index("ix_outbox_purge", "purge_ms"),
    info=holds(
        "person",
        purpose="deferred work: telling clients of logouts, messages to the person",
        retention="done: one day; failed: thirty days",
        legal="Law 91/2025/QH15",
        legal_from="2026-01-01",
    )
    | not_given(
        "work that is on its way, for minutes as a rule; what it is about stands in other tables"
    )
    | kept_by_law(
        what="ids that portals need to be told of the end of a session",
        legal="Law 91/2025/QH15",
        until="a day after it was done, thirty days after it failed",
    )
    | purged_by("purge_ms"),
)

_c = outbox.c
_INSERT: Final = Statement(insert(outbox))
_DUE: Final = (
    select(_c.outbox_id)
    .where(_c.state == _WAITING, _c.due_ms <= bindparam("now"))
    .order_by(_c.due_ms)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
_DUE_AMONG: Final = (
    select(_c.outbox_id)
    .where(
        _c.outbox_id.in_(bindparam("ids", expanding=True)),
        _c.state == _WAITING,
        _c.due_ms <= bindparam("now"),
    )
    .with_for_update(skip_locked=True)
)
_TAKE: Final = (
    update(outbox)
    .where(_c.outbox_id.in_(bindparam("ids", expanding=True)))
    .values(due_ms=bindparam("until"), attempts=_c.attempts + 1)
    .returning(
        *(_c.outbox_id, _c.kind, _c.lane, _c.payload, _c.attempts, _c.created_ms, _c.expires_ms)
    )
)
_HELD: Final = (
    _c.outbox_id == bindparam("id"),
    _c.state == _WAITING,
    _c.attempts == bindparam("taken"),
)
_FINISH: Final = Statement(
    update(outbox)
    .where(*_HELD)
    .values(
        state=bindparam("end_state"),
        payload=bindparam("payload_left"),
        last_error=bindparam("error"),
        purge_ms=bindparam("purge"),
    )
)
_RETRY: Final = Statement(
    update(outbox)
    .where(*_HELD)
    .values(
        due_ms=bindparam("until"),
        last_error=bindparam("error"),
        attempts=_c.attempts - bindparam("uncounted", type_=Integer),
    )
)
_POSTPONE: Final = Statement(
    update(outbox).where(*_HELD).values(due_ms=bindparam("until"), attempts=_c.attempts - 1)
)
_REST: Final = Statement(
    update(outbox)
    .where(_c.lane == bindparam("which"), _c.state == _WAITING, _c.due_ms < bindparam("until"))
    .values(due_ms=bindparam("until"))
)
_COUNT_DUE: Final = Statement(
    select(func.count()).select_from(
        select(_c.outbox_id)
        .where(_c.state == _WAITING, _c.due_ms <= bindparam("now"))
        .limit(bindparam("at_most", type_=Integer))
        .subquery()
    )
)
_BACKLOG: Final = Statement(
    select(_c.state, func.count(), func.min(_c.created_ms))
    .where(_c.state.in_((_WAITING, _FAILED)))  # not the many that are done and wait for the purge
    .group_by(_c.state)
)


@dataclass(frozen=True, slots=True)
class Job:
    """One row while a worker holds it; `attempts` includes the one that is under way.

    `lane` names what fails together (a client, a message gateway), or is empty.
    """

    outbox_id: OutboxId
    kind: str
    lane: str
    payload: Mapping[str, Any] = field(repr=False)
    attempts: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """What an operator watches; `oldest_age_s` is 0 when nothing waits."""

    waiting: int
    failed: int
    oldest_age_s: float


def add(
    tx: Transaction,
    kind: str,
    payload: Mapping[str, Any],
    *,
    now: datetime,
    expires: datetime,
    due: datetime | None = None,
    lane: str = "",
    outbox_id: OutboxId | None = None,
) -> OutboxId:
    """Write a duty into the transaction of the act that causes it.

    Takes   payload: JSON members without names, numbers or secrets in the clear; what is sealed
            is in the member `sealed`, which goes when the row is settled, whichever way;
            expires: when the duty is pointless and given up; due: not before then (default: at
            once); outbox_id: for who must not put off the same thing twice: where there is a row of
            this id already, nothing is written.
    """
    added = outbox_id or OutboxId(make_id("job"))
    values = {
        "outbox_id": added,
        "kind": kind,
        "lane": lane,
        "payload": _text_of(payload),
        "state": _WAITING,
        "attempts": 0,
        "created_ms": to_ms(now),
        "due_ms": to_ms(due or now),
        "expires_ms": to_ms(expires),
    }
    if outbox_id is None:
        _INSERT.count(tx.connection, values)
    else:
        with suppress(IntegrityError), tx.savepoint():
            _INSERT.count(tx.connection, values)
    return added


def count_due(connection: Connection, *, now: datetime, at_most: int) -> int:
    """How many rows could be taken now; counts no further than `at_most`.  One indexed read."""
    return int(_COUNT_DUE.scalar_or_none(connection, {"now": to_ms(now), "at_most": at_most}))


def lease(
    database: Database,
    *,
    now: datetime,
    duration: timedelta,
    limit: int,
    only: Collection[OutboxId] | None = None,
) -> tuple[Job, ...]:
    """Take rows that are due, for `duration`; nobody else gets them before it is over.

    Takes   only: these rows and no others (a worker that was woken for them).
    Returns at most `limit` jobs, the longest due first.
    """
    now_ms = to_ms(now)
    with database.transaction() as tx:
        if only is None:
            due = tx.connection.execute(_DUE, {"now": now_ms, "at_most": limit})
        else:
            due = tx.connection.execute(_DUE_AMONG, {"now": now_ms, "ids": list(only)[:limit]})
        ids = list(due.scalars())
        if not ids:
            return ()
        taken = tx.connection.execute(_TAKE, {"ids": ids, "until": to_ms(now + duration)})
        jobs = {row.outbox_id: _job(row) for row in taken}
    return tuple(jobs[outbox_id] for outbox_id in ids)


def done(database: Database, job: Job, *, now: datetime) -> None:
    """The duty is fulfilled: its payload is forgotten at once, the row a day later."""
    _finish(database, job, state=_DONE, payload_left="{}", error=None, purge=now + _KEEP_DONE)


def give_up(database: Database, job: Job, *, error: str, now: datetime) -> None:
    """The duty cannot be fulfilled: it stays as failed for an operator to see, without secrets."""
    left = {name: value for name, value in job.payload.items() if name != _SEALED}
    _finish(
        database,
        job,
        state=_FAILED,
        payload_left=_text_of(left),
        error=error,
        purge=now + _KEEP_FAILED,
    )


def retry(
    database: Database, job: Job, *, due: datetime, error: str, is_attempt: bool = True
) -> None:
    """It did not work this time: again at `due`; `error` is a stable code.

    Takes   is_attempt: whether this taking counts.
    """
    with database.transaction() as tx:
        _RETRY.count(
            tx.connection,
            {
                "id": job.outbox_id,
                "taken": job.attempts,
                "until": to_ms(due),
                "error": error,
                "uncounted": 0 if is_attempt else 1,
            },
        )


def postpone(database: Database, job: Job, *, due: datetime) -> None:
    """Give a row back untried: this taking does not count as an attempt."""
    with database.transaction() as tx:
        _POSTPONE.count(
            tx.connection, {"id": job.outbox_id, "taken": job.attempts, "until": to_ms(due)}
        )


def rest_lane(database: Database, lane: str, *, until: datetime) -> int:
    """Let everything that waits in a lane wait until then; how many rows that were.

    One receiver that is down must not keep the worker from all others.
    """
    with database.transaction() as tx:
        found = _REST.count(tx.connection, {"which": lane, "until": to_ms(until)})
        return int(found)


def find_backlog(connection: Connection, *, now: datetime) -> Backlog:
    """How much waits and has failed, for the metrics; reads no row that is done."""
    found = _BACKLOG.all(connection)
    counts = {state: (int(number), oldest) for state, number, oldest in found}
    waiting, oldest = counts.get(_WAITING, (0, None))
    age_s = (to_ms(now) - oldest) / 1000 if oldest is not None else 0.0
    return Backlog(
        waiting=waiting, failed=counts.get(_FAILED, (0, None))[0], oldest_age_s=max(0.0, age_s)
    )


def _finish(
    database: Database,
    job: Job,
    *,
    state: str,
    payload_left: str,
    error: str | None,
    purge: datetime,
) -> None:
    with database.transaction() as tx:
        _FINISH.count(
            tx.connection,
            {
                "id": job.outbox_id,
                "taken": job.attempts,
                "end_state": state,
                "payload_left": payload_left,
                "error": error,
                "purge": to_ms(purge),
            },
        )


def _text_of(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, separators=(",", ":"), allow_nan=False)


def _job(row: Any) -> Job:
    return Job(
        outbox_id=OutboxId(row.outbox_id),
        kind=row.kind,
        lane=row.lane,
        payload=json.loads(row.payload),
        attempts=row.attempts,
        created_at=from_ms(row.created_ms),
        expires_at=from_ms(row.expires_ms),
    )
