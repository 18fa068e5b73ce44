"""Where private keys live: in software under the root key, or in a hardware module.

What lives here: the Protocols that every backend fulfils, one for the service's own keys and one
for the keys of persons.  A private key never leaves its backend; what others store is whatever the
backend needs to find and open the key again.  Signatures are in the form of X.509 and CMS: an
ECDSA-Sig-Value in DER (RFC 5480 §2.2.3), or the bytes of RSA, Ed25519 and ML-DSA as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class OpenKey(Protocol):
    """A private key that is ready; used by any thread."""

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, hashed as the kind of the key says."""

    def sign_digest(self, digest: bytes, *, hash_name: str) -> bytes:
        """The signature of a digest that was computed elsewhere.

        Raises  DigestRefused.
        """


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made.

    `public_jwk` has the members of RFC 7517 with `kid`, `alg` and `use`; `stored` opens the
    private half in the same backend and is worth nothing elsewhere.
    """

    kid: str
    public_jwk: Mapping[str, str]
    stored: bytes = field(repr=False)


class Backend(Protocol):
    """Makes, opens and destroys the service's own private keys."""

    def make_key(self, *, algorithm: str) -> NewKey:
        """A new key for `algorithm`, with a `kid` that no other key has.

        Raises  KeyUnavailable when the backend does not know the algorithm.
        """

    def holds(self, stored: bytes) -> bool:
        """Whether `stored` is of this backend, judged by its form alone."""

    def open_key(self, *, kid: str, algorithm: str, stored: bytes) -> OpenKey:
        """What signs with the key; kept for the life of the process, used by any thread.

        Raises  SealBroken when `stored` is not what `make_key` returned for this `kid`.
        """

    def destroy_key(self, stored: bytes) -> None:
        """Erase what the backend itself keeps of the key; again is no error."""


@dataclass(frozen=True, slots=True)
class NewPersonalKey:
    """A personal key that was just made: its public half and the wrapped private one.

    `kek_id` names the root key that it is under.
    """

    public_spki: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)
    kek_id: str


class PersonalKeyBackend(Protocol):
    """Keys of persons: kept wrapped outside, unwrapped for one use, then forgotten."""

    def make(self, algorithm: str, *, context: str) -> NewPersonalKey:
        """A new key, wrapped under the current personal root key.

        Takes   context: the identity of the record; the blob opens for no other.
        Raises  KeyUnavailable for an algorithm that the backend does not know.
        """

    def sign_digests(
        self,
        wrapped: bytes,
        *,
        algorithm: str,
        context: str,
        digests: Sequence[bytes],
        hash_name: str,
    ) -> tuple[bytes, ...]:
        """Unwrap once, sign each digest, verify each signature, forget the key.

        Returns the signatures in the order of the digests, in X.509 form.
        Raises  SealBroken, PersonalKekUnknown, DigestRefused; SignatureBroken, and none leaves.
        """

    def rewrap(self, wrapped: bytes, *, context: str) -> tuple[bytes, str]:
        """The same key under the current personal root key, and the id of that.

        Raises  SealBroken, PersonalKekUnknown.
        """

    def kek_ids(self) -> tuple[str, ...]:
        """The personal root keys that this process can open, the current one first."""
