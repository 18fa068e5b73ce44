"""The sequencer: rows that were committed become entries of the trees, and the trees are signed.

**Integrating.** New rows are read and checked against their chains without a lock; tiles and root
are computed in memory; one short transaction writes them if nobody else was quicker.  Any number of
processes may try: the lock of the database lets one at a time write, and a tree that has grown in
the meantime turns the others away.  A row that does not fit its chain stops that chain alone; the
rest is integrated and signed, and then the duty fails, for as long as a chain is stuck.

**Signing.** What is signed was committed before, so no signature speaks of entries that a power cut
could take back.  Before it signs, the sequencer looks at what it signed last: the signature has to
be the log's, and the tree has to begin with the tree of then; also with the largest tree that this
process ever signed, or this host, as a memory outside of the database says.  Otherwise nothing is
signed (`TreeDamaged`).  That keeps us from lending our key to somebody who can write to the
database.  Against whoever has the key as well there are the witnesses
(`keystore/log/witnessing.py`).

Source: architecture, "State" (the append-only log); C2SP tlog-checkpoint (a log never signs two
trees of which one is not the beginning of the other).  Not here: who calls this every second.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from keystore.log.chain_storage import (
    LOG_LOCK,
    NewRows,
    adopt_left_behind,
    advance_chain,
    close_idle,
    find_stuck,
    mark_stuck,
    read_new_rows,
    read_open_chains,
)
from keystore.log.checkpoint import sign_checkpoint, verify_checkpoint
from keystore.log.checkpoint_storage import (
    StoredCheckpoint,
    add_checkpoint,
    find_checkpoint,
    thin_checkpoints,
)
from keystore.log.entries import HOUR_MS, Tree, find_tree, make_entry
from keystore.log.errors import ChainStuck, NoteMalformed, NoteNotTrusted, ProofInvalid, TreeDamaged
from keystore.log.log_keys import LogKeys
from keystore.log.merkle import hash_leaf, prove_consistency, verify_consistency
from keystore.log.note_keys import SignedHead
from keystore.log.row_marks import RowMarks
from keystore.log.signed_heads import HeadMemory
from keystore.log.tiles import Growth, TileNodes, grow, read_edge, root_of_edge
from keystore.log.tree_storage import (
    TreeState,
    add_entries,
    find_tile,
    find_tree_state,
    grow_tree,
    open_tree,
    store_growth,
)
from keystore.storage import DatabaseLike, Transaction, lock_until_commit

_log = logging.getLogger("antin.log")

_BATCH: Final = 2_000
"""About a tenth of a second of work, of which a hundredth holds up writers of SQLite."""
_KEPT_WHOLE: Final = timedelta(hours=1)
_THINNED_AT_ONCE: Final = 1_000


class _OvertakenError(Exception):
    """Another process was quicker; what was computed is thrown away."""


@dataclass(frozen=True, slots=True)
class _Batch:
    found: tuple[NewRows, ...]
    growths: tuple[tuple[TreeState, Growth], ...]
    entries: list[dict[str, Any]]


class Sequencer:
    """Integrates and signs; share one between the threads of a process.

    Takes   origins: the name of each tree, for a database that has none yet: a tree keeps the
            name it began with, because witnesses and clients know it under that name;
            marks: tells rows that were recorded from others; without it every row that fits is
            taken; memory: what was signed, kept outside of the database.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        origins: Mapping[Tree, str],
        keys: LogKeys,
        marks: RowMarks | None = None,
        memory: HeadMemory | None = None,
    ) -> None:
        self._database = database
        self._origins = dict(origins)
        self._keys = keys
        self._marks = marks
        self._memory = memory
        self._signed: dict[Tree, SignedHead] = {}

    def run(self, now: datetime) -> int:
        """Integrate all there is and sign it: the duty of every second.

        Returns how many entries were added.
        Raises  TreeDamaged; ChainStuck, every time while a chain is stuck, after all the rest.
        """
        added = 0
        while count := self.integrate(now):
            added += count
        self.sign(now)
        with self._database.read() as connection:
            stuck = find_stuck(connection)
        if stuck:
            raise ChainStuck(tuple(f"{writer}/{seq}" for writer, seq in stuck))
        return added

    def integrate(self, now: datetime, *, limit: int = _BATCH) -> int:
        """Add new rows to their trees, `limit` at most; returns how many were added.

        Raises  TreeDamaged when the right edge of a tree is not what its root says.
        """
        with self._database.read() as connection:
            found = _read_new(connection, limit=limit, marks=self._marks)
            states = {tree: find_tree_state(connection, tree) for tree in Tree}
        broken = [one.chain for one in found if one.broken is not None]
        if broken:
            for chain in broken:
                _log.error("log_chain_stuck writer=%s after=%s", chain.writer, chain.integrated)
            with self._database.transaction() as tx:
                mark_stuck(tx, broken, now=now)
        if None in states.values():
            self._begin_trees(now)
            return self.integrate(now, limit=limit)
        found = tuple(one for one in found if one.rows)
        if not found:
            return 0
        try:
            with self._database.read() as connection:
                batch = _prepare(connection, found, [one for one in states.values() if one])
            with self._database.transaction() as tx:
                lock_until_commit(tx, name=LOG_LOCK)
                _write(tx, batch, now=now)
        except _OvertakenError:
            return 0
        return len(batch.entries)

    def sign(self, now: datetime) -> tuple[StoredCheckpoint, ...]:
        """Sign each tree that has grown since it was signed; returns what was signed.

        Raises  TreeDamaged when a tree does not go on from what was signed before.
        """
        made = []
        damaged: TreeDamaged | None = None
        for tree in Tree:
            try:
                signed = self._sign_tree(tree, now=now)
            except TreeDamaged as problem:
                damaged = problem  # the other tree may be whole
                continue
            if signed is not None:
                made.append(signed)
        if damaged is not None:
            raise damaged
        return tuple(made)

    def tidy(self, now: datetime) -> None:
        """Open what was left behind, close what is over, thin out old checkpoints: hourly."""
        with self._database.transaction() as tx:
            lock_until_commit(tx, name=LOG_LOCK)
            adopt_left_behind(tx, now=now)
            close_idle(tx, read_open_chains(tx.connection), now=now)
        thinned = _THINNED_AT_ONCE
        while thinned == _THINNED_AT_ONCE:
            with self._database.transaction() as tx:
                thinned = thin_checkpoints(
                    tx, before=now - _KEPT_WHOLE, hour_ms=HOUR_MS, limit=_THINNED_AT_ONCE
                )

    def _sign_tree(self, tree: Tree, *, now: datetime) -> StoredCheckpoint | None:
        with self._database.read() as connection:
            state = find_tree_state(connection, tree)
        if state is None:
            return None
        remembered = self._remembered(state.origin)  # before the checkpoints, which only grow
        with self._database.read() as connection:
            last = find_checkpoint(connection, tree)  # before the tree, which only grows
            state = find_tree_state(connection, tree)
            if state is None or not self._check_history(
                connection, state, last=last, remembered=remembered, now=now
            ):
                return None
        head = SignedHead(state.origin, state.size, state.root)
        signers = self._keys.signers(state.origin, now=now)
        note = sign_checkpoint(head, signers=signers, now=now)
        # a signature that does not verify never leaves
        verify_checkpoint(
            note.encode(),
            expected_origin=state.origin,
            log_keys=[one.verifier for one in signers],
        )
        with self._database.transaction() as tx:
            lock_until_commit(tx, name=LOG_LOCK)
            newest = find_checkpoint(tx.connection, tree)
            if newest is not None and newest.size >= state.size:
                return None
            add_checkpoint(tx, state, note=note, now=now)
        self._signed[tree] = head
        if self._memory is not None:
            self._memory.save(head)
        return StoredCheckpoint(tree, state.size, state.root, now, note, "", None)

    def _remembered(self, origin: str) -> SignedHead | None:
        return None if self._memory is None else self._memory.find(origin)

    def _begin_trees(self, now: datetime) -> None:
        for tree in Tree:
            remembered = self._remembered(self._origins[tree])
            if remembered is not None and remembered.size > 0:
                raise TreeDamaged(f"{tree} rolled back from {remembered.size}")
        with self._database.transaction() as tx:
            lock_until_commit(tx, name=LOG_LOCK)
            for tree in Tree:
                open_tree(tx, tree, origin=self._origins[tree], now=now)
            adopt_left_behind(tx, now=now)

    def _check_history(
        self,
        connection: Connection,
        state: TreeState,
        *,
        last: StoredCheckpoint | None,
        remembered: SignedHead | None,
        now: datetime,
    ) -> bool:
        """Whether there is something to sign; refuses a tree that is not the one signed before."""
        signed = self._signed.get(state.tree)
        if signed is not None and signed.origin != state.origin:
            signed = None  # another log, by the operator's command
        if remembered is not None and remembered.origin != state.origin:
            remembered = None
        if signed is None or (remembered is not None and remembered.size > signed.size):
            signed = remembered
        if signed is not None and (last is None or signed.size > last.size):
            raise TreeDamaged(f"{state.tree} rolled back from {signed.size}")
        if last is None:
            return True
        try:
            checkpoint = verify_checkpoint(
                last.note.encode(),
                expected_origin=state.origin,
                log_keys=self._keys.verifiers(state.origin, now=now),
            )
        except (NoteMalformed, NoteNotTrusted) as problem:
            raise TreeDamaged(f"{state.tree} checkpoint {last.size}") from problem
        if self._memory is not None and (remembered is None or remembered.size < checkpoint.size):
            # what another host signed; it is looked at below before anything is signed after it
            self._memory.save(SignedHead(state.origin, checkpoint.size, checkpoint.root))
        if signed is not None and signed.size == checkpoint.size and signed.root != checkpoint.root:
            raise TreeDamaged(f"{state.tree} checkpoint {last.size}")
        if (checkpoint.size, checkpoint.root) == (state.size, state.root):
            return False
        nodes = make_nodes(connection, state.tree)
        heads = [SignedHead(state.origin, checkpoint.size, checkpoint.root)]
        if signed is not None:
            heads.append(signed)
        for head in heads:
            _check_follows(state, head, nodes=nodes)
        return True


def make_nodes(connection: Connection, tree: Tree) -> TileNodes:
    """The nodes of a tree as it is stored now."""
    return TileNodes(lambda level, tile: find_tile(connection, tree, level=level, tile=tile))


def _check_follows(state: TreeState, head: SignedHead, *, nodes: TileNodes) -> None:
    where = f"{state.tree} from {head.size} to {state.size}"
    try:
        verify_consistency(
            prove_consistency(head.size, new=state.size, nodes=nodes),
            old=head.size,
            old_root=head.root,
            new=state.size,
            new_root=state.root,
        )
    except ProofInvalid as problem:
        raise TreeDamaged(where) from problem


def _read_new(connection: Connection, *, limit: int, marks: RowMarks | None) -> tuple[NewRows, ...]:
    found = []
    for chain in read_open_chains(connection):
        if chain.head == chain.integrated:
            continue
        if limit <= 0:
            break
        rows = read_new_rows(connection, chain, limit=limit, marks=marks)
        limit -= len(rows.rows)
        found.append(rows)
    return tuple(found)


def _prepare(
    connection: Connection, found: Sequence[NewRows], states: Sequence[TreeState]
) -> _Batch:
    """Sort new rows into the trees by time, and grow the trees in memory."""
    queued: dict[Tree, list[tuple[int, int, int, bytes]]] = {tree: [] for tree in Tree}
    for one in found:
        chain_id = one.chain.chain_id
        for row in one.rows:
            entry = make_entry(at_ms=row.at_ms, leaf=row.leaf, row_hash=row.row_hash)
            queued[find_tree(row.type)].append((row.at_ms, chain_id, row.seq, hash_leaf(entry)))
    growths = []
    entries: list[dict[str, Any]] = []
    for state in states:
        new = sorted(queued[state.tree])
        if not new:
            continue
        edge = _read_edge(connection, state)
        growths.append((state, grow(state.size, edge=edge, leaves=[one[3] for one in new])))
        tree = state.tree.value
        entries += [
            {"tree": tree, "position": position, "chain_id": chain_id, "seq": seq}
            for position, (_at_ms, chain_id, seq, _leaf) in enumerate(new, start=state.size)
        ]
    return _Batch(tuple(found), tuple(growths), entries)


def _read_edge(connection: Connection, state: TreeState) -> tuple[bytes, ...]:
    try:
        edge = read_edge(
            state.size,
            read_tile=lambda level, tile: find_tile(connection, state.tree, level=level, tile=tile),
        )
        if root_of_edge(state.size, edge=edge) == state.root:
            return edge
    except TreeDamaged:
        if find_tree_state(connection, state.tree) == state:
            raise
    if find_tree_state(connection, state.tree) == state:
        raise TreeDamaged(f"{state.tree} root of {state.size}")
    raise _OvertakenError  # it grew while its tiles were read


def _write(tx: Transaction, batch: _Batch, *, now: datetime) -> None:
    for state, growth in batch.growths:
        if not grow_tree(tx, state, size=growth.size, root=growth.root, now=now):
            raise _OvertakenError
        store_growth(tx, state.tree, growth)
    for one in batch.found:
        if not advance_chain(tx, one):
            raise _OvertakenError
    add_entries(tx, batch.entries)
