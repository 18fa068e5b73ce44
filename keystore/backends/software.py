"""Private keys in software: PKCS #8 sealed under the signing-key purpose, open in memory only.

What lives here: making, sealing and opening the service's own keys of every kind that there is.
Source: RFC 5208; NIST SP 800-57 part 1.  Not here: which key signs when (`keystore/keyring.py`);
how an open key signs (`keystore/backends/open_keys.py`).
"""

from __future__ import annotations

from typing import Final

from keystore.backends import NewKey, OpenKey
from keystore.backends.open_keys import decode_private, encode_private, generate, open_private
from keystore.errors import SealBroken
from keystore.key_types import get_key_type
from keystore.public_keys import public_jwk
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer

_SEALED: Final = 1
"""First byte of what a `Sealer` returns."""


class SoftwareBackend:
    """The backend out of the box."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def make_key(self, *, algorithm: str) -> NewKey:
        """A new key; its `kid` is the first 128 bits of the thumbprint (RFC 7638)."""
        private = generate(get_key_type(algorithm))
        jwk = public_jwk(private.public_key(), algorithm=algorithm)
        context = _context(jwk["kid"], algorithm)
        stored = self._sealer.seal(
            SealPurpose.SIGNING_KEY, encode_private(private), context=context
        )
        return NewKey(kid=jwk["kid"], public_jwk=jwk, stored=stored)

    def holds(self, stored: bytes) -> bool:
        """Whether a `Sealer` wrote it."""
        return stored[:1] == bytes((_SEALED,))

    def open_key(self, *, kid: str, algorithm: str, stored: bytes) -> OpenKey:
        """What signs with the key, for one algorithm."""
        raw = self._sealer.unseal(SealPurpose.SIGNING_KEY, stored, context=_context(kid, algorithm))
        private = decode_private(raw)
        if public_jwk(private.public_key(), algorithm=algorithm)["kid"] != kid:
            raise SealBroken
        return open_private(private, kind=get_key_type(algorithm))

    def destroy_key(self, stored: bytes) -> None:
        """Nothing: the only copy is the sealed one, which the caller erases."""


def _context(kid: str, algorithm: str) -> str:
    return f"signing_key:{kid}:{algorithm}"
