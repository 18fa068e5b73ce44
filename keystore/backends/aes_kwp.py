"""AES key wrap with padding, through one door.

What lives here: wrapping a private key of any length under an AES-256 key, as hardware modules do
it too, so that a key wrapped here is one that a module can take.  Source: RFC 5649; NIST SP
800-38F §6.3.  Not here: what binds a wrapped key to its record, which is the envelope around it.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)

from keystore.backends.errors import WrapBroken

_KEY_BYTES: Final = frozenset({16, 24, 32})


def wrap_kwp(wrapping_key: bytes, *, key: bytes) -> bytes:
    """`key` wrapped: its length in whole blocks of 8 bytes, and 8 more.

    Raises  WrapBroken when there is nothing to wrap, or no AES key to do it.
    """
    if len(wrapping_key) not in _KEY_BYTES or not key:
        raise WrapBroken
    return aes_key_wrap_with_padding(wrapping_key, key)


def unwrap_kwp(wrapping_key: bytes, *, wrapped: bytes) -> bytes:
    """The key that was wrapped.

    Raises  WrapBroken: wrapped under another key, changed, or of a length that cannot be.
    """
    if len(wrapping_key) not in _KEY_BYTES:
        raise WrapBroken
    try:
        return aes_key_unwrap_with_padding(wrapping_key, wrapped)
    except InvalidUnwrap as broken:
        raise WrapBroken from broken
