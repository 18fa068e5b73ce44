"""The rows of the log, one after the other: whether each is what was written.

What lives here: the walk over all chains in one pass, and the comparison of each row with its place
in a tree.  After a row that does not fit, the walk goes on from what is stored, so that one change
is one finding.  Source: architecture, "State".  Not here: the trees (`verify_trees.py`).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select, tuple_

from keystore.clock import to_ms
from keystore.errors import SealBroken
from keystore.log.errors import EventDiffers
from keystore.log.events import EventType
from keystore.log.findings import FindingKind, Findings, RemarkKind
from keystore.log.odd_rows import is_even
from keystore.log.record import GENESIS, HASHED, log_chain, log_event, row_hash_of
from keystore.log.row_marks import RowMarks
from keystore.log.tree_storage import TreeState
from keystore.log.tree_tables import log_entry
from keystore.log.verify_standing import UNREADABLE, Interruption, read_interruption
from keystore.recipient import SEALED_TO

Opener = Callable[[Mapping[str, Any]], bool]
"""Opens the event of a row, given its columns by name; False when its key is gone.

Raises  SealBroken when it does not open; EventDiffers when it is not the event of the leaf."""


class _Accepted(msgspec.Struct, frozen=True):
    """The facts of `LOG_ROW_ACCEPTED`, as far as the report says them."""

    writer: str
    seq: int
    operator: str = "an operator"


class _Marked(msgspec.Struct, frozen=True):
    """The facts of `LOG_ROWS_MARKED`."""

    rows: int
    operator: str = "an operator"


_BATCH: Final = 2_000
_GRACE: Final = timedelta(minutes=5)
"""A transaction may take that long between the instant of its event and its commit."""
_WRITER, _SEQ, _PREV, _AT_MS, _TYPE, _FACTS = (
    HASHED.index(name) for name in ("writer", "seq", "prev_hash", "at_ms", "type", "facts")
)
_TOLD: Final = frozenset(
    {
        EventType.LOG_BEGUN_ANEW.value,
        EventType.BACKUP_RESTORED.value,
        EventType.LOG_ROW_ACCEPTED.value,
        EventType.LOG_ROWS_MARKED.value,
    }
)
"""What rows of these types say about the log goes into the report."""
_ROWS = (
    select(
        *(log_event.c[name] for name in HASHED),
        log_event.c.row_hash,
        log_event.c.mark,
        log_chain.c.integrated,
        log_entry.c.position,
    )
    .select_from(
        log_event.outerjoin(log_chain, log_chain.c.writer == log_event.c.writer).outerjoin(
            log_entry,
            (log_entry.c.chain_id == log_chain.c.chain_id) & (log_entry.c.seq == log_event.c.seq),
        )
    )
    .order_by(log_event.c.writer, log_event.c.seq)
    .limit(_BATCH)
)


@dataclass(slots=True)
class RowCount:
    """How much was read; `pending` rows are in no tree yet, as they may be for a second or two."""

    rows: int = 0
    chains: int = 0
    pending: int = 0
    opened: int = 0
    interruptions: list[Interruption] = field(default_factory=list)


def verify_rows(
    connection: Connection,
    *,
    states: Sequence[TreeState],
    findings: Findings,
    opener: Opener | None,
    marks: RowMarks | None,
    progress: Callable[[int], None],
) -> RowCount:
    """Walk every chain.

    1. Numbers are 1, 2, 3, … without a gap.
    2. Each row's hash is the hash of what is stored in it.
    3. Each row stands on the hash of the row before it.
    4. Each row has a place in a tree, unless it is newer than what was integrated last.
    5. Its mark is one of ours, once trees were begun: until then rows of before have none.
    6. Its event opens to its leaf.

    One whose columns cannot be read is passed over: `find_odd` names it.
    What operators vouched for, restored or began anew is told by rows of ours, and kept.

    Takes   states: of the trees before the rows are read.
    """
    grown_ms = max((to_ms(state.updated_at - _GRACE) for state in states), default=0)
    count = RowCount()
    writer, seq, last_hash = "", 0, GENESIS
    even = is_even(connection)
    while True:
        after = tuple_(log_event.c.writer, log_event.c.seq) > tuple_(writer, seq)
        rows = connection.execute(_ROWS.where(after, even)).all()
        for row in rows:
            values = tuple(row[: len(HASHED)])
            row_hash, mark, integrated, position = row[len(HASHED) :]
            if values[_WRITER] != writer:
                writer, seq, last_hash = values[_WRITER], 0, GENESIS
                count.chains += 1
            name = f"{writer}/{values[_SEQ]}"
            is_next = values[_SEQ] == seq + 1
            if not is_next:  # 1
                detail = f"to {writer}/{values[_SEQ] - 1}"
                findings.add(FindingKind.REMOVED, f"{writer}/{seq + 1}", detail=detail)
            is_unchanged = hmac.compare_digest(row_hash_of(values), row_hash)
            if not is_unchanged:  # 2
                findings.add(FindingKind.CHANGED, name)
            elif is_next and not hmac.compare_digest(values[_PREV], last_hash):  # 3
                findings.add(FindingKind.UNLINKED, name)
            if position is None:  # 4
                is_passed = integrated is not None and values[_SEQ] <= integrated
                if is_passed or values[_AT_MS] < grown_ms:
                    findings.add(FindingKind.ADDED, name)
                else:
                    count.pending += 1
            is_ours = marks is None or marks.is_ours(row_hash, mark=mark)
            if not is_ours and (mark is not None or states):  # 5
                findings.add(FindingKind.ADDED, name, detail="not recorded by this service")
            is_signers = marks is not None and marks.is_signers(mark) and is_ours and is_unchanged
            count.opened += _open(  # 6
                opener, row, name=name, is_signers=is_signers, findings=findings
            )
            if marks is not None and is_ours and is_unchanged and values[_TYPE] in _TOLD:
                _tell(values, name=name, count=count, findings=findings)
            seq, last_hash = values[_SEQ], row_hash
        count.rows += len(rows)
        progress(len(rows))
        if len(rows) < _BATCH:
            return count


def _open(
    opener: Opener | None, row: Sequence[Any], *, name: str, is_signers: bool, findings: Findings
) -> bool:
    """Whether the event was opened.

    A signer seals to the key that it was told when a personal key was enrolled, and cannot know
    whose that is.  So a row that a signer has signed and no key of the account opens was sealed to
    somebody else, which whoever may ask the signer can bring about, and is not forged by anybody.
    """
    if opener is None:
        return False
    columns = dict(zip(_names(), row, strict=True))
    try:
        return opener(columns)
    except EventDiffers:
        findings.add(FindingKind.FORGED, name)
    except SealBroken:
        if is_signers and columns["sealed"][:1] == bytes((SEALED_TO,)):
            findings.remark(RemarkKind.CLOSED, name, detail="sealed to no key of its account")
        else:
            findings.add(FindingKind.FORGED, name)
    return False


def _tell(values: Sequence[Any], *, name: str, count: RowCount, findings: Findings) -> None:
    """Keep what a row of ours says about the log itself."""
    event_type, at_ms, raw_facts = values[_TYPE], values[_AT_MS], values[_FACTS]
    try:
        interruption = read_interruption(event_type=event_type, at_ms=at_ms, facts=raw_facts)
        if interruption is not None:
            count.interruptions.append(interruption)
        elif event_type == EventType.LOG_ROW_ACCEPTED:
            accepted = msgspec.json.decode(raw_facts, type=_Accepted)
            entry, who = f"{accepted.writer}/{accepted.seq}", f"by {accepted.operator}, {name}"
            findings.remark(RemarkKind.ACCEPTED, entry, detail=who)
        elif event_type == EventType.LOG_ROWS_MARKED:
            marked = msgspec.json.decode(raw_facts, type=_Marked)
            who = f"by {marked.operator}, {name}"
            findings.remark(RemarkKind.MARKED, f"{marked.rows} rows", detail=who)
    except UNREADABLE:
        # a process of ours was made to write it: whoever reads the report has to know
        findings.add(FindingKind.UNREADABLE, name, detail=event_type)


def _names() -> tuple[str, ...]:
    return (*HASHED, "row_hash", "mark", "integrated", "position")
