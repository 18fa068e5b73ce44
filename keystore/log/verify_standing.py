"""Whether the trees are the ones that others know: their names, and who has seen them.

What lives here: what no look into the database can tell, because whoever may write there may also
give the trees another name, or take away what witnesses signed.  So the names are those of the
settings, and a tree that should be witnessed is not whole without.
Source: C2SP tlog-checkpoint (one origin is one history), tlog-witness; architecture, "State".
Not here: the trees themselves (`verify_trees.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from keystore.clock import to_ms
from keystore.log.entries import Tree
from keystore.log.findings import FindingKind, Findings
from keystore.log.record import log_chain, log_event
from keystore.log.tree_storage import TreeState
from keystore.log.tree_tables import log_entry

_GRACE: Final = timedelta(minutes=5)
"""Integrating, signing and cosigning take a second or two; a witness may be away for a moment."""


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
    findings: Findings,
) -> None:
    """The first entry that not enough witnesses have seen is not an old one.

    Takes   witnessed: the largest size that enough witnesses have cosigned.
    """
    if witnessed >= state.size:
        return
    at_ms = connection.execute(
        select(log_event.c.at_ms)
        .select_from(
            log_entry.join(log_chain, log_chain.c.chain_id == log_entry.c.chain_id).join(
                log_event,
                (log_event.c.writer == log_chain.c.writer) & (log_event.c.seq == log_entry.c.seq),
            )
        )
        .where(log_entry.c.tree == state.tree.value, log_entry.c.position == witnessed)
    ).scalar()
    if at_ms is None or at_ms < to_ms(now - _GRACE):
        findings.add(FindingKind.UNWITNESSED, f"{state.tree}:{witnessed}-{state.size - 1}")


def check_known(
    sizes: Mapping[Tree, int], *, unknown_to: Iterable[tuple[str, Tree]], findings: Findings
) -> None:
    """Every witness that answers has seen every tree that has entries.

    Takes   unknown_to: names of witnesses that know no checkpoint of a tree.
    """
    for witness, tree in unknown_to:
        if sizes[tree] > 0:
            where = f"{tree}:0-{sizes[tree] - 1}"
            findings.add(FindingKind.UNWITNESSED, where, detail=f"unknown to {witness}")
