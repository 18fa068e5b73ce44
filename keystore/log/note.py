"""Signed notes: a text and the signature lines under it.

What lives here: reading and writing the form.  A note that was read is **not** verified: nothing of
its text may be believed before `keystore/log/note_keys.py` has found signatures of known keys.
Source: C2SP signed-note.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from keystore.log.errors import NoteMalformed

MAX_NOTE_BYTES: Final = 128 * 1024
"""A checkpoint with thirty post-quantum signatures; anything longer is not a checkpoint."""
_MAX_SIGNATURES: Final = 32
_KEY_ID_BYTES: Final = 4
_DASH: Final = "— "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_KEY_NAME: Final = re.compile(r"[^\s+]{1,255}")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line.  Takes key_id: 4 bytes; signature: what follows them, never empty."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line, with its newline."""
        return f"{_DASH}{self.name} {to_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class UnverifiedNote:
    """What a note says and who says to have signed it.  `text` ends with a newline."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(one.line for one in self.signatures)


def parse_note(raw_note: bytes) -> UnverifiedNote:
    """Take a note apart; strict, because two readings of one note are two notes.

    Raises  NoteMalformed.
    """
    if len(raw_note) > MAX_NOTE_BYTES:
        raise NoteMalformed("too_long")
    try:
        note = raw_note.decode()
    except UnicodeDecodeError as problem:
        raise NoteMalformed("not_utf8") from problem
    if _CONTROL.search(note):
        raise NoteMalformed("control_character")
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not text or not signatures:
        raise NoteMalformed("no_signatures")
    return UnverifiedNote(text + "\n", parse_signature_lines(signatures))


def parse_signature_lines(lines: str) -> tuple[NoteSignature, ...]:
    """Signature lines alone, as a witness answers them.

    Raises  NoteMalformed.
    """
    if not lines.endswith("\n"):
        raise NoteMalformed("no_last_newline")
    parts = lines[:-1].split("\n")
    if len(parts) > _MAX_SIGNATURES:
        raise NoteMalformed("too_many_signatures")
    return tuple(_parse_line(line) for line in parts)


def is_key_name(name: str) -> bool:
    """Whether a key may be called so: no white space, no plus sign."""
    return _KEY_NAME.fullmatch(name) is not None and not _CONTROL.search(name)


def to_base64(value: bytes) -> str:
    """RFC 4648 §4, padded."""
    return base64.b64encode(value).decode()


def from_base64(encoded: str) -> bytes:
    """The bytes behind `encoded`, in its one spelling.

    Raises  NoteMalformed("base64").
    """
    try:
        value = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise NoteMalformed("base64") from problem
    if to_base64(value) != encoded:
        raise NoteMalformed("base64")
    return value


def _parse_line(line: str) -> NoteSignature:
    if not line.startswith(_DASH):
        raise NoteMalformed("signature_line")
    name, space, encoded = line[len(_DASH) :].partition(" ")
    if not space or not is_key_name(name):
        raise NoteMalformed("signature_line")
    raw = from_base64(encoded)
    if len(raw) <= _KEY_ID_BYTES:
        raise NoteMalformed("signature_line")
    return NoteSignature(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])
