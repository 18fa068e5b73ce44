"""Keys of persons in software: wrapped under a root key of their own, open for one use.

What lives here: `SoftwarePersonalKeys`.  A key is PKCS #8, wrapped by AES-KWP under a key that is
derived from the personal root key, inside an envelope under the root key itself, which is bound to
the record that it belongs to: a blob moved to another record does not open.
Source: architecture §5.11 and §5.13; RFC 5649.  Not here: who may have it signed
(`keystore/signer`); the same in a hardware module (`keystore/backends/personal_pkcs11.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from keystore.backends import NewPersonalKey
from keystore.backends.aes_kwp import unwrap_kwp, wrap_kwp
from keystore.backends.errors import PersonalKekUnknown
from keystore.backends.open_keys import (
    check_digest,
    decode_private,
    encode_private,
    generate,
    open_private,
)
from keystore.errors import KekInvalid, KeyUnavailable, SealBroken
from keystore.kek import Kek, KekRing, named_kek
from keystore.key_types import get_key_type
from keystore.public_keys import encode_spki, fits
from keystore.verifying import check_own_signature

_LABEL: Final = "personal signing key, AES-KWP 1"


class SoftwarePersonalKeys:
    """The keys of persons out of the box.

    Takes   ring: personal root keys, which no other process has; the one in use wraps.
    """

    def __init__(self, ring: KekRing) -> None:
        self._ring = ring
        self._wrapping_keys: dict[str, bytes] = {}

    def make(self, algorithm: str, *, context: str) -> NewPersonalKey:
        """A new key of a kind that signs digests, wrapped."""
        kind = get_key_type(algorithm)
        if not kind.hash_name:
            raise KeyUnavailable(algorithm)
        private = generate(kind)
        wrapped, kek_id = self._wrap(encode_private(private), context=context)
        return NewPersonalKey(encode_spki(private.public_key()), wrapped, kek_id)

    def sign_digests(
        self,
        wrapped: bytes,
        *,
        algorithm: str,
        context: str,
        digests: Sequence[bytes],
        hash_name: str,
    ) -> tuple[bytes, ...]:
        """Unwrap once, sign each digest, verify each signature, forget the key."""
        kind = get_key_type(algorithm)
        for digest in digests:
            check_digest(digest, hash_name=hash_name, kind=kind)
        private = decode_private(self._unwrap(wrapped, context=context))
        public = private.public_key()
        if not fits(public, kind=kind):
            raise SealBroken
        opened = open_private(private, kind=kind)
        signatures = tuple(opened.sign_digest(digest, hash_name=hash_name) for digest in digests)
        for digest, signature in zip(digests, signatures, strict=True):
            check_own_signature(public, digest, kind=kind, hash_name=hash_name, signature=signature)
        return signatures

    def rewrap(self, wrapped: bytes, *, context: str) -> tuple[bytes, str]:
        """The same key under the root key in use, and the id of that."""
        return self._wrap(self._unwrap(wrapped, context=context), context=context)

    def open_for_module(self, wrapped: bytes, *, context: str) -> bytes:
        """The private key as DER PKCS #8, for a hardware module that takes it in at once.

        Raises  SealBroken, PersonalKekUnknown.
        """
        return self._unwrap(wrapped, context=context)

    def kek_ids(self) -> tuple[str, ...]:
        """The root keys that this process holds, the one in use first."""
        current = self._ring.kek_id
        return (current, *(other for other in self._ring.ids if other != current))

    def _wrap(self, raw: bytes, *, context: str) -> tuple[bytes, str]:
        kek = self._kek(self._ring.kek_id)
        inner = wrap_kwp(self._wrapping_key(kek), key=raw)
        return kek.wrap(inner, context=_bound(context)), kek.kek_id

    def _unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        kek = self._kek(named_kek(wrapped) or "")
        inner = kek.unwrap(wrapped, context=_bound(context))
        return unwrap_kwp(self._wrapping_key(kek), wrapped=inner)

    def _kek(self, kek_id: str) -> Kek:
        try:
            kek = self._ring.get(kek_id)
        except KekInvalid as missing:
            raise PersonalKekUnknown(kek_id) from missing
        if not isinstance(kek, Kek):
            raise PersonalKekUnknown(kek_id)  # in a module: keys under it are the module's too
        return kek

    def _wrapping_key(self, kek: Kek) -> bytes:
        known = self._wrapping_keys.get(kek.kek_id)
        if known is None:
            known = self._wrapping_keys[kek.kek_id] = kek.derive(_LABEL)
        return known

    def __repr__(self) -> str:
        return "SoftwarePersonalKeys(…)"


def _bound(context: str) -> str:
    return f"personal_key:{context}"
