"""Whether the log is whole: every row, every entry, every tile, every checkpoint.

What lives here: the report, and the order of the work.  The verifier trusts no stored hash: it
makes the trees again out of the rows, and compares them with what is stored, with what was signed,
and with checkpoints that others kept (*anchors*).  It goes on after a finding; each names the
entry, or the narrowest range of entries, that is not what it was.
Source: RFC 9162 §2.1; architecture, "State".  Not here: reading (`verify_rows.py`,
`verify_trees.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from keystore.log.chain_storage import find_stuck
from keystore.log.checkpoint import verify_checkpoint
from keystore.log.entries import Tree
from keystore.log.errors import NoteMalformed, NoteNotTrusted
from keystore.log.findings import Finding, FindingKind, Findings, Remark, RemarkKind
from keystore.log.note_keys import NoteVerifier
from keystore.log.odd_rows import find_odd
from keystore.log.row_marks import RowMarks
from keystore.log.tree_storage import find_tree_state
from keystore.log.verify_rows import Opener, verify_rows
from keystore.log.verify_standing import UNREADABLE, check_known, check_name, check_witnessed
from keystore.log.verify_trees import Anchor, TreeCount, verify_tree
from keystore.storage import DatabaseLike

Progress = Callable[[int], None]
"""Called with how many more rows were read; the trees read every row a second time."""


@dataclass(frozen=True, slots=True)
class LogReport:
    """The outcome.

    Takes   count: of all findings, also of those that are not kept; remarks: what is not wrong and
            has to be known, for instance rows that an operator vouched for; pending: rows that no
            tree has yet; opened: rows whose event was opened; sizes, signed, witnessed: entries per
            tree, and how many of them good checkpoints speak of.
    """

    findings: tuple[Finding, ...]
    count: int
    remarks: tuple[Remark, ...]
    remark_count: int
    rows: int
    chains: int
    pending: int
    opened: int
    sizes: Mapping[Tree, int]
    signed: Mapping[Tree, int]
    witnessed: Mapping[Tree, int]
    checkpoints: int
    anchors: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.count == 0

    @property
    def is_awaiting(self) -> bool:
        """Whether witnesses lack entries that they can only see once they trust another name."""
        return any(one.kind is RemarkKind.AWAITING for one in self.remarks)


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint from elsewhere, **not** verified.  Takes source: where it is from."""

    source: str
    raw_note: bytes = field(repr=False)


def verify_log(
    database: DatabaseLike,
    *,
    log_keys: Mapping[Tree, Sequence[NoteVerifier]],
    witness_keys: Sequence[NoteVerifier] = (),
    quorum: int = 0,
    origins: Mapping[Tree, str] | None = None,
    now: datetime | None = None,
    against: Sequence[KeptCheckpoint] = (),
    unknown_to: Sequence[tuple[str, Tree]] = (),
    opener: Opener | None = None,
    marks: RowMarks | None = None,
    progress: Progress = lambda _rows: None,
) -> LogReport:
    """Verify the whole log.

    1. Every row is what its hash says and stands on the row before it; numbers have no gap.
    2. Every row that a tree should have is in it, once; every entry has its row.
    3. Leaves, tiles and root of each tree are those of the rows.
    4. Every kept checkpoint is signed, and speaks of the tree as it is.
    5. So does every checkpoint that was kept elsewhere.
    6. With an opener, every event that can still be opened is the one behind its leaf.
    7. The trees go by the names that are known, and who should have seen them has.

    Takes   log_keys: of each tree, from a place that whoever could change the database could not;
            quorum: how many witnesses a checkpoint needs; with `now`, one that lacks them for
            minutes is a finding, unless the log was interrupted by what an operator did and
            recorded within a week; origins: the names of the trees, from the same kind of place;
            unknown_to: witnesses that were asked and know no checkpoint of a tree;
            against: what witnesses or anybody else kept; opener: opens the event of a row;
            marks: tells rows that were recorded from others.
    Raises  nothing of what it finds, whatever the rows hold; that is the report's.
    """
    findings = Findings()
    anchors = _read_anchors(against, log_keys=log_keys, witness_keys=witness_keys, to=findings)
    with database.read() as connection:
        # the trees before the rows: what is integrated meanwhile is new, not added
        states = {tree: find_tree_state(connection, tree) for tree in Tree}
        for state in states.values():
            if state is not None and origins is not None:
                check_name(state, expected=origins[state.tree], findings=findings)
        for writer, seq in find_stuck(connection):
            findings.add(FindingKind.STUCK, f"{writer}/{seq}")
        for name in find_odd(connection):
            findings.add(FindingKind.UNREADABLE, name)
        rows = verify_rows(
            connection,
            states=[state for state in states.values() if state is not None],
            findings=findings,
            opener=opener,
            marks=marks,
            progress=progress,
        )
        trees = {
            tree: _verify_tree(
                connection,
                tree,
                state=states[tree],
                log_keys=log_keys.get(tree, ()),
                witness_keys=witness_keys,
                quorum=quorum,
                anchors=[anchor for anchor in anchors if anchor.tree is tree],
                findings=findings,
                progress=progress,
            )
            for tree in Tree
        }
        check_known(
            connection,
            {tree: one.size for tree, one in trees.items()},
            unknown_to=unknown_to,
            now=now,
            interruptions=rows.interruptions,
            findings=findings,
        )
        for state in states.values():
            if quorum > 0 and now is not None and state is not None:
                witnessed = trees[state.tree].witnessed
                check_witnessed(
                    connection,
                    state,
                    witnessed=witnessed,
                    now=now,
                    interruptions=rows.interruptions,
                    findings=findings,
                )
    return LogReport(
        findings=tuple(findings.kept),
        count=findings.count,
        remarks=tuple(findings.remarks),
        remark_count=findings.remark_count,
        rows=rows.rows,
        chains=rows.chains,
        pending=rows.pending,
        opened=rows.opened,
        sizes={tree: one.size for tree, one in trees.items()},
        signed={tree: one.signed for tree, one in trees.items()},
        witnessed={tree: one.witnessed for tree, one in trees.items()},
        checkpoints=sum(one.checkpoints for one in trees.values()),
        anchors=len(anchors),
    )


def _verify_tree(
    connection: Connection, tree: Tree, *, findings: Findings, **how: Any
) -> TreeCount:
    """As `verify_tree`; what of a tree or its checkpoints cannot be read is a finding."""
    try:
        return verify_tree(connection, tree, findings=findings, **how)
    except UNREADABLE as problem:
        findings.add(FindingKind.UNREADABLE, f"{tree}:root", detail=type(problem).__name__)
        return TreeCount()


def _read_anchors(
    kept: Sequence[KeptCheckpoint],
    *,
    log_keys: Mapping[Tree, Sequence[NoteVerifier]],
    witness_keys: Sequence[NoteVerifier],
    to: Findings,
) -> list[Anchor]:
    """What others kept, as far as the log has signed it.

    One that the keys of the log did not sign is a finding: either the file is not of this log, or
    the keys are no longer those of then.
    """
    anchors = []
    for one in kept:
        for tree, keys in log_keys.items():
            origins = {key.name for key in keys}
            origin = one.raw_note.partition(b"\n")[0].decode("utf-8", errors="replace")
            if origin not in origins:
                continue
            try:
                checkpoint = verify_checkpoint(
                    one.raw_note,
                    expected_origin=origin,
                    log_keys=keys,
                    witness_keys=witness_keys,
                )
            except (NoteMalformed, NoteNotTrusted) as problem:
                to.add(FindingKind.CHECKPOINT, one.source, detail=problem.reason)
                break
            anchors.append(Anchor(tree, checkpoint.size, checkpoint.root, one.source))
            break
        else:
            to.add(FindingKind.CHECKPOINT, one.source, detail="another_log")
    return anchors
