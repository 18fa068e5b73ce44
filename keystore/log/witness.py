"""The witness: signs that it has seen a log only grow.

What lives here: the judgement over one `add-checkpoint` request, and what a witness keeps: for each
log the last checkpoint it cosigned, and what it refused although the log had signed it, which is
proof against whoever runs the log.  A witness knows the keys of its logs beforehand and trusts
nothing else that it is told.  The order of the checks and the answers are the specification's.
Source: C2SP tlog-witness, tlog-cosignature.  Not here: HTTP, the witness's own files.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from keystore.log.checkpoint import Checkpoint, parse_head, verify_checkpoint
from keystore.log.errors import NoteMalformed, NoteNotTrusted, ProofInvalid
from keystore.log.merkle import EMPTY_ROOT, verify_consistency
from keystore.log.note import (
    NoteSignature,
    UnverifiedNote,
    from_base64,
    parse_note,
    to_base64,
)
from keystore.log.note_keys import NoteSigner, NoteVerifier, SignedHead

MOST_BYTES: Final = 160 * 1024
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
_MOST_PROOF_LINES: Final = 63
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


class WitnessStore(Protocol):
    """What a witness must not forget."""

    def find(self, origin: str) -> str | None:
        """The last checkpoint that was cosigned, with the cosignatures; None before the first.

        Raises  WitnessStateMissing when it was lost: nothing may be signed after it.
        """

    def save(self, origin: str, note: str) -> None:
        """Keep this one instead; durable when it returns."""

    def keep_evidence(self, origin: str, *, request: bytes, is_fork: bool) -> None:
        """Keep a request whose checkpoint the log signed and that was not shown to follow.

        Takes   is_fork: another root for the size that was cosigned, which proves a fork;
                otherwise whoever sent it may just have sent a wrong proof.
        """


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What goes back: status, media type, body."""

    status: int
    content_type: str
    body: str


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request taken apart, **not** verified."""

    old: int
    proof: tuple[bytes, ...]
    raw_note: bytes


def format_request(*, old: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of a request."""
    lines = [f"old {old}", *(to_base64(one) for one in proof), "", note]
    return "\n".join(lines).encode()


def parse_request(raw_body: bytes) -> AddCheckpoint:
    """Take a body apart.

    Raises  NoteMalformed.
    """
    head, separator, raw_note = raw_body.partition(b"\n\n")
    if not separator or len(raw_body) > MOST_BYTES:
        raise NoteMalformed("request")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as problem:
        raise NoteMalformed("request") from problem
    old = _OLD.fullmatch(first)
    if old is None or len(lines) > _MOST_PROOF_LINES:
        raise NoteMalformed("request")
    return AddCheckpoint(int(old[1]), tuple(from_base64(line) for line in lines), raw_note)


class Witness:
    """Judges requests, one after the other: what it has seen is read and written under one lock.

    Takes   signers: of the witness; logs: origin → public keys of that log.
    """

    def __init__(
        self,
        store: WitnessStore,
        *,
        signers: Sequence[NoteSigner],
        logs: Mapping[str, Sequence[NoteVerifier]],
    ) -> None:
        self._store = store
        self._signers = tuple(signers)
        self._logs = dict(logs)
        self._lock = threading.Lock()

    def add_checkpoint(self, raw_body: bytes, *, now: datetime) -> WitnessAnswer:
        """Cosign a checkpoint, or say why not.

        1. The body is a request (400), for a log that is known (404).
        2. A key of that log has signed the checkpoint (403).
        3. The old size is not larger than the new one (400).
        4. It is the size of what was cosigned last (409, with that size).
        5. The proof leads from the old root to the new one (422); with equal sizes the roots are
           equal (409).
        6. The checkpoint is kept before the cosignature leaves.

        Raises  WitnessStateMissing: what was cosigned last is not known any more.
        """
        try:  # 1
            request = parse_request(raw_body)
            origin = parse_head(parse_note(request.raw_note).text).origin
        except NoteMalformed:
            return _say(400, "malformed")
        keys = self._logs.get(origin)
        if keys is None:
            return _say(404, "unknown log")
        try:  # 2
            checkpoint = verify_checkpoint(request.raw_note, expected_origin=origin, log_keys=keys)
        except NoteNotTrusted:
            return _say(403, "not signed by the log")
        if request.old > checkpoint.size:  # 3
            return _say(400, "old size")
        with self._lock:
            return self._judge(request, checkpoint, raw_body=raw_body, now=now)

    def latest(self, origin: str) -> str | None:
        """The last checkpoint that was cosigned, for whoever wants to compare.

        Raises  WitnessStateMissing.
        """
        return self._store.find(origin)

    @property
    def origins(self) -> tuple[str, ...]:
        """The logs that are watched."""
        return tuple(self._logs)

    def _judge(
        self, request: AddCheckpoint, checkpoint: Checkpoint, *, raw_body: bytes, now: datetime
    ) -> WitnessAnswer:
        seen = self._seen(checkpoint.origin)
        is_fork = checkpoint.size == seen.size and checkpoint.root != seen.root
        if request.old != seen.size and not is_fork:  # 4
            return WitnessAnswer(409, SIZE_TYPE, f"{seen.size}\n")
        try:  # 5
            if is_fork:
                raise ProofInvalid("new_root")
            _check_growth(request.proof, seen=seen, checkpoint=checkpoint)
        except ProofInvalid:
            self._store.keep_evidence(checkpoint.origin, request=raw_body, is_fork=is_fork)
            if is_fork:
                return WitnessAnswer(409, SIZE_TYPE, f"{seen.size}\n")
            return _say(422, "not consistent")
        # 6
        note = parse_note(request.raw_note)
        head = SignedHead(checkpoint.origin, checkpoint.size, checkpoint.root)
        lines = tuple(one.sign(note.text, head=head, now=now) for one in self._signers)
        self._store.save(
            checkpoint.origin, str(UnverifiedNote(note.text, self._kept(note) + lines))
        )
        return WitnessAnswer(200, TEXT_TYPE, "".join(one.line for one in lines))

    def _seen(self, origin: str) -> SignedHead:
        note = self._store.find(origin)
        if note is None:
            return SignedHead(origin, 0, EMPTY_ROOT)
        return parse_head(parse_note(note.encode()).text)

    def _kept(self, note: UnverifiedNote) -> tuple[NoteSignature, ...]:
        """The signatures of the log itself; others are not ours to keep."""
        head = parse_head(note.text)
        known = {(one.name, one.key_id) for one in self._logs[head.origin]}
        return tuple(one for one in note.signatures if (one.name, one.key_id) in known)


def _check_growth(proof: Sequence[bytes], *, seen: SignedHead, checkpoint: Checkpoint) -> None:
    verify_consistency(
        proof,
        old=seen.size,
        old_root=seen.root,
        new=checkpoint.size,
        new_root=checkpoint.root,
    )
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise ProofInvalid("new_root")


def _say(status: int, text: str) -> WitnessAnswer:
    return WitnessAnswer(status, TEXT_TYPE, f"{text}\n")
