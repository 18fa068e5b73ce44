"""What status needs of a key that signs answers and lists.

What lives here: one Protocol, so that a key of the keyring, of a token, or of a root that was taken
out of the safe for one list are the same to the builders.
"""

from __future__ import annotations

from typing import Protocol


class StatusKey(Protocol):
    """A key in the hands of somebody who checks what it may sign."""

    @property
    def kid(self) -> str:
        """Its name."""

    @property
    def algorithm(self) -> str:
        """Its kind, in the words of `keystore/key_types.py`."""

    def sign_x509(self, message: bytes, *, content: str) -> bytes:
        """The signature of a message in the form that X.509 has for it.

        Takes   content: what is being signed, compared with what the key is for.
        """
