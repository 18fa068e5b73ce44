"""Keys of persons under a root key that never leaves a hardware module.

What lives here: `TokenPersonalKeys`.  A key is made in the token as a session object that may come
out, once, wrapped; the wrapped key lies, with its public half, in an envelope that is bound to its
record.  To sign, it is unwrapped inside the token as a session object that never comes out, used
for the digests of one request, and destroyed.  Every signature is verified before it leaves.
Source: architecture §5.13; PKCS #11 Current Mechanisms v3.0 §2.14 (AES key wrap); RFC 5649.
Not here: root keys (`keystore/backends/personal_roots.py`), who may have it signed
(`keystore/signer`).  This file imports the binding: import it only where a token is configured.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from pkcs11 import Attribute, Mechanism, ObjectClass
from pkcs11.exceptions import MechanismInvalid

from keystore.backends import NewPersonalKey
from keystore.backends.errors import DigestRefused, PersonalKekUnknown, TokenUnavailable
from keystore.backends.open_keys import check_digest, decode_private
from keystore.backends.personal_roots import TokenPersonalRoot
from keystore.backends.token_sessions import OpenSession, TokenSessions
from keystore.backends.token_signing import (
    can_hash,
    generate_pair,
    private_template,
    sign_digest_in_token,
    token_type,
)
from keystore.errors import KekInvalid, KeyUnavailable, SealBroken
from keystore.kek import KekRing, named_kek
from keystore.key_types import KEY_TYPES, get_key_type
from keystore.key_types import KeyType as Kind
from keystore.public_keys import OwnPublicKey, encode_spki, load_spki
from keystore.verifying import check_own_signature

_SPKI_LENGTH_BYTES: Final = 2
_COMES_OUT_ONCE: Final[dict[Attribute, Any]] = {
    Attribute.TOKEN: False,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: True,
    Attribute.SIGN: True,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
_WRAPS: Final = (Mechanism.AES_KEY_WRAP_KWP, Mechanism.AES_KEY_WRAP_PAD)
"""RFC 5649 under its newer and its older name; tokens know one of them."""


class TokenPersonalKeys:
    """The keys of persons of one token.

    Takes   ring: its personal root keys (`TokenPersonalRoots.find`); the one in use wraps.
    """

    def __init__(self, ring: KekRing, *, sessions: TokenSessions) -> None:
        self._ring = ring
        self._sessions = sessions
        self._mechanism: Mechanism | None = None

    def make(self, algorithm: str, *, context: str) -> NewPersonalKey:
        """A new key of a kind that signs digests, wrapped."""
        kind, root = get_key_type(algorithm), self._root(self._ring.kek_id)
        if not kind.hash_name:
            raise KeyUnavailable(algorithm)

        def generate(opened: OpenSession) -> tuple[OwnPublicKey, bytes]:
            public, private = generate_pair(
                opened.session, kind=kind, key_id=b"", private=_COMES_OUT_ONCE
            )
            try:
                return public, self._wrap(opened, root, private)
            finally:
                private.destroy()

        public, inner = self._sessions.run(generate)
        spki = encode_spki(public)
        return NewPersonalKey(spki, _seal(root, inner, spki=spki, context=context), root.kek_id)

    def sign_digests(
        self,
        wrapped: bytes,
        *,
        algorithm: str,
        context: str,
        digests: Sequence[bytes],
        hash_name: str,
    ) -> tuple[bytes, ...]:
        """Unwrap once inside the token, sign each digest, verify each, destroy the object."""
        kind = get_key_type(algorithm)
        if not can_hash(kind, hash_name=hash_name):
            raise DigestRefused(algorithm=algorithm, hash_name=hash_name)
        for digest in digests:
            check_digest(digest, hash_name=hash_name, kind=kind)
        root, spki, inner = self._unseal(wrapped, context=context)
        public = _public(spki, algorithm=algorithm)

        def sign(opened: OpenSession) -> tuple[bytes, ...]:
            private = self._unwrap(opened, root, inner, kind=kind)
            try:
                if private[Attribute.EXTRACTABLE] or not private[Attribute.SENSITIVE]:
                    raise TokenUnavailable("attributes")
                return tuple(
                    sign_digest_in_token(private, digest, kind=kind, hash_name=hash_name)
                    for digest in digests
                )
            finally:
                private.destroy()

        signatures = self._sessions.run(sign)
        for digest, signature in zip(digests, signatures, strict=True):
            check_own_signature(public, digest, kind=kind, hash_name=hash_name, signature=signature)
        return signatures

    def rewrap(self, wrapped: bytes, *, context: str) -> tuple[bytes, str]:
        """The same key under the root key in use.

        Within the token it is, for that moment, a session object that may come out, as when it was
        made; outside there are only wrapped forms.
        """
        root, spki, inner = self._unseal(wrapped, context=context)
        new, kind = self._root(self._ring.kek_id), _kind_of(spki)

        def change(opened: OpenSession) -> bytes:
            private = self._unwrap(opened, root, inner, kind=kind, may_come_out=True)
            try:
                return self._wrap(opened, new, private)
            finally:
                private.destroy()

        return _seal(new, self._sessions.run(change), spki=spki, context=context), new.kek_id

    def take_in(self, raw: bytes, *, context: str) -> tuple[bytes, str]:
        """A private key from software, wrapped under the root key in use, and the id of that.

        Takes   raw: DER PKCS #8 that came out of an authenticated envelope.
        """
        private = decode_private(raw)
        spki = encode_spki(private.public_key())
        root, template = self._root(self._ring.kek_id), private_template(private)

        def take(opened: OpenSession) -> bytes:
            taken = opened.session.create_object({**template, **_COMES_OUT_ONCE})
            try:
                return self._wrap(opened, root, taken)
            finally:
                taken.destroy()

        return _seal(root, self._sessions.run(take), spki=spki, context=context), root.kek_id

    def kek_ids(self) -> tuple[str, ...]:
        """The root keys that this process holds, the one in use first."""
        current = self._ring.kek_id
        return (current, *(other for other in self._ring.ids if other != current))

    def _wrap(self, opened: OpenSession, root: TokenPersonalRoot, private: Any) -> bytes:
        wrapping = root.wrapping_key(opened)
        for mechanism in self._mechanisms():
            with suppress(MechanismInvalid):
                wrapped = bytes(wrapping.wrap_key(private, mechanism=mechanism))
                self._mechanism = mechanism
                return wrapped
        raise TokenUnavailable("mechanism")

    def _unwrap(
        self,
        opened: OpenSession,
        root: TokenPersonalRoot,
        inner: bytes,
        *,
        kind: Kind,
        may_come_out: bool = False,
    ) -> Any:
        wrapping = root.wrapping_key(opened)
        for mechanism in self._mechanisms():
            with suppress(MechanismInvalid):
                unwrapped = wrapping.unwrap_key(
                    ObjectClass.PRIVATE_KEY,
                    token_type(kind),
                    inner,
                    mechanism=mechanism,
                    template={Attribute.EXTRACTABLE: may_come_out},
                )
                self._mechanism = mechanism
                return unwrapped
        raise TokenUnavailable("mechanism")

    def _mechanisms(self) -> tuple[Mechanism, ...]:
        return _WRAPS if self._mechanism is None else (self._mechanism,)

    def _unseal(self, wrapped: bytes, *, context: str) -> tuple[TokenPersonalRoot, bytes, bytes]:
        root = self._root(named_kek(wrapped) or "")
        body = root.unwrap(wrapped, context=_bound(context))
        end = _SPKI_LENGTH_BYTES + int.from_bytes(body[:_SPKI_LENGTH_BYTES], "big")
        return root, body[_SPKI_LENGTH_BYTES:end], body[end:]

    def _root(self, kek_id: str) -> TokenPersonalRoot:
        try:
            root = self._ring.get(kek_id)
        except KekInvalid as missing:
            raise PersonalKekUnknown(kek_id) from missing
        if not isinstance(root, TokenPersonalRoot):
            raise PersonalKekUnknown(kek_id)  # a software root key wraps no key of a token
        return root

    def __repr__(self) -> str:
        return f"TokenPersonalKeys({self._sessions!r})"


def _seal(root: TokenPersonalRoot, inner: bytes, *, spki: bytes, context: str) -> bytes:
    body = len(spki).to_bytes(_SPKI_LENGTH_BYTES, "big") + spki + inner
    return root.wrap(body, context=_bound(context))


def _bound(context: str) -> str:
    return f"personal_key:{context}"


def _public(spki: bytes, *, algorithm: str) -> OwnPublicKey:
    try:
        return load_spki(spki, algorithm=algorithm)
    except KeyUnavailable as other:
        raise SealBroken from other


def _kind_of(spki: bytes) -> Kind:
    for kind in KEY_TYPES.values():
        with suppress(KeyUnavailable):
            load_spki(spki, algorithm=kind.name)
            return kind
    raise SealBroken
