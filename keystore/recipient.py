"""Sealing to a person whose data key one does not hold.

What lives here: HPKE to a key pair that is derived from the person's data key.  A process apart,
such as the signer, is given the public half and can put something under the person's data key
without being able to open anything; whoever holds the data key opens it, and once that is destroyed
nobody does.  Source: RFC 9180 §6.1 (base mode), suite X25519, HKDF-SHA256, AES-256-GCM; RFC 5869.
Not here: data keys (`keystore/sealing.py`, which opens what is sealed here like anything else).
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keystore.errors import SealBroken

RECIPIENT_BYTES: Final = 32
SEALED_TO: Final = 3
"""First byte of what is sealed here; `Sealer` has formats of its own."""

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSE: Final = b"antin recipient 1"
_HEAD: Final = bytes((SEALED_TO,))


def recipient_of(key: bytes) -> bytes:
    """The public key (32 bytes) of whoever holds the data key `key` (32 bytes, unwrapped)."""
    return _private(key).public_key().public_bytes_raw()


def is_recipient(raw: bytes) -> bool:
    """Whether one can seal to `raw`: 32 bytes that are no point of small order (RFC 7748 §6.1)."""
    try:
        seal_to(raw, b"", context="")
    except ValueError:
        return False
    return True


def seal_to(recipient: bytes, plaintext: bytes, *, context: str) -> bytes:
    """Encrypt `plaintext` for one record of one person.

    Takes   context: the identity of the record; the same is needed to open.
    Returns format (1 byte), encapsulated key (32), ciphertext, tag (16).
    Raises  ValueError when `recipient` is no public key.
    """
    public = X25519PublicKey.from_public_bytes(recipient)
    return _HEAD + _SUITE.encrypt(plaintext, public, info=_info(context))


def open_sealed_to(key: bytes, sealed: bytes, *, context: str) -> bytes:
    """Decrypt what `seal_to` returned for the recipient of `key` and the same context.

    Raises  SealBroken.
    """
    if sealed[:1] != _HEAD:
        raise SealBroken
    try:
        return _SUITE.decrypt(sealed[1:], _private(key), info=_info(context))
    except (InvalidTag, ValueError) as tampering:
        raise SealBroken from tampering


def _private(key: bytes) -> X25519PrivateKey:
    derived = HKDF(SHA256(), length=RECIPIENT_BYTES, salt=None, info=_PURPOSE).derive(key)
    return X25519PrivateKey.from_private_bytes(derived)


def _info(context: str) -> bytes:
    return _PURPOSE + b"\x00" + context.encode()
