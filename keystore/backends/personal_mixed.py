"""Keys of persons on their way from software into a hardware module.

What lives here: `MixedPersonalKeys`, over root keys of both kinds in one ring.  A key is used where
its root key is; a new one is made where the root key in use is; wrapping everything anew while that
is one of the module takes every key into it.  There is no way back: what is in a module stays.
Source: architecture §5.13.  Not here: either backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from keystore.backends import NewPersonalKey, PersonalKeyBackend
from keystore.backends.errors import PersonalKekUnknown
from keystore.backends.personal_software import SoftwarePersonalKeys
from keystore.errors import KekInvalid
from keystore.kek import Kek, KekRing, named_kek


class TakesKeysIn(PersonalKeyBackend, Protocol):
    """A backend that can take in a key that was made in software."""

    def take_in(self, raw: bytes, *, context: str) -> tuple[bytes, str]:
        """The private key (DER PKCS #8) wrapped under the root key in use, and the id of that."""


class MixedPersonalKeys:
    """Two backends over one ring."""

    def __init__(
        self, ring: KekRing, *, software: SoftwarePersonalKeys, token: TakesKeysIn
    ) -> None:
        self._ring = ring
        self._software = software
        self._token = token

    def make(self, algorithm: str, *, context: str) -> NewPersonalKey:
        """A new key where the root key in use is."""
        return self._holder(self._ring.kek_id).make(algorithm, context=context)

    def sign_digests(
        self,
        wrapped: bytes,
        *,
        algorithm: str,
        context: str,
        digests: Sequence[bytes],
        hash_name: str,
    ) -> tuple[bytes, ...]:
        """Sign where the key is."""
        return self._holder(named_kek(wrapped) or "").sign_digests(
            wrapped, algorithm=algorithm, context=context, digests=digests, hash_name=hash_name
        )

    def rewrap(self, wrapped: bytes, *, context: str) -> tuple[bytes, str]:
        """The same key under the root key in use, taken into the module when that is there.

        Raises  PersonalKekUnknown also for a key of the module that should come out.
        """
        old = self._holder(named_kek(wrapped) or "")
        new = self._holder(self._ring.kek_id)
        if old is new:
            return new.rewrap(wrapped, context=context)
        if new is self._token:
            raw = self._software.open_for_module(wrapped, context=context)
            return self._token.take_in(raw, context=context)
        raise PersonalKekUnknown(self._ring.kek_id)

    def kek_ids(self) -> tuple[str, ...]:
        """The root keys of both kinds, the one in use first."""
        return self._software.kek_ids()

    def _holder(self, kek_id: str) -> PersonalKeyBackend:
        try:
            is_software = isinstance(self._ring.get(kek_id), Kek)
        except KekInvalid as missing:
            raise PersonalKekUnknown(kek_id) from missing
        return self._software if is_software else self._token

    def __repr__(self) -> str:
        return "MixedPersonalKeys(…)"
