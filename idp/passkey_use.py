"""When a passkey last confirmed something, for its owner to see.

What lives here: `NotesUse`, the way to the signer with a note behind it.  Nothing hangs on the
note: where it cannot be written, what was signed is signed all the same.
Not here: judging assertions (`keystore/signer`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from idp.accounts.passkeys import Passkeys
from idp.errors import StorageUnavailable
from keystore.signer.activation import SignatureActivation
from keystore.signer.evidence import Evidence
from signing.ports import SignerDoor


class NotesUse:
    """`SignerDoor`; safe to share between threads."""

    def __init__(
        self, door: SignerDoor, *, passkeys: Passkeys, time: Callable[[], datetime]
    ) -> None:
        self._door = door
        self._passkeys = passkeys
        self._time = time

    def activate(self, activation: SignatureActivation, evidence: Evidence) -> tuple[bytes, ...]:
        """See `SignerDoor`."""
        signatures = self._door.activate(activation, evidence)
        if activation.credential_id:
            with suppress(StorageUnavailable):
                self._passkeys.note_use(activation.credential_id, now=self._time())
        return signatures
