"""Root keys of personal signing keys in a hardware module.

What lives here: `TokenPersonalRoots`, which finds, makes and destroys them, and one of them,
`TokenPersonalRoot`, as the ring of root keys knows them.  Each is a pair in the token with one
CKA_ID: an AES-256 key that wraps and unwraps private keys and nothing else, and an HMAC key, from
which the id and the key of the envelope around each wrapped key are derived when a process starts.
So the PIN of the token is the only secret outside of it, and an envelope costs no call.
Source: architecture §5.13; PKCS #11 Current Mechanisms v2.40 §2.8 (AES), §2.20 (HMAC).
Not here: personal keys (`keystore/backends/personal_pkcs11.py`).  This file imports the binding:
import it only where a token is configured.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass

from keystore.aead import AeadKey
from keystore.backends.token_sessions import OpenSession, TokenSessions
from keystore.errors import SealBroken
from keystore.kek import ID_BYTES, wrapped_head

_OBJECT_ID_BYTES: Final = 16
_STAYS_INSIDE: Final[dict[Attribute, Any]] = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
}


class TokenPersonalRoot:
    """One personal root key; a handle that shows nothing."""

    __slots__ = ("_envelope", "_head", "_object_id", "kek_id")

    def __init__(self, *, kek_id: str, object_id: bytes, envelope: AeadKey) -> None:
        self.kek_id: Final = kek_id
        self._object_id: Final = object_id
        self._envelope: Final = envelope
        self._head: Final = wrapped_head(kek_id)

    def wrap(self, key: bytes, *, context: str) -> bytes:
        """The envelope: format (1 byte), id (8), nonce (24), ciphertext, tag (16)."""
        return self._head + self._envelope.encrypt(key, associated_data=self._bound(context))

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """What `wrap` took.

        Raises  SealBroken.
        """
        if not wrapped.startswith(self._head):
            raise SealBroken
        body = wrapped[len(self._head) :]
        return self._envelope.decrypt(body, associated_data=self._bound(context))

    def wrapping_key(self, opened: OpenSession) -> Any:
        """The object that wraps and unwraps private keys, in that session."""
        known = opened.keys.get(self._object_id)
        if known is None:
            known = opened.keys[self._object_id] = opened.session.get_key(
                object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, id=self._object_id
            )
        return known

    def _bound(self, context: str) -> bytes:
        return b"antin personal envelope 1\x00" + self._head + context.encode()

    def __repr__(self) -> str:
        return "TokenPersonalRoot(…)"


class TokenPersonalRoots:
    """The personal root keys of one token, all with one label."""

    def __init__(self, sessions: TokenSessions, *, label: str = "antin personal root key") -> None:
        self._sessions = sessions
        self._label = label

    def find(self) -> tuple[TokenPersonalRoot, ...]:
        """Every personal root key in the token, in the order of their ids.

        Raises  TokenUnavailable.
        """

        def read(opened: OpenSession) -> list[TokenPersonalRoot]:
            wanted = {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.GENERIC_SECRET,
                Attribute.LABEL: self._label,
            }
            return [_open(found) for found in list(opened.session.get_objects(wanted))]

        return tuple(sorted(self._sessions.run(read), key=lambda root: root.kek_id))

    def make(self) -> TokenPersonalRoot:
        """Make a personal root key inside the token.

        Raises  TokenUnavailable.
        """

        def generate(opened: OpenSession) -> TokenPersonalRoot:
            object_id = secrets.token_bytes(_OBJECT_ID_BYTES)  # a new one at each attempt
            # the key that is searched for comes last: half a pair is never found
            for kind, may in (
                (KeyType.AES, MechanismFlag.WRAP | MechanismFlag.UNWRAP),
                (KeyType.GENERIC_SECRET, MechanismFlag.SIGN),
            ):
                made = opened.session.generate_key(
                    kind,
                    256,
                    id=object_id,
                    label=self._label,
                    store=True,
                    capabilities=may,
                    template=_STAYS_INSIDE,
                )
            return _open(made)

        return self._sessions.run(generate)

    def destroy(self, kek_id: str) -> bool:
        """Erase a personal root key for good, with whatever is under it; False: it was not there.

        Raises  TokenUnavailable.
        """

        def erase(opened: OpenSession) -> bool:
            wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: self._label}
            objects = list(opened.session.get_objects(wanted))
            ids = {
                bytes(found[Attribute.ID])
                for found in objects
                if found.key_type is KeyType.GENERIC_SECRET and _open(found).kek_id == kek_id
            }
            for found in objects:
                if bytes(found[Attribute.ID]) in ids:
                    found.destroy()
            return bool(ids)

        return self._sessions.run(erase)

    def __repr__(self) -> str:
        return f"TokenPersonalRoots({self._sessions!r})"


def _open(deriving: Any) -> TokenPersonalRoot:
    def derive(label: bytes) -> bytes:
        return bytes(deriving.sign(label, mechanism=Mechanism.SHA256_HMAC))

    return TokenPersonalRoot(
        kek_id=derive(b"antin personal root key id 1")[:ID_BYTES].hex(),
        object_id=bytes(deriving[Attribute.ID]),
        envelope=AeadKey(derive(b"antin personal envelope 1")),
    )
