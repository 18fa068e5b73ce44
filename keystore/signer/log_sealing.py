"""How the signer's log rows are sealed and marked, by a process that can open nothing.

What lives here: what a `LogWriter` of the signer uses in place of the service's `Sealer`.  The
signer does not hold the service's root key and must not.  It seals the nonce and the personal facts
of a row to the public key that was pinned when the personal key was made, which is derived from the
person's data key: the service opens these rows like any other of that person, and when the data key
is destroyed nobody does.  That a row is the signer's shows its signature, under a key in the
signer's own folder; `antin log signer-key` prints the public half for the settings of the service.
Source: architecture, "State" (the append-only log); RFC 8032.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keystore.errors import KekInvalid
from keystore.log.errors import LogKeyMissing
from keystore.log.openings import SEALED_TO_NOBODY
from keystore.log.row_marks import SIGNED
from keystore.private_files import add_private_file, read_private_file
from keystore.purposes import MacPurpose, SealPurpose
from keystore.recipient import seal_to
from keystore.sealing import Sealer

_FILE: Final = "log-key"
_KEY_BYTES: Final = 32


class RecipientSealer(Sealer):
    """Seals log rows; where a `Sealer` takes a data key, this one takes a recipient (32 bytes).

    A row that concerns nobody, or about a key whose record was tampered with so that no recipient
    could be believed, is sealed to nobody, and says so.  Such a row stands in its chain and in the
    tree like any other, only that nobody can prove to a third party what its leaf was made of.

    Takes   key: marks the rows; without one they are not integrated.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def seal(self, purpose: SealPurpose, plaintext: bytes, *, context: str) -> bytes:  # noqa: ARG002 - what nobody opens need not be kept
        """Encrypt for nobody; only rows of the log."""
        if purpose is not SealPurpose.LOG:
            raise ValueError("log_only")
        return SEALED_TO_NOBODY

    def seal_personal(self, data_key: bytes, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt for the person whose recipient `data_key` is."""
        return seal_to(data_key, plaintext, context=context)

    def mac(self, purpose: MacPurpose, message: bytes) -> bytes:
        """The mark of a row; only rows of the log."""
        if purpose is not MacPurpose.LOG:
            raise ValueError("log_only")
        return self._key.sign(SIGNED + message)


def make_log_key(folder: Path) -> bool:
    """Make the key that marks the rows of a signer; False when there is one, which stays.

    For a signer that never ran before, and for an operator who has lost the key and says so: rows
    under a key that nobody was told of are not taken into the log.
    Takes   folder: the signer's own, which exists.
    """
    return add_private_file(folder / _FILE, secrets.token_bytes(_KEY_BYTES).hex().encode())


def has_log_key(folder: Path) -> bool:
    """Whether there is a file of that name, whatever is in it."""
    return (folder / _FILE).exists()


def open_log_key(folder: Path) -> Ed25519PrivateKey:
    """The key that marks the rows of a signer.

    Takes   folder: the signer's own, which exists.
    Raises  LogKeyMissing; KekInvalid when others may read the key, or when it is none.
    """
    file = folder / _FILE
    if not file.exists():
        raise LogKeyMissing(str(file))
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(read_private_file(file).decode()))
    except ValueError as malformed:
        raise KekInvalid("malformed") from malformed


def public_log_key(key: Ed25519PrivateKey) -> str:
    """The public half as the settings name it: hexadecimal."""
    return key.public_key().public_bytes_raw().hex()
