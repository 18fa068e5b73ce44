"""Keys of persons under a root key that never leaves a hardware module.

What lives here: `TokenPersonalKeys`.  A key is made in the token as a session object that may come
out, once, wrapped; the wrapped key lies in an envelope that is bound to its record.  To sign, it is
unwrapped inside the token as a session object that never comes out, used for the digests of one
request, and destroyed.  Every signature is verified before it leaves.

A personal root key is a pair in the token with one CKA_ID: an AES-256 key that wraps and unwraps
and nothing else, and an HMAC key from which the envelope's key and the id are derived, so that the
PIN of the token is the only secret outside of it.

Source: architecture §5.13; PKCS #11 Current Mechanisms v3.0 §2.14 (AES key wrap); RFC 5649.
Not here: who may have it signed (`keystore/signer`).  This file imports the binding: import it only
where a token is configured.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import MechanismInvalid

from keystore.aead import AeadKey
from keystore.backends import NewPersonalKey
from keystore.backends.errors import (
    DigestRefused,
    PersonalKekUnknown,
    TokenUnavailable,
)
from keystore.backends.open_keys import check_digest
from keystore.backends.token_sessions import OpenSession, TokenSessions
from keystore.backends.token_signing import (
    can_hash,
    generate_pair,
    sign_digest_in_token,
    token_type,
)
from keystore.errors import KeyUnavailable, SealBroken
from keystore.kek import ID_BYTES, named_kek, wrapped_head
from keystore.key_types import KEY_TYPES, get_key_type
from keystore.key_types import KeyType as Kind
from keystore.public_keys import OwnPublicKey, encode_spki, load_spki
from keystore.verifying import check_own_signature

_LABEL: Final = "antin personal root key"
_OBJECT_ID_BYTES: Final = 16
_SPKI_LENGTH_BYTES: Final = 2

_ROOT: Final[dict[Attribute, Any]] = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
}
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


@dataclass(frozen=True, slots=True)
class _Root:
    """One personal root key of the token."""

    kek_id: str
    object_id: bytes
    envelope: AeadKey = field(repr=False)


class TokenPersonalKeys:
    """The keys of persons of one token.

    Takes   current: id of the root key that wraps; without it the token must have exactly one, or
            none yet, and then `make_root` makes it.
    """

    def __init__(self, sessions: TokenSessions, *, current: str | None = None) -> None:
        self._sessions = sessions
        self._current = current
        self._roots: dict[str, _Root] = {}
        self._mechanism: Mechanism | None = None
        self._reading = threading.Lock()

    def make_root(self) -> str:
        """Make a personal root key in the token; returns its id.  `use` makes it wrap."""
        object_id = secrets.token_bytes(_OBJECT_ID_BYTES)

        def generate(opened: OpenSession) -> None:
            # the key that is searched for comes last: half a pair is never found
            opened.session.generate_key(
                KeyType.AES,
                256,
                id=object_id,
                label=_LABEL,
                store=True,
                capabilities=MechanismFlag.WRAP | MechanismFlag.UNWRAP,
                template=_ROOT,
            )
            opened.session.generate_key(
                KeyType.GENERIC_SECRET,
                256,
                id=object_id,
                label=_LABEL,
                store=True,
                capabilities=MechanismFlag.SIGN,
                template=_ROOT,
            )

        self._sessions.run(generate)
        before = set(self._roots)
        self._read_roots()
        return next(
            kek_id
            for kek_id, root in self._roots.items()
            if kek_id not in before and root.object_id == object_id
        )

    def use(self, kek_id: str) -> None:
        """Wrap under this root key from now on.

        Raises  PersonalKekUnknown.
        """
        self._current = self._root(kek_id).kek_id

    def kek_ids(self) -> tuple[str, ...]:
        """The root keys in the token, the one that wraps first."""
        self._read_roots()
        return tuple(sorted(self._roots, key=lambda kek_id: (kek_id != self._current, kek_id)))

    def make(self, algorithm: str, *, context: str) -> NewPersonalKey:
        """A new key of a kind that signs digests, wrapped."""
        kind, root = get_key_type(algorithm), self._wrapping_root()
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
        new = self._wrapping_root()
        kind = _kind_of(spki)

        def change(opened: OpenSession) -> bytes:
            private = self._unwrap(opened, root, inner, kind=kind, may_come_out=True)
            try:
                return self._wrap(opened, new, private)
            finally:
                private.destroy()

        return _seal(new, self._sessions.run(change), spki=spki, context=context), new.kek_id

    def destroy_root(self, kek_id: str) -> None:
        """Erase a personal root key; whatever is under it is lost for ever.

        Raises  PersonalKekUnknown.
        """
        root = self._root(kek_id)

        def destroy(opened: OpenSession) -> None:
            wanted = {Attribute.LABEL: _LABEL, Attribute.ID: root.object_id}
            for found in list(opened.session.get_objects(wanted)):
                found.destroy()

        self._sessions.run(destroy)
        self._roots.pop(kek_id, None)

    def _wrap(self, opened: OpenSession, root: _Root, private: Any) -> bytes:
        wrapping = _wrapping_key(opened, root)
        if self._mechanism is None:
            self._mechanism = self._find_mechanism(wrapping, private)
        return bytes(wrapping.wrap_key(private, mechanism=self._mechanism))

    def _unwrap(
        self,
        opened: OpenSession,
        root: _Root,
        inner: bytes,
        *,
        kind: Kind,
        may_come_out: bool = False,
    ) -> Any:
        wrapping = _wrapping_key(opened, root)
        for mechanism in _WRAPS if self._mechanism is None else (self._mechanism,):
            try:
                unwrapped = wrapping.unwrap_key(
                    ObjectClass.PRIVATE_KEY,
                    token_type(kind),
                    inner,
                    mechanism=mechanism,
                    template={Attribute.EXTRACTABLE: may_come_out},
                )
            except MechanismInvalid:
                continue
            self._mechanism = mechanism
            return unwrapped
        raise TokenUnavailable("mechanism")

    def _find_mechanism(self, wrapping: Any, private: Any) -> Mechanism:
        for mechanism in _WRAPS:
            try:
                wrapping.wrap_key(private, mechanism=mechanism)
            except MechanismInvalid:
                continue
            return mechanism
        raise TokenUnavailable("mechanism")

    def _unseal(self, wrapped: bytes, *, context: str) -> tuple[_Root, bytes, bytes]:
        root = self._root(named_kek(wrapped) or "")
        head = wrapped_head(root.kek_id)
        body = root.envelope.decrypt(
            wrapped[len(head) :], associated_data=_bound(head, context=context)
        )
        end = _SPKI_LENGTH_BYTES + int.from_bytes(body[:_SPKI_LENGTH_BYTES], "big")
        return root, body[_SPKI_LENGTH_BYTES:end], body[end:]

    def _wrapping_root(self) -> _Root:
        if self._current is None:
            self._read_roots()
            if len(self._roots) != 1:
                raise PersonalKekUnknown("")
            self._current = next(iter(self._roots))
        return self._root(self._current)

    def _root(self, kek_id: str) -> _Root:
        if kek_id not in self._roots:
            self._read_roots()
        try:
            return self._roots[kek_id]
        except KeyError:
            raise PersonalKekUnknown(kek_id) from None

    def _read_roots(self) -> None:
        def read(opened: OpenSession) -> list[_Root]:
            wanted = {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.GENERIC_SECRET,
                Attribute.LABEL: _LABEL,
            }
            return [_open_root(found) for found in list(opened.session.get_objects(wanted))]

        with self._reading:
            self._roots = {root.kek_id: root for root in self._sessions.run(read)}

    def __repr__(self) -> str:
        return f"TokenPersonalKeys({self._sessions!r})"


def _open_root(deriving: Any) -> _Root:
    object_id = bytes(deriving[Attribute.ID])

    def derive(label: bytes) -> bytes:
        return bytes(deriving.sign(label, mechanism=Mechanism.SHA256_HMAC))

    kek_id = derive(b"antin personal root key id 1")[:ID_BYTES].hex()
    return _Root(kek_id, object_id, AeadKey(derive(b"antin personal envelope 1")))


def _wrapping_key(opened: OpenSession, root: _Root) -> Any:
    known = opened.keys.get(root.object_id)
    if known is None:
        known = opened.keys[root.object_id] = opened.session.get_key(
            object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, id=root.object_id
        )
    return known


def _seal(root: _Root, inner: bytes, *, spki: bytes, context: str) -> bytes:
    head = wrapped_head(root.kek_id)
    body = len(spki).to_bytes(_SPKI_LENGTH_BYTES, "big") + spki + inner
    return head + root.envelope.encrypt(body, associated_data=_bound(head, context=context))


def _bound(head: bytes, *, context: str) -> bytes:
    return b"antin personal key 1\x00" + head + context.encode()


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
