"""Root keys in a hardware module: AES-256 keys that never leave it.

What lives here: `TokenKeks`, which finds and makes the root keys of one token, and `TokenKek`, one
of them.  The key is made inside, sensitive and not extractable, and may encrypt and decrypt and
nothing else.  What it wraps is AES-256-GCM with the identity of the record as associated data;
nonces are random 96-bit values, which is safe for four thousand million values, and a root key
wraps a few dozen.  Its id is computed by the token from the key, so that nobody who can write a
label can pass another key off as it.

A token key is used when a process starts and when keys are wrapped anew, not for every record; one
session, used in turn, is enough.  It is opened in the process that uses it and opened again after
an error; it is never logged out, because that would log out every other session of the process.

Source: PKCS #11 v2.40 §2.12 (AES-GCM); NIST SP 800-38D §8.2.2.
Not here: signing keys in a module (`keystore/backends/pkcs11.py`), the ring (`keystore/kek.py`).
This file imports the PKCS #11 binding: import it only where a token is configured.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn

from keystore.errors import KekInvalid, SealBroken
from keystore.kek import ID_BYTES, wrapped_head
from keystore.private_files import read_private_file

_NONCE_BYTES: Final = 12
_TAG_BITS: Final = 128
_TAG_BYTES: Final = _TAG_BITS // 8
_OBJECT_ID_BYTES: Final = 16
_ID_NONCE: Final = b"antin kek id"
_ID_BLOCK: Final = bytes(16)

_ONLY_ENCRYPTS: Final = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.ENCRYPT: True,
    Attribute.DECRYPT: True,
    Attribute.WRAP: False,
    Attribute.UNWRAP: False,
    Attribute.SIGN: False,
    Attribute.VERIFY: False,
    Attribute.DERIVE: False,
}

_Answer = TypeVar("_Answer")


class TokenKek:
    """One root key in a token; a handle that shows nothing."""

    __slots__ = ("_head", "_object_id", "_token", "kek_id")

    def __init__(self, token: TokenKeks, *, object_id: bytes, kek_id: str) -> None:
        self._token = token
        self._object_id = object_id
        self.kek_id: Final = kek_id
        self._head: Final = wrapped_head(kek_id)

    def wrap(self, key: bytes, *, context: str) -> bytes:
        """Format (1 byte), id of the root key (8), nonce (12), ciphertext, tag (16).

        Raises  KekInvalid("token").
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._token.encrypt(
            self._object_id, key, nonce=nonce, associated_data=self._bound(context)
        )
        return self._head + nonce + sealed

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The key that `wrap` took.

        Raises  SealBroken for another root key, another context or changed bytes;
                KekInvalid("token").
        """
        body = wrapped[len(self._head) :]
        if not wrapped.startswith(self._head) or len(body) < _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken
        return self._token.decrypt(
            self._object_id,
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

    Takes   module: the library of the vendor; token: the token's label; label: of the root keys;
            pin: in a file of mode 0600, or as a value; exactly one of the two.
    Raises  KekInvalid: both_given, missing, and what reading the file raises.
    Safe for any number of threads.
    """

    def __init__(
        self,
        module: Path,
        *,
        token: str,
        label: str,
        pin_file: Path | None = None,
        pin: str | None = None,
    ) -> None:
        if (pin_file is None) == (pin is None):
            raise KekInvalid("missing" if pin is None else "both_given")
        if pin_file is not None:
            pin = read_private_file(pin_file).decode("utf-8", "replace").strip()
        self._pin: Final = pin
        self._module = module
        self._token = token
        self._label = label
        self._lock = threading.RLock()
        self._session: Any = None
        self._process = 0

    def find(self) -> tuple[TokenKek, ...]:
        """Every root key in the token, in the order of their ids.

        Raises  KekInvalid("token") when it does not answer.
        """

        def search(session: Any) -> list[bytes]:
            wanted = {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.AES,
                Attribute.LABEL: self._label,
            }
            return [bytes(found[Attribute.ID]) for found in session.get_objects(wanted)]

        return tuple(
            sorted(map(self._open, self._with_session(search)), key=lambda kek: kek.kek_id)
        )

    def make(self) -> TokenKek:
        """Make a root key inside the token.

        Raises  KekInvalid("token").
        """
        object_id = secrets.token_bytes(_OBJECT_ID_BYTES)

        def generate(session: Any) -> None:
            session.generate_key(
                KeyType.AES,
                256,
                id=object_id,
                label=self._label,
                store=True,
                template=_ONLY_ENCRYPTS,
            )

        self._with_session(generate, may_repeat=False)
        return self._open(object_id)

    def destroy(self, kek_id: str) -> bool:
        """Erase a root key from the token for good; False when it was not there."""
        found = next((kek for kek in self.find() if kek.kek_id == kek_id), None)
        if found is None:
            return False
        object_id = found._object_id  # noqa: SLF001 - the handle is this file's own
        self._with_session(lambda session: self._key(session, object_id).destroy())
        return True

    def encrypt(
        self, object_id: bytes, plaintext: bytes, *, nonce: bytes, associated_data: bytes
    ) -> bytes:
        """Ciphertext and tag."""
        gcm = GCMParams(nonce, associated_data, _TAG_BITS)
        return self._with_session(
            lambda session: bytes(
                self._key(session, object_id).encrypt(
                    plaintext, mechanism=Mechanism.AES_GCM, mechanism_param=gcm
                )
            )
        )

    def decrypt(
        self, object_id: bytes, sealed: bytes, *, nonce: bytes, associated_data: bytes
    ) -> bytes:
        """The plaintext.

        Raises  SealBroken; KekInvalid("token").
        """
        gcm = GCMParams(nonce, associated_data, _TAG_BITS)

        def open_sealed(session: Any) -> bytes | None:
            key = self._key(session, object_id)
            try:
                return bytes(key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=gcm))
            except PKCS11Error:
                # Tokens answer a wrong tag with whatever error they like (SoftHSM: a general one).
                # A token that still encrypts with this key is well: then the value is broken.
                probe = GCMParams(_ID_NONCE, b"", _TAG_BITS)
                key.encrypt(_ID_BLOCK, mechanism=Mechanism.AES_GCM, mechanism_param=probe)
                return None

        opened = self._with_session(open_sealed)
        if opened is None:
            raise SealBroken
        return opened

    def _open(self, object_id: bytes) -> TokenKek:
        block = self.encrypt(object_id, _ID_BLOCK, nonce=_ID_NONCE, associated_data=b"")
        kek_id = hashlib.sha256(b"antin token kek id 1\x00" + block).digest()[:ID_BYTES].hex()
        return TokenKek(self, object_id=object_id, kek_id=kek_id)

    def _key(self, session: Any, object_id: bytes) -> Any:
        return session.get_key(object_class=ObjectClass.SECRET_KEY, id=object_id)

    def _with_session(self, use: Callable[[Any], _Answer], *, may_repeat: bool = True) -> _Answer:
        with self._lock:
            for is_last in (not may_repeat, True):
                try:
                    return use(self._open_session())
                except (PKCS11Error, OSError, RuntimeError) as failure:
                    self._session = None
                    if is_last:
                        raise KekInvalid("token", names=(type(failure).__name__,)) from failure
        raise KekInvalid("token")  # not reached: the last round answers or raises

    def _open_session(self) -> Any:
        if self._session is None or self._process != os.getpid():
            token = pkcs11.lib(str(self._module)).get_token(token_label=self._token)
            try:
                self._session = token.open(rw=True, user_pin=self._pin)
            except UserAlreadyLoggedIn:  # the login is the process's, not the session's
                self._session = token.open(rw=True)
            self._process = os.getpid()
        return self._session

    def __repr__(self) -> str:
        return "TokenKeks(…)"
