"""The keys that sign checkpoints: which sign now, and all that ever did.

What lives here: what the sequencer needs of a key, and the same over the keyring.  The name under
which a log signs is its origin, so one key serves both trees and its signatures cannot be
exchanged.  Source: C2SP tlog-checkpoint, tlog-cosignature.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from keystore.base64url import from_base64url
from keystore.key_handle import SigningKey
from keystore.keyring import Keyring
from keystore.log.note_keys import KeyKind, NoteSigner, NoteVerifier

CONTENT: Final = "log:checkpoint"
_KINDS: Final[Mapping[str, tuple[KeyKind, str]]] = {
    "Ed25519": (KeyKind.ED25519, "x"),
    "ML-DSA-44": (KeyKind.MLDSA44_COSIGNATURE, "pub"),
}
"""Algorithm → kind of signature, and the member of the JWK that is the public key."""


class LogKeys(Protocol):
    """Keys of the log; each method for one origin."""

    def signers(self, origin: str, *, now: datetime) -> tuple[NoteSigner, ...]:
        """What signs now, Ed25519 first, which every client understands."""

    def verifiers(self, origin: str, *, now: datetime) -> tuple[NoteVerifier, ...]:
        """Every public key that ever signed: old checkpoints stay good."""


class KeyringLogKeys:
    """The keys of the keyring's purpose for the log."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def signers(self, origin: str, *, now: datetime) -> tuple[NoteSigner, ...]:
        """See `LogKeys.signers`."""
        known = {one.kid: one for one in self._keyring.records(now)}
        found = []
        for algorithm in _KINDS:
            key: SigningKey = self._keyring.signing_key(algorithm, now=now)
            verifier = _verifier(origin, algorithm, known[key.kid].public_jwk)
            found.append(NoteSigner(verifier, partial(key.sign, content=CONTENT)))
        return tuple(found)

    def verifiers(self, origin: str, *, now: datetime) -> tuple[NoteVerifier, ...]:
        """See `LogKeys.verifiers`."""
        return tuple(
            _verifier(origin, record.algorithm, record.public_jwk)
            for record in self._keyring.records(now)
            if record.algorithm in _KINDS
        )


def _verifier(origin: str, algorithm: str, public_jwk: Mapping[str, str]) -> NoteVerifier:
    kind, member = _KINDS[algorithm]
    return NoteVerifier(origin, kind, from_base64url(public_jwk[member].encode()))
