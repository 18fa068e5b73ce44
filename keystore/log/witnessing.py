"""Having checkpoints cosigned: what the log asks of its witnesses, and what it learns.

What lives here: one round with every witness.  The witness says how far it has seen the log; we
prove from there.  When it has seen more than we have, or something else, then the database was
rolled back, or somebody has signed another history with our key: that is remembered, shown, and no
checkpoint counts until the witnesses agree again.
Source: C2SP tlog-witness.  Not here: HTTP (a `WitnessTransport` is handed in).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from keystore.log.checkpoint import parse_head
from keystore.log.checkpoint_storage import (
    StoredCheckpoint,
    WitnessState,
    add_cosignatures,
    find_checkpoint,
    read_witness_states,
    store_witness_state,
)
from keystore.log.entries import Tree
from keystore.log.errors import (
    NoteMalformed,
    NoteNotTrusted,
    ProofInvalid,
    TreeDamaged,
    WitnessRefused,
    WitnessUnreachable,
)
from keystore.log.merkle import prove_consistency
from keystore.log.note import UnverifiedNote, parse_signature_lines
from keystore.log.note_keys import NoteVerifier, parse_vkey, verify_signatures
from keystore.log.sequencer import make_nodes
from keystore.log.witness import SIZE_TYPE, format_request
from keystore.storage import DatabaseLike

COSIGNED: Final = "cosigned"
CONFLICT: Final = "conflict"
"""The witness has seen another history than the one that is stored here."""
REFUSED: Final = "refused"
UNREACHABLE: Final = "unreachable"

_SIZE: Final = re.compile(r"(0|[1-9][0-9]{0,18})\n", re.ASCII)
_REFRESH: Final = timedelta(minutes=10)
"""A log that stands still is cosigned again: a cosignature says until when nothing was hidden."""
_PAUSE: Final = timedelta(seconds=10)
_MOST_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class WitnessReply:
    """What a witness answered."""

    status: int
    content_type: str
    body: bytes


class WitnessTransport(Protocol):
    """The way out; the caller's, because it alone knows which addresses may be called."""

    def post(self, url: str, *, body: bytes) -> WitnessReply:
        """Post to a witness.

        Raises  WitnessUnreachable.
        """

    def get(self, url: str) -> WitnessReply:
        """Fetch from a witness.

        Raises  WitnessUnreachable.
        """


@dataclass(frozen=True, slots=True)
class WitnessConfig:
    """A witness that is trusted: its name, its prefix (no trailing slash), its keys."""

    name: str
    url: str
    keys: tuple[NoteVerifier, ...]


def parse_witness(text: str) -> WitnessConfig:
    """Read a witness from a setting: its URL and its verifier keys, separated by spaces.

    Raises  NoteMalformed("witness").
    """
    url, *vkeys = text.split() or ("",)
    keys = tuple(parse_vkey(vkey) for vkey in vkeys)
    names = {key.name for key in keys}
    if len(names) != 1 or not all(key.kind.is_timestamped for key in keys):
        raise NoteMalformed("witness")
    return WitnessConfig(names.pop(), url.rstrip("/"), keys)


class Witnessing:
    """Asks every witness about every tree.

    Takes   quorum: how many different witnesses a checkpoint needs to count.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        witnesses: Sequence[WitnessConfig],
        transport: WitnessTransport,
        quorum: int = 1,
    ) -> None:
        self._database = database
        self._witnesses = tuple(witnesses)
        self._transport = transport
        self._quorum = quorum

    def run(self, now: datetime) -> tuple[WitnessState, ...]:
        """One round: the duty of every second; returns what was learnt.

        Witnesses that did not answer or disagree are asked again after ten seconds.
        """
        learnt = []
        for tree in Tree:
            for witness in self._witnesses:
                state = self._ask(tree, witness, now=now)
                if state is not None:
                    with self._database.transaction() as tx:
                        store_witness_state(tx, state)
                    learnt.append(state)
        return tuple(learnt)

    def _ask(self, tree: Tree, witness: WitnessConfig, *, now: datetime) -> WitnessState | None:
        with self._database.read() as connection:
            checkpoint = find_checkpoint(connection, tree)
            states = {one.witness: one for one in read_witness_states(connection, tree)}
        if checkpoint is None:
            return None
        last = states.get(witness.name)
        if last is not None and not _is_due(last, checkpoint, now=now):
            return None
        old = last.size if last is not None and last.state == COSIGNED else 0
        try:
            lines = self._submit(checkpoint, witness, old=min(old, checkpoint.size))
            self._keep(checkpoint, witness, lines=lines, now=now)
        except WitnessUnreachable:
            size = 0 if last is None else last.size
            return WitnessState(tree, witness.name, size, UNREACHABLE, 0, now)
        except (NoteMalformed, NoteNotTrusted):
            return WitnessState(tree, witness.name, 0, REFUSED, 200, now)
        except TreeDamaged:
            return WitnessState(tree, witness.name, 0, CONFLICT, 0, now)
        except WitnessRefused as refused:
            if self._is_overtaken(checkpoint, seen=refused.size):
                return None
            is_conflict = refused.status in {409, 422}
            state = CONFLICT if is_conflict else REFUSED
            return WitnessState(tree, witness.name, refused.size or 0, state, refused.status, now)
        return WitnessState(tree, witness.name, checkpoint.size, COSIGNED, 200, now)

    def _submit(self, checkpoint: StoredCheckpoint, witness: WitnessConfig, *, old: int) -> str:
        """Ask for cosignatures, from where the witness says it is.

        Raises  WitnessRefused; WitnessUnreachable; TreeDamaged.
        """
        for _ in range(_MOST_TRIES):
            reply = self._transport.post(
                f"{witness.url}/add-checkpoint", body=self._request(checkpoint, old=old)
            )
            if reply.status == 200:
                return reply.body.decode("utf-8", errors="replace")
            seen = _seen_size(reply)
            if seen is None:
                raise WitnessRefused(reply.status)
            if seen == old or seen > checkpoint.size:
                raise WitnessRefused(reply.status, size=seen)
            old = seen
        raise WitnessRefused(409, size=old)

    def _request(self, checkpoint: StoredCheckpoint, *, old: int) -> bytes:
        with self._database.read() as connection:
            nodes = make_nodes(connection, checkpoint.tree)
            try:
                proof = prove_consistency(old, new=checkpoint.size, nodes=nodes)
            except ProofInvalid as problem:
                raise TreeDamaged(f"{checkpoint.tree} {old}") from problem
        return format_request(old=old, proof=proof, note=checkpoint.note)

    def _is_overtaken(self, checkpoint: StoredCheckpoint, *, seen: int | None) -> bool:
        """Whether another process has shown the witness a newer checkpoint of ours meanwhile."""
        if seen is None or seen <= checkpoint.size:
            return False
        with self._database.read() as connection:
            newest = find_checkpoint(connection, checkpoint.tree)
        return newest is not None and newest.size >= seen

    def _keep(
        self, checkpoint: StoredCheckpoint, witness: WitnessConfig, *, lines: str, now: datetime
    ) -> None:
        """Put verified cosignatures beside the checkpoint, in the place of older ones."""
        text = checkpoint.note.rpartition("\n\n")[0] + "\n"
        head = parse_head(text)
        received = UnverifiedNote(text, parse_signature_lines(lines))
        verified = verify_signatures(received, head=head, keys=witness.keys)
        if not verified:
            raise NoteNotTrusted("too_few_witnesses")
        ours = {(key.name, key.key_id) for key in witness.keys}
        added = [one for one in received.signatures if (one.name, one.key_id) in ours]
        with self._database.transaction() as tx:
            stored = find_checkpoint(tx.connection, checkpoint.tree, size=checkpoint.size)
            if stored is None or stored.note != checkpoint.note:
                return
            before = parse_signature_lines(stored.cosignatures) if stored.cosignatures else ()
            kept = [one for one in before if (one.name, one.key_id) not in ours] + added
            names = {one.name for one in kept} & {one.name for one in self._witnesses}
            add_cosignatures(
                tx,
                stored,
                cosignatures="".join(one.line for one in kept),
                is_enough=len(names) >= max(self._quorum, 1),
                now=now,
            )


def fetch_latest(
    witness: WitnessConfig, *, origin: str, transport: WitnessTransport
) -> bytes | None:
    """The last checkpoint of a log that a witness cosigned, **not** verified; None if it has none.

    Raises  WitnessUnreachable.
    """
    name = hashlib.sha256(origin.encode()).hexdigest()
    reply = transport.get(f"{witness.url}/latest/{name}")
    if reply.status not in {200, 404}:
        raise WitnessUnreachable
    return reply.body if reply.status == 200 else None


def _is_due(last: WitnessState, checkpoint: StoredCheckpoint, *, now: datetime) -> bool:
    if last.state != COSIGNED:
        return now - last.at >= _PAUSE
    return last.size != checkpoint.size or now - last.at >= _REFRESH


def _seen_size(reply: WitnessReply) -> int | None:
    """The size that a witness says it has cosigned, when that is what it says."""
    if reply.status != 409 or reply.content_type.partition(";")[0].strip() != SIZE_TYPE:
        return None
    found = _SIZE.fullmatch(reply.body.decode("latin-1"))
    return None if found is None else int(found[1])
