"""A proof that fits into one file and is checked without us.

What lives here: the text of an inclusion proof with its checkpoint, and the check.  Beside the
standard's lines, `extra` carries the entry, and the event with its nonce when the entry was opened;
nothing of `extra` is believed that does not lead to the leaf.
Source: C2SP tlog-proof.  Not here: making proofs (`keystore/log/proofs.py`).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from keystore.log.checkpoint import Checkpoint, verify_checkpoint
from keystore.log.entries import Entry, parse_entry
from keystore.log.errors import NoteMalformed, ProofInvalid
from keystore.log.merkle import hash_leaf, verify_inclusion
from keystore.log.note import MAX_NOTE_BYTES, from_base64, to_base64
from keystore.log.note_keys import NoteVerifier
from keystore.log.openings import Opening
from keystore.log.proofs import InclusionProof

_HEAD: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_EXTRA: Final = "extra "
_encode: Final = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """An entry that is in the log; `event` is its canonical JSON when the proof opens it."""

    position: int
    entry: Entry
    checkpoint: Checkpoint
    event: bytes | None


class _Extra(msgspec.Struct, forbid_unknown_fields=True):
    entry: str
    event: str | None = None
    nonce: str | None = None


def format_proof(proof: InclusionProof, *, opening: Opening | None = None) -> str:
    """The text of a proof; with `opening` it shows the event, without it only that there is one."""
    extra: dict[str, str] = {"entry": to_base64(proof.entry)}
    if opening is not None:
        extra |= {"event": opening.event.decode(), "nonce": to_base64(opening.nonce)}
    lines = [
        _HEAD,
        _EXTRA + to_base64(_encode(extra)),
        f"index {proof.position}",
        *(to_base64(one) for one in proof.hashes),
        "",
        proof.checkpoint.whole_note,
    ]
    return "\n".join(lines)


def verify_proof(
    raw_proof: bytes,
    *,
    expected_origin: str,
    log_keys: Sequence[NoteVerifier],
    witness_keys: Sequence[NoteVerifier] = (),
    quorum: int = 0,
) -> VerifiedEntry:
    """Check a proof with nothing but public keys.

    1. It is a proof as the specification writes it.
    2. Its checkpoint is signed by the log, and cosigned by so many witnesses as `quorum` says.
    3. The entry is where the proof says, in the tree of that checkpoint.
    4. The event, if it is shown, is the one behind the entry.

    Raises  NoteMalformed; NoteNotTrusted; ProofInvalid.
    """
    # 1
    if len(raw_proof) > 2 * MAX_NOTE_BYTES:
        raise NoteMalformed("too_long")
    head, separator, raw_note = raw_proof.partition(b"\n\n")
    try:
        first, raw_extra, raw_index, *raw_hashes = head.decode("ascii").split("\n")
    except ValueError as problem:
        raise NoteMalformed("proof") from problem
    index = _INDEX.fullmatch(raw_index)
    if not separator or first != _HEAD or index is None or not raw_extra.startswith(_EXTRA):
        raise NoteMalformed("proof")
    try:
        extra = msgspec.json.decode(from_base64(raw_extra.removeprefix(_EXTRA)), type=_Extra)
    except msgspec.MsgspecError as problem:
        raise NoteMalformed("extra") from problem
    raw_entry = from_base64(extra.entry)
    entry = parse_entry(raw_entry)
    # 2
    checkpoint = verify_checkpoint(
        raw_note,
        expected_origin=expected_origin,
        log_keys=log_keys,
        witness_keys=witness_keys,
        quorum=quorum,
    )
    # 3
    position = int(index[1])
    verify_inclusion(
        hash_leaf(raw_entry),
        index=position,
        size=checkpoint.size,
        proof=[from_base64(one) for one in raw_hashes],
        root=checkpoint.root,
    )
    # 4
    event = None
    if extra.event is not None and extra.nonce is not None:
        opening = Opening(from_base64(extra.nonce), extra.event.encode())
        if not hmac.compare_digest(opening.leaf, entry.leaf):
            raise ProofInvalid("event")
        event = opening.event
    return VerifiedEntry(position, entry, checkpoint, event)
