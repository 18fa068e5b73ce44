"""How the signer's log rows are sealed: to the person, by a process that can open nothing.

What lives here: what a `LogWriter` of the signer uses in place of the service's `Sealer`.  The
signer does not hold the service's root key and must not.  It seals the nonce and the personal facts
of a row to the public key that was pinned when the personal key was made, which is derived from the
person's data key: the service opens these rows like any other of that person, and when the data key
is destroyed nobody does.  Source: architecture, "State" (the append-only log).
"""

from __future__ import annotations

from keystore.purposes import SealPurpose
from keystore.recipient import recipient_of, seal_to
from keystore.sealing import Sealer


class RecipientSealer(Sealer):
    """Seals log rows; where a `Sealer` takes a data key, this one takes a recipient (32 bytes).

    A row about a key whose record was tampered with has no recipient that could be believed: its
    nonce is sealed to nobody.  Such a row stands in its chain and in the tree like any other, only
    that nobody can prove to a third party what its leaf was made of.
    """

    def __init__(self) -> None:
        """Without keys."""

    def seal(self, purpose: SealPurpose, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt for nobody; only rows of the log."""
        if purpose is not SealPurpose.LOG:
            raise ValueError("log_only")
        return seal_to(recipient_of(plaintext), plaintext, context=context)

    def seal_personal(self, data_key: bytes, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt for the person whose recipient `data_key` is."""
        return seal_to(data_key, plaintext, context=context)
