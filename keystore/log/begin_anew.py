"""Another log in the place of one that cannot go on.

What lives here: the one way out after rows were lost for good, as by restoring a backup.  Witnesses
have seen more than is left and cosign nothing any more, and so they should: under that name rows
are missing.  The rows that are left get trees under another name, which begin from nothing; the
last checkpoints of the old name stay with the witnesses and with whoever kept them, and go on
saying that there was more.  Source: architecture, "State"; C2SP tlog-checkpoint (one origin is one
history).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, update

from keystore.log.chain_storage import LOG_LOCK, adopt_left_behind, mark_older
from keystore.log.entries import Tree
from keystore.log.errors import TreeDamaged
from keystore.log.events import Event, EventType
from keystore.log.record import GENESIS, LogWriter, log_chain
from keystore.log.row_marks import RowMarks
from keystore.log.tree_storage import find_tree_state, open_tree
from keystore.log.tree_tables import log_checkpoint, log_entry, log_tile, log_tree, log_witness
from keystore.storage import DatabaseLike, lock_until_commit


def begin_log_anew(
    database: DatabaseLike,
    *,
    origins: Mapping[Tree, str],
    log: LogWriter,
    now: datetime,
    marks: RowMarks | None = None,
) -> None:
    """Forget the trees and begin others under new names; the sequencer fills them.

    Takes   origins: of the new trees; log: records it, with how many entries the old trees had;
            marks: to mark the rows that have none, as those of a backup from before there were
            marks; the operator who begins vouches for them.
    Raises  TreeDamaged when a tree would keep its name: that would be the fork that witnesses find.
    """
    with database.transaction() as tx:
        lock_until_commit(tx, name=LOG_LOCK)
        facts: dict[str, str | int] = {}
        for tree in Tree:
            state = find_tree_state(tx.connection, tree)
            if state is not None and state.origin == origins[tree]:
                raise TreeDamaged(f"{tree} has that name")
            facts[f"{tree}_entries"] = 0 if state is None else state.size
        for table in (log_tree, log_tile, log_entry, log_checkpoint, log_witness):
            tx.connection.execute(delete(table))
        tx.connection.execute(
            update(log_chain).values(integrated=0, last_hash=GENESIS, closed_ms=None, stuck_ms=None)
        )
        for tree in Tree:
            open_tree(tx, tree, origin=origins[tree], now=now)
        adopt_left_behind(tx, now=now)
        if marks is not None and (marked := mark_older(tx, marks)):
            facts["marked"] = marked
        log.record(tx, Event(EventType.LOG_BEGUN_ANEW, facts=facts), data_key=None, now=now)
