"""Checkpoints: what a log says about itself, in three lines.

What lives here: the text of a checkpoint and the reading of it; a checkpoint comes out of
`verify_checkpoint` only, once signatures of known keys were found under it.
Source: C2SP tlog-checkpoint.  Not here: keys (`keystore/log/note_keys.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keystore.log.errors import NoteMalformed, NoteNotTrusted
from keystore.log.merkle import HASH_BYTES, MAX_SIZE
from keystore.log.note import (
    NoteSignature,
    UnverifiedNote,
    from_base64,
    parse_note,
    to_base64,
)
from keystore.log.note_keys import NoteSigner, NoteVerifier, SignedHead, verify_signatures

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head whose signatures were verified.

    Takes   root: 32 bytes; note: the whole note as it was verified;
            log_keys, witnesses: names of the verifiers whose signatures are under it;
            witnessed_at: the latest instant that a witness put beside its signature.
    """

    origin: str
    size: int
    root: bytes
    note: str
    log_keys: tuple[str, ...]
    witnesses: tuple[str, ...]
    witnessed_at: datetime | None


def format_checkpoint(head: SignedHead) -> str:
    """The text of a checkpoint; no extension lines, which nobody could audit.

    Raises  NoteMalformed when the origin cannot be a line.
    """
    if not head.origin or "\n" in head.origin or not 0 <= head.size <= MAX_SIZE:
        raise NoteMalformed("origin")
    return f"{head.origin}\n{head.size}\n{to_base64(head.root)}\n"


def parse_head(text: str) -> SignedHead:
    """The head that a text speaks of, **not** verified.

    Raises  NoteMalformed.
    """
    lines = text.split("\n")
    # the text ends with a newline, so that the last part is empty and no other may be
    if len(lines) < 4 or not all(lines[:-1]):
        raise NoteMalformed("checkpoint_lines")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise NoteMalformed("size")
    raw_root = from_base64(root)
    if len(raw_root) != HASH_BYTES:
        raise NoteMalformed("root")
    return SignedHead(origin, int(size), raw_root)


def sign_checkpoint(head: SignedHead, *, signers: Sequence[NoteSigner], now: datetime) -> str:
    """The note of a head with one line per signer, in their order."""
    text = format_checkpoint(head)
    lines = tuple(signer.sign(text, head=head, now=now) for signer in signers)
    return str(UnverifiedNote(text, lines))


def cosign(note: UnverifiedNote, *, signer: NoteSigner, now: datetime) -> NoteSignature:
    """One more signature for a note, by a witness."""
    return signer.sign(note.text, head=parse_head(note.text), now=now)


def verify_checkpoint(
    raw_note: bytes,
    *,
    expected_origin: str,
    log_keys: Sequence[NoteVerifier],
    witness_keys: Sequence[NoteVerifier] = (),
    quorum: int = 0,
) -> Checkpoint:
    """Read a checkpoint that others can rely on.

    1. It is a note whose text is a checkpoint of this log.
    2. Every signature of a known key verifies; those of unknown keys are passed over.
    3. One of them at least is the log's own.
    4. So many different witnesses as `quorum` says have cosigned it.

    Raises  NoteMalformed; NoteNotTrusted.
    """
    # 1
    note = parse_note(raw_note)
    head = parse_head(note.text)
    if head.origin != expected_origin:
        raise NoteMalformed("origin")
    # 2
    by_log = verify_signatures(note, head=head, keys=log_keys)
    by_witnesses = verify_signatures(note, head=head, keys=witness_keys)
    # 3
    if not by_log:
        raise NoteNotTrusted("unsigned")
    # 4
    names = tuple(dict.fromkeys(one.name for one in by_witnesses))
    if len(names) < quorum:
        raise NoteNotTrusted("too_few_witnesses")
    instants = [one.signed_at for one in by_witnesses if one.signed_at is not None]
    return Checkpoint(
        origin=head.origin,
        size=head.size,
        root=head.root,
        note=str(note),
        log_keys=tuple(dict.fromkeys(one.name for one in by_log)),
        witnesses=names,
        witnessed_at=max(instants, default=None),
    )
