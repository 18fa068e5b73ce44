"""Sealing what is too large for memory: one key, pieces in order, an end that cannot be cut off.

What lives here: authenticated encryption of a stream in pieces of 1 MiB, each under its number and
whether it is the last, so that pieces that are missing, doubled, moved or cut off do not open.  The
key is made for one stream and is used for no other; who keeps it seals it (`keystore.sealing`).
Source: the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár (CRYPTO 2015), with
AES-256-GCM (NIST SP 800-38D: one nonce is never used twice under one key).
Not here: where the pieces are kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keystore.errors import SealBroken

PIECE_BYTES: Final = 1 << 20
TAG_BYTES: Final = 16
SEALED_BYTES: Final = PIECE_BYTES + TAG_BYTES
KEY_BYTES: Final = 32
_LONGEST: Final = 1 << 32
"""Pieces: four pebibytes, far below what one key may encrypt under counted nonces."""


def make_stream_key() -> bytes:
    """A key for one stream, 32 bytes."""
    return secrets.token_bytes(KEY_BYTES)


def seal_stream(
    chunks: Iterable[bytes | memoryview], *, key: bytes, context: str
) -> Iterator[bytes]:
    """The sealed pieces of a stream, in order; an empty stream has one too.

    Takes   chunks: the stream, cut anywhere; key: from `make_stream_key`, for this stream alone;
            context: the identity of the record, `kind:id`; the same is needed to open.
    """
    cipher, bound = AESGCM(key), context.encode()
    number = 0
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) > PIECE_BYTES:  # the last piece is sealed when it is known to be the last
            yield cipher.encrypt(_nonce(number, is_last=False), held[:PIECE_BYTES], bound)
            del held[:PIECE_BYTES]
            number += 1
    yield cipher.encrypt(_nonce(number, is_last=True), held, bound)


def seal_piece(plaintext: bytes, *, key: bytes, context: str) -> bytes:
    """What `seal_stream` gives for a stream of at most `PIECE_BYTES`: its one piece.

    Takes   key: from `make_stream_key`, for this stream alone.
    Raises  ValueError: it is longer.
    """
    if len(plaintext) > PIECE_BYTES:
        raise ValueError("too_long")
    return AESGCM(key).encrypt(_nonce(0, is_last=True), plaintext, context.encode())


def open_stream(sealed: Iterable[bytes], *, key: bytes, context: str) -> Iterator[bytes]:
    """The stream of what `seal_stream` gave.

    Nothing of it may be used for good before the iterator has come to its end: only then is it
    known that nothing was cut off.
    Takes   sealed: cut anywhere.
    Raises  SealBroken: another key or context, pieces missing, moved or changed.
    """
    cipher, bound = AESGCM(key), context.encode()
    number = 0
    held = bytearray()
    try:
        for chunk in sealed:
            held += chunk
            while len(held) > PIECE_BYTES + TAG_BYTES:
                piece = held[: PIECE_BYTES + TAG_BYTES]
                yield cipher.decrypt(_nonce(number, is_last=False), piece, bound)
                del held[: PIECE_BYTES + TAG_BYTES]
                number += 1
        yield cipher.decrypt(_nonce(number, is_last=True), held, bound)
    except (InvalidTag, ValueError) as tampering:
        raise SealBroken from tampering


def open_piece(sealed: bytes, *, number: int, is_last: bool, key: bytes, context: str) -> bytes:
    """One piece of what `seal_stream` gave, which begins at `number` × `SEALED_BYTES`.

    Whoever asks knows from elsewhere how long the stream is, and with that which piece is the last.
    Raises  SealBroken: another key, context or place, or it was changed.
    """
    try:
        return AESGCM(key).decrypt(_nonce(number, is_last=is_last), sealed, context.encode())
    except (InvalidTag, ValueError) as tampering:
        raise SealBroken from tampering


def _nonce(number: int, *, is_last: bool) -> bytes:
    if number >= _LONGEST:
        raise ValueError("too_long")
    return number.to_bytes(11, "big") + bytes((is_last,))
