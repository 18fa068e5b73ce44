"""Root keys in a hardware module: AES-256 keys that never leave it.

What lives here: `TokenKeks`, which finds and makes the root keys of one token, and `TokenKek`, one
of them.  The key is made inside, sensitive and not extractable, and may encrypt and decrypt and
nothing else.  What it wraps is AES-256-GCM with the identity of the record as associated data;
nonces are random 96-bit values, which is safe for four thousand million values, and a root key
wraps a few dozen.  Its id is computed by the token from the key, so that nobody who can write a
label can pass another key off as it.

A token key is used when a process starts and when keys are wrapped anew, not for every record.

Source: PKCS #11 v2.40 §2.12 (AES-GCM); NIST SP 800-38D §8.2.2.
Not here: sessions (`keystore/backends/token_sessions.py`), the root keys of personal keys in a
token (`keystore/backends/personal_pkcs11.py`), the ring (`keystore/kek.py`).
This file imports the PKCS #11 binding: import it only where a token is configured.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Any, Final

from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import PKCS11Error

from keystore.backends.token_sessions import OpenSession, TokenSessions, load_pin
from keystore.errors import SealBroken
from keystore.kek import ID_BYTES, wrapped_head

_NONCE_BYTES: Final = 12
_TAG_BITS: Final = 128
_TAG_BYTES: Final = _TAG_BITS // 8
_OBJECT_ID_BYTES: Final = 16
_ID_NONCE: Final = b"antin kek id"
_ID_BLOCK: Final = bytes(16)

_STAYS: Final = {
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
}


class TokenKek:
    """One root key in a token; a handle that shows nothing."""

    __slots__ = ("_head", "_token", "kek_id", "object_id")

    def __init__(self, token: TokenKeks, *, object_id: bytes, kek_id: str) -> None:
        self._token = token
        self.object_id: Final = object_id
        self.kek_id: Final = kek_id
        self._head: Final = wrapped_head(kek_id)

    def wrap(self, key: bytes, *, context: str) -> bytes:
        """Format (1 byte), id of the root key (8), nonce (12), ciphertext, tag (16)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._token.encrypt(
            self.object_id, key, nonce=nonce, associated_data=self._bound(context)
        )
        return self._head + nonce + sealed

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The key that `wrap` took.

        Raises  SealBroken for another root key, another context or changed bytes.
        """
        body = wrapped[len(self._head) :]
        if not wrapped.startswith(self._head) or len(body) < _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken
        return self._token.decrypt(
            self.object_id,
            body[_NONCE_BYTES:],
            nonce=body[:_NONCE_BYTES],
            associated_data=self._bound(context),
        )

    def _bound(self, context: str) -> bytes:
        return b"antin token kek 1\x00" + self._head + context.encode()

    def __repr__(self) -> str:
        return "TokenKek(…)"


class TokenKeks:
    """The root keys of one token, all with one label.

    Takes   label: of the root keys.
    Every method raises TokenUnavailable when the token does not answer, TokenPinRefused.
    """

    def __init__(self, sessions: TokenSessions, *, label: str) -> None:
        self._sessions = sessions
        self._label = label

    def find(self) -> tuple[TokenKek, ...]:
        """Every root key in the token, in the order of their ids."""

        def search(opened: OpenSession) -> list[bytes]:
            wanted = {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.AES,
                Attribute.LABEL: self._label,
            }
            return [bytes(found[Attribute.ID]) for found in opened.session.get_objects(wanted)]

        found = map(self._open, self._sessions.run(search))
        return tuple(sorted(found, key=lambda kek: kek.kek_id))

    def make(self) -> TokenKek:
        """Make a root key inside the token."""
        object_id = secrets.token_bytes(_OBJECT_ID_BYTES)

        def generate(opened: OpenSession) -> None:
            opened.session.generate_key(
                KeyType.AES,
                256,
                id=object_id,
                label=self._label,
                store=True,
                capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
                template=_STAYS,
            )

        self._sessions.run(generate)
        return self._open(object_id)

    def destroy(self, kek_id: str) -> bool:
        """Erase a root key from the token for good; False when it was not there."""
        found = next((kek for kek in self.find() if kek.kek_id == kek_id), None)
        if found is None:
            return False
        object_id = found.object_id

        def erase(opened: OpenSession) -> None:
            wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.ID: object_id}
            opened.keys.pop(object_id, None)
            for one in list(opened.session.get_objects(wanted)):
                one.destroy()

        self._sessions.run(erase)
        return True

    def encrypt(
        self, object_id: bytes, plaintext: bytes, *, nonce: bytes, associated_data: bytes
    ) -> bytes:
        """Ciphertext and tag."""
        return self._sessions.run(
            lambda opened: _encrypt(
                opened.secret_key(object_id),
                plaintext,
                nonce=nonce,
                associated_data=associated_data,
            )
        )

    def decrypt(
        self, object_id: bytes, sealed: bytes, *, nonce: bytes, associated_data: bytes
    ) -> bytes:
        """The plaintext.

        Raises  SealBroken.
        """

        def open_sealed(opened: OpenSession) -> bytes | None:
            key = opened.secret_key(object_id)
            gcm = GCMParams(nonce, associated_data, _TAG_BITS)
            try:
                return bytes(key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=gcm))
            except PKCS11Error:
                # Tokens answer a wrong tag with whatever error they like (SoftHSM: a general one).
                # A token that still encrypts with this key is well: then the value is broken.
                _encrypt(key, _ID_BLOCK, nonce=_ID_NONCE, associated_data=b"")
                return None

        plaintext = self._sessions.run(open_sealed)
        if plaintext is None:
            raise SealBroken
        return plaintext

    def _open(self, object_id: bytes) -> TokenKek:
        block = self.encrypt(object_id, _ID_BLOCK, nonce=_ID_NONCE, associated_data=b"")
        kek_id = hashlib.sha256(b"antin token kek id 1\x00" + block).digest()[:ID_BYTES].hex()
        return TokenKek(self, object_id=object_id, kek_id=kek_id)

    def __repr__(self) -> str:
        return "TokenKeks(…)"


def open_token_keks(
    module: Path, *, token: str, label: str, pin_file: Path | None, pin: str | None
) -> TokenKeks:
    """The root keys of the token that the settings name.

    Takes   module: the vendor's library; token: the token's label; label: of the root keys; pin:
            in a file of mode 0600, or as a value; exactly one of the two.
    Raises  KekInvalid, as reading the PIN does.
    """
    sessions = TokenSessions(module, label=token, pin=load_pin(file=pin_file, value=pin))
    return TokenKeks(sessions, label=label)


def _encrypt(key: Any, plaintext: bytes, *, nonce: bytes, associated_data: bytes) -> bytes:
    gcm = GCMParams(nonce, associated_data, _TAG_BITS)
    return bytes(key.encrypt(plaintext, mechanism=Mechanism.AES_GCM, mechanism_param=gcm))
