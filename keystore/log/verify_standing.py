"""Whether the trees are the ones that others know: their names, and who has seen them.

What lives here: what no look into the database can tell, because whoever may write there may also
give the trees another name, or take away what witnesses signed.  So the names are those of the
settings, and a tree that should be witnessed is not whole without; but for the days after a backup
was restored, when that is what an operator did and recorded.
Source: C2SP tlog-checkpoint (one origin is one history), tlog-witness; architecture, "State".
Not here: the trees themselves (`verify_trees.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from keystore.clock import to_ms
from keystore.log.entries import Tree
from keystore.log.events import MADE_FORM, EventType
from keystore.log.findings import FindingKind, Findings, RemarkKind
from keystore.log.record import log_chain, log_event
from keystore.log.tree_storage import TreeState
from keystore.log.tree_tables import log_entry

_GRACE: Final = timedelta(minutes=5)
"""Integrating, signing and cosigning take a second or two; a witness may be away for a moment."""
_SETTLED: Final = timedelta(days=7)
"""How long after a restore, or after the log was begun anew, witnesses may be without what there
is: people have to be asked to trust another name."""

UNREADABLE: Final = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""What reading the facts of a row may end in, whatever they are."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """A recorded act after which witnesses lack entries though nobody did anything wrong.

    Takes   since_ms: how old the entries may be that they lack: all of them when the log was begun
            anew, those of the backup's last minutes when one was restored; act: the event's type.
    """

    act: str
    at_ms: int
    since_ms: int


def read_interruption(*, event_type: str, at_ms: int, facts: str) -> Interruption | None:
    """The interruption that a row tells of, if it does; the caller knows that the row is ours.

    Raises  one of `UNREADABLE`.
    """
    if event_type == EventType.LOG_BEGUN_ANEW:
        return Interruption(event_type, at_ms, since_ms=0)
    if event_type != EventType.BACKUP_RESTORED:
        return None
    made = datetime.strptime(msgspec.json.decode(facts)["made"], MADE_FORM).replace(tzinfo=UTC)
    return Interruption(event_type, at_ms, since_ms=to_ms(made - _GRACE))


def check_name(state: TreeState, *, expected: str, findings: Findings) -> None:
    """A tree goes by the name that its witnesses and readers know."""
    if state.origin != expected:
        findings.add(FindingKind.RENAMED, f"{state.tree}:root", detail=f"{state.origin} {expected}")


def check_witnessed(
    connection: Connection,
    state: TreeState,
    *,
    witnessed: int,
    now: datetime,
    interruptions: Sequence[Interruption],
    findings: Findings,
) -> None:
    """The first entry that not enough witnesses have seen is not an old one.

    Takes   witnessed: the largest size that enough witnesses have cosigned; interruptions: what
            makes it a remark for a week instead of a finding.
    """
    if witnessed >= state.size:
        return
    at_ms = _time_of(connection, state.tree, position=witnessed)
    where = f"{state.tree}:{witnessed}-{state.size - 1}"
    excuse = _find_excuse(interruptions, at_ms=at_ms, now=now)
    if excuse is not None:
        findings.remark(RemarkKind.AWAITING, where, detail=f"since {excuse.act}")
    elif at_ms is None or at_ms < to_ms(now - _GRACE):
        findings.add(FindingKind.UNWITNESSED, where)


def check_known(
    connection: Connection,
    sizes: Mapping[Tree, int],
    *,
    unknown_to: Iterable[tuple[str, Tree]],
    now: datetime | None,
    interruptions: Sequence[Interruption],
    findings: Findings,
) -> None:
    """Every witness that answers has seen every tree that has entries.

    Takes   unknown_to: names of witnesses that know no checkpoint of a tree; now, interruptions: as
            for `check_witnessed`.
    """
    for witness, tree in unknown_to:
        if sizes[tree] == 0:
            continue
        where, detail = f"{tree}:0-{sizes[tree] - 1}", f"unknown to {witness}"
        at_ms = _time_of(connection, tree, position=0)
        if now is not None and _find_excuse(interruptions, at_ms=at_ms, now=now) is not None:
            findings.remark(RemarkKind.AWAITING, where, detail=detail)
        else:
            findings.add(FindingKind.UNWITNESSED, where, detail=detail)


def _find_excuse(
    interruptions: Sequence[Interruption], *, at_ms: int | None, now: datetime
) -> Interruption | None:
    """The newest act of the last days that explains why nobody has seen an entry of that time."""
    oldest_ms, newest_ms = to_ms(now - _SETTLED), to_ms(now + _GRACE)
    return max(
        (
            one
            for one in interruptions
            if at_ms is not None and oldest_ms <= one.at_ms <= newest_ms and one.since_ms <= at_ms
        ),
        key=lambda one: one.at_ms,
        default=None,
    )


def _time_of(connection: Connection, tree: Tree, *, position: int) -> int | None:
    """When the row of an entry was recorded; None when there is no such row."""
    at_ms: int | None = connection.execute(
        select(log_event.c.at_ms)
        .select_from(
            log_entry.join(log_chain, log_chain.c.chain_id == log_entry.c.chain_id).join(
                log_event,
                (log_event.c.writer == log_chain.c.writer) & (log_event.c.seq == log_entry.c.seq),
            )
        )
        .where(log_entry.c.tree == tree.value, log_entry.c.position == position)
    ).scalar()
    return at_ms
