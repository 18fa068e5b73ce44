"""Authenticated encryption with a nonce that may be random for ever: XAES-256-GCM.

What lives here: AES-256-GCM whose key and nonce are derived from one 256-bit key and 24 random
bytes.  With plain AES-GCM a random 96-bit nonce allows 2^32 messages under one key, which a
national service reaches; here there is no such limit to count.  Source: C2SP XAES-256-GCM;
NIST SP 800-38D, SP 800-108r1.  Not here: key hierarchy, formats, storage.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from keystore.errors import SealBroken

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 24
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = NONCE_BYTES + TAG_BYTES

_GCM_POLYNOMIAL: Final = 0x87
_BLOCK_MASK: Final = (1 << 128) - 1


class AeadKey:
    """One 256-bit key, ready for use by any thread; its `repr` shows nothing."""

    __slots__ = ("_first_mask", "_idle", "_second_mask", "_single_blocks")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("key_length")
        self._single_blocks: Final = Cipher(AES(key), ECB())  # noqa: S305 - one block, as CMAC
        # one for each thread that was ever here at the same time: making one ready costs as much
        # as all that is then done with it
        self._idle: Final[list[CipherContext]] = []
        last = int.from_bytes(self._encrypt_blocks(bytes(16)), "big")
        subkey = (last << 1) & _BLOCK_MASK
        if last >> 127:
            subkey ^= _GCM_POLYNOMIAL
        self._first_mask: Final = subkey ^ int.from_bytes(b"\x00\x01X\x00" + bytes(12), "big")
        self._second_mask: Final = subkey ^ int.from_bytes(b"\x00\x02X\x00" + bytes(12), "big")

    def encrypt(self, plaintext: bytes, *, associated_data: bytes) -> bytes:
        """Nonce (24 bytes), ciphertext, tag (16 bytes)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self.encrypt_with(nonce, plaintext, associated_data=associated_data)

    def encrypt_with(self, nonce: bytes, plaintext: bytes, *, associated_data: bytes) -> bytes:
        """Ciphertext and tag under a given nonce; for published vectors, otherwise `encrypt`."""
        return self._message_key(nonce).encrypt(nonce[12:], plaintext, associated_data)

    def decrypt(self, sealed: bytes, *, associated_data: bytes) -> bytes:
        """The plaintext of what `encrypt` returned.

        Raises  SealBroken when a bit of it, or of the associated data, is another.
        """
        if len(sealed) < OVERHEAD_BYTES:
            raise SealBroken
        nonce = sealed[:NONCE_BYTES]
        try:
            return self._message_key(nonce).decrypt(
                nonce[12:], sealed[NONCE_BYTES:], associated_data
            )
        except InvalidTag as tampering:
            raise SealBroken from tampering

    def _message_key(self, nonce: bytes) -> AESGCM:
        first_half = int.from_bytes(nonce[:12], "big")
        blocks = (self._first_mask ^ first_half) << 128 | (self._second_mask ^ first_half)
        return AESGCM(self._encrypt_blocks(blocks.to_bytes(32, "big")))

    def _encrypt_blocks(self, blocks: bytes) -> bytes:
        try:
            context = self._idle.pop()
        except IndexError:
            context = self._single_blocks.encryptor()
        encrypted = context.update(blocks)  # whole blocks leave nothing behind in it
        self._idle.append(context)
        return encrypted

    def __repr__(self) -> str:
        return "AeadKey(…)"
