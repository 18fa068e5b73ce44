"""Who recorded a row: what a database alone cannot make.

What lives here: telling a row that one of our processes recorded from one that somebody put into
the database.  Its hashes are public, so that anyone who may write there can make a chain that fits
together; its *mark* needs a key.  A row of the service carries an HMAC under a key of the service.
The signer holds none of those: its rows carry a signature under a key of its own, whose public half
the operator tells the service in the settings, where the database cannot change it.

    32 bytes   HMAC-SHA256 of `row_hash`
    64 bytes   Ed25519 signature over the same, with a name of its own in front

Source: RFC 2104; RFC 8032; architecture, "State" (the append-only log).
Not here: making the mark of a signer (`keystore/signer/log_sealing.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

SIGNED: Final = b"antin log row mark 1\x00"
_SIGNATURE_BYTES: Final = 64


class RowMarks:
    """Checks marks, and makes those of the service.

    Takes   signer_keys: public keys of signers, hexadecimal, 32 bytes each.
    Raises  ValueError for a key that is none.
    """

    def __init__(self, sealer: Sealer, *, signer_keys: Sequence[str] = ()) -> None:
        self._sealer = sealer
        self._signer_keys = tuple(
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)) for key in signer_keys
        )

    def is_ours(self, row_hash: bytes, *, mark: bytes | None) -> bool:
        """Whether a process of this deployment recorded the row with this hash."""
        if mark is None:
            return False
        if len(mark) == _SIGNATURE_BYTES:
            return any(_is_signed(key, row_hash, mark=mark) for key in self._signer_keys)
        if self._sealer.is_mac(MacPurpose.LOG, row_hash, raw_mac=mark):
            return True
        self._sealer.reload()  # another process may have a newer key
        return self._sealer.is_mac(MacPurpose.LOG, row_hash, raw_mac=mark)

    def is_signers(self, mark: bytes | None) -> bool:
        """Whether a mark has the form of a signer's; what it is worth, `is_ours` says."""
        return mark is not None and len(mark) == _SIGNATURE_BYTES

    def make(self, row_hash: bytes) -> bytes:
        """The mark of the service."""
        return self._sealer.mac(MacPurpose.LOG, row_hash)


def _is_signed(key: Ed25519PublicKey, row_hash: bytes, *, mark: bytes) -> bool:
    try:
        key.verify(mark, SIGNED + row_hash)
    except InvalidSignature:
        return False
    return True
