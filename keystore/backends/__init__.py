"""Where private keys live: in software under the root key, or in a hardware module.

What lives here: the Protocol that every backend fulfils.  A private key never leaves its backend;
what the keyring stores is whatever the backend needs to find and open the key again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

Sign = Callable[[bytes], bytes]
"""Signs a message and returns the signature as JOSE writes it (RFC 7518 §3.4: r and s in full)."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made.

    `public_jwk` has the members of RFC 7517 with `kid`, `alg` and `use`; `stored` opens the
    private half in the same backend and is worth nothing elsewhere.
    """

    kid: str
    public_jwk: Mapping[str, str]
    stored: bytes


class Backend(Protocol):
    """Makes and opens private keys."""

    def make_key(self, *, algorithm: str) -> NewKey:
        """A new key for `algorithm`, with a `kid` that no other key has.

        Raises  KeyUnavailable when the backend does not know the algorithm.
        """

    def open_key(self, *, kid: str, algorithm: str, stored: bytes) -> Sign:
        """What signs with the key; kept for the life of the process, used by any thread.

        Raises  SealBroken when `stored` is not what `make_key` returned for this `kid`.
        """
