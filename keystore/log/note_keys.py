"""Keys of notes: what signs a checkpoint, and what is needed to check it.

What lives here: three kinds of signature.  A log signs with Ed25519 (the form every client knows)
and with ML-DSA-44 beside it; a witness with either form of a *cosignature*, which says when it had
seen nothing larger.  A verifier key has a text (vkey) to put into a configuration.
Source: C2SP signed-note (Ed25519, 0x01), tlog-cosignature (Ed25519 0x04, ML-DSA-44 0x06); FIPS 204.
Not here: where private keys are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from keystore.clock import from_ms, to_ms
from keystore.log.errors import NoteMalformed, NoteNotTrusted
from keystore.log.note import (
    NoteSignature,
    UnverifiedNote,
    from_base64,
    is_key_name,
    to_base64,
)

_TIMESTAMP_BYTES: Final = 8
_LATEST_S: Final = 253_402_300_799
"""The end of the year 9999, after which there is no `datetime`."""
_SUBTREE_LABEL: Final = b"subtree/v1\n\x00"
_KEY_ID_HEX: Final = 8


class KeyKind(IntEnum):
    """The signature type identifiers that are spoken here."""

    ED25519 = 0x01
    ED25519_COSIGNATURE = 0x04
    MLDSA44_COSIGNATURE = 0x06

    @property
    def is_timestamped(self) -> bool:
        """Whether the signature says when it was made."""
        return self is not KeyKind.ED25519

    @property
    def public_bytes(self) -> int:
        """Length of the public key."""
        return 1312 if self is KeyKind.MLDSA44_COSIGNATURE else 32


@dataclass(frozen=True, slots=True)
class SignedHead:
    """What a checkpoint speaks of: the first `size` entries of `origin` have this root."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature that was checked; `signed_at` for kinds that say it."""

    name: str
    kind: KeyKind
    signed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A public key with the name under which it signs."""

    name: str
    kind: KeyKind
    public: bytes = field(repr=False)

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart; no proof of anything."""
        named = self.name.encode() + b"\n" + bytes((self.kind,)) + self.public
        return hashlib.sha256(named).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one word, for configurations."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes((self.kind,)) + self.public)}"

    def verify(self, signature: bytes, *, text: str, head: SignedHead) -> VerifiedSignature:
        """Check one signature of this key.

        Raises  NoteNotTrusted("signature").
        """
        signed_at_s = 0
        if self.kind.is_timestamped:
            raw, signature = signature[:_TIMESTAMP_BYTES], signature[_TIMESTAMP_BYTES:]
            signed_at_s = int.from_bytes(raw, "big")
            if len(raw) != _TIMESTAMP_BYTES or signed_at_s > _LATEST_S:
                raise NoteNotTrusted("signature")
        message = _message(self, text=text, head=head, at_s=signed_at_s)
        try:
            if self.kind is KeyKind.MLDSA44_COSIGNATURE:
                MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as problem:
            raise NoteNotTrusted("signature") from problem
        # 0 makes no statement about the time
        is_dated = self.kind.is_timestamped and signed_at_s > 0
        return VerifiedSignature(
            self.name, self.kind, from_ms(signed_at_s * 1000) if is_dated else None
        )


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A key that signs notes; `_sign` takes a message and returns the raw signature."""

    verifier: NoteVerifier
    _sign: Callable[[bytes], bytes] = field(repr=False)

    def sign(self, text: str, *, head: SignedHead, now: datetime) -> NoteSignature:
        """The signature line of this key under `text`, which speaks of `head`."""
        at_s = to_ms(now) // 1000
        signature = self._sign(_message(self.verifier, text=text, head=head, at_s=at_s))
        if self.verifier.kind.is_timestamped:
            signature = at_s.to_bytes(_TIMESTAMP_BYTES, "big") + signature
        return NoteSignature(self.verifier.name, self.verifier.key_id, signature)


def parse_vkey(vkey: str) -> NoteVerifier:
    """Read a verifier key.

    Raises  NoteMalformed: no such form, an unknown kind, or an id of another key.
    """
    parts = vkey.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]) or len(parts[1]) != _KEY_ID_HEX:
        raise NoteMalformed("vkey")
    raw = from_base64(parts[2])
    try:
        kind = KeyKind(raw[0])
    except (ValueError, IndexError) as problem:
        raise NoteMalformed("vkey") from problem
    verifier = NoteVerifier(parts[0], kind, raw[1:])
    if len(verifier.public) != kind.public_bytes or verifier.key_id.hex() != parts[1]:
        raise NoteMalformed("vkey")
    return verifier


def verify_signatures(
    note: UnverifiedNote, *, head: SignedHead, keys: Sequence[NoteVerifier]
) -> tuple[VerifiedSignature, ...]:
    """The signatures of `keys` under a note; those of others are passed over.

    Raises  NoteNotTrusted("signature") when one of a known key does not verify: a note that is
            half forged is worth nothing.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found = []
    for one in note.signatures:
        key = known.get((one.name, one.key_id))
        if key is not None:
            found.append(key.verify(one.signature, text=note.text, head=head))
    return tuple(found)


def _message(key: NoteVerifier, *, text: str, head: SignedHead, at_s: int) -> bytes:
    """What a key signs: the text, the text with a time before it, or the head as a structure."""
    if key.kind is KeyKind.ED25519:
        return text.encode()
    if key.kind is KeyKind.ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {at_s}\n{text}".encode()
    return b"".join(
        (
            _SUBTREE_LABEL,
            _short(key.name),
            at_s.to_bytes(8, "big"),
            _short(head.origin),
            (0).to_bytes(8, "big"),
            head.size.to_bytes(8, "big"),
            head.root,
        )
    )


def _short(value: str) -> bytes:
    encoded = value.encode()
    if not 1 <= len(encoded) <= 255:
        raise NoteMalformed("name_length")
    return bytes((len(encoded),)) + encoded
