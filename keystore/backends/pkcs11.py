"""The service's own keys in a hardware module: made inside, used inside, erased inside.

What lives here: `TokenBackend`.  A key is a token object, sensitive and not extractable, from its
first instant; what is stored outside is its CKA_ID and its public half, and since a key's name is
the thumbprint of the public half, a reference that was swapped is found out.  Every signature is
verified before it leaves: a signature with a fault in it can tell the private key.
Source: architecture §5.13; PKCS #11 Base Specification v2.40 §4.9.
Not here: keys of persons (`keystore/backends/personal_pkcs11.py`).  This file imports the binding:
import it only where a token is configured.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from pkcs11 import Attribute
from pkcs11.exceptions import NoSuchKey

from keystore.backends import NewKey, OpenKey
from keystore.backends.errors import DigestRefused, TokenUnavailable
from keystore.backends.open_keys import check_digest
from keystore.backends.token_sessions import OpenSession, TokenSessions
from keystore.backends.token_signing import (
    can_hash,
    generate_pair,
    sign_digest_in_token,
    sign_in_token,
)
from keystore.errors import KeyUnavailable, SealBroken
from keystore.key_types import KeyType, get_key_type
from keystore.public_keys import OwnPublicKey, encode_spki, load_spki, public_jwk
from keystore.verifying import check_own_message, check_own_signature

_MARK: Final = b"P1"
_ID_BYTES: Final = 16

RESIDENT: Final[dict[Attribute, Any]] = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
_NEVER_OUT: Final = (
    (Attribute.EXTRACTABLE, False),
    (Attribute.SENSITIVE, True),
    (Attribute.NEVER_EXTRACTABLE, True),
    (Attribute.ALWAYS_SENSITIVE, True),
)


class TokenBackend:
    """Keys in one token; a token that is away is asked again at the next signature."""

    def __init__(self, sessions: TokenSessions) -> None:
        self._sessions = sessions

    def make_key(self, *, algorithm: str) -> NewKey:
        """A new key in the token.

        Raises  KeyUnavailable: a kind that tokens do not make; TokenUnavailable, also when the
                token made a key that could come out: it is destroyed at once.
        """
        kind = get_key_type(algorithm)

        def make(opened: OpenSession) -> tuple[bytes, OwnPublicKey]:
            key_id = secrets.token_bytes(_ID_BYTES)  # a new one at each attempt
            public, private = generate_pair(
                opened.session, kind=kind, key_id=key_id, private=RESIDENT
            )
            if any(private[attribute] is not value for attribute, value in _NEVER_OUT):
                private.destroy()
                raise TokenUnavailable("attributes")
            return key_id, public

        key_id, public = self._sessions.run(make)
        jwk = public_jwk(public, algorithm=algorithm)
        return NewKey(jwk["kid"], jwk, _MARK + key_id + encode_spki(public))

    def holds(self, stored: bytes) -> bool:
        """Whether it is a reference to a token."""
        return stored.startswith(_MARK)

    def open_key(self, *, kid: str, algorithm: str, stored: bytes) -> OpenKey:
        """What signs with the key; the token is not asked before the first signature."""
        key_id, public = _read(stored, kid=kid, algorithm=algorithm)
        kind = get_key_type(algorithm)
        return _ResidentKey(self._sessions, key_id=key_id, public=public, kind=kind)

    def destroy_key(self, stored: bytes) -> None:
        """Erase the object from the token.

        Raises  TokenUnavailable: it may still be there; call again.
        """
        key_id = stored[len(_MARK) : len(_MARK) + _ID_BYTES]

        def destroy(opened: OpenSession) -> None:
            try:
                opened.private_key(key_id).destroy()
            except NoSuchKey:
                return  # again is no error
            finally:
                opened.keys.pop(key_id, None)

        self._sessions.run(destroy)

    def __repr__(self) -> str:
        return f"TokenBackend({self._sessions!r})"


class _ResidentKey:
    __slots__ = ("_key_id", "_kind", "_public", "_sessions")

    def __init__(
        self, sessions: TokenSessions, *, key_id: bytes, public: OwnPublicKey, kind: KeyType
    ) -> None:
        self._sessions = sessions
        self._key_id = key_id
        self._public = public
        self._kind = kind

    def sign(self, message: bytes) -> bytes:
        """The signature, made in the token and verified here."""
        key_id, kind = self._key_id, self._kind
        signature = self._sessions.run(
            lambda opened: sign_in_token(opened.private_key(key_id), message, kind=kind)
        )
        check_own_message(self._public, message, kind=kind, signature=signature)
        return signature

    def sign_digest(self, digest: bytes, *, hash_name: str) -> bytes:
        """The signature of a digest, made in the token and verified here."""
        key_id, kind = self._key_id, self._kind
        check_digest(digest, hash_name=hash_name, kind=kind)
        if not can_hash(kind, hash_name=hash_name):
            raise DigestRefused(algorithm=kind.name, hash_name=hash_name)
        signature = self._sessions.run(
            lambda opened: sign_digest_in_token(
                opened.private_key(key_id), digest, kind=kind, hash_name=hash_name
            )
        )
        check_own_signature(
            self._public, digest, kind=kind, hash_name=hash_name, signature=signature
        )
        return signature


def _read(stored: bytes, *, kid: str, algorithm: str) -> tuple[bytes, OwnPublicKey]:
    start = len(_MARK) + _ID_BYTES
    key_id, spki = stored[len(_MARK) : start], stored[start:]
    try:
        public = load_spki(spki, algorithm=algorithm)
    except KeyUnavailable as other:
        raise SealBroken from other
    if not stored.startswith(_MARK) or public_jwk(public, algorithm=algorithm)["kid"] != kid:
        raise SealBroken
    return key_id, public
