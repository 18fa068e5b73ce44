"""The root key (KEK), under which every other key of the database stands.

What lives here: how it is made, read and used to wrap.  It is in a file that only its owner can
read, or in one environment variable; the database never holds it.  Its `repr` shows nothing.
Source: architecture, "State" (key hierarchy).  Not here: what it wraps.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from keystore.aead import KEY_BYTES, AeadKey
from keystore.errors import KekInvalid

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MAX_FILE_BYTES: Final = 1024


class Kek:
    """The root key; wraps and unwraps, and never shows itself."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key: Final = AeadKey(key)

    def wrap(self, key: bytes, *, context: str) -> bytes:
        """`key` encrypted and bound to `context`."""
        return self._key.encrypt(key, associated_data=b"antin kek 1\x00" + context.encode())

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The key that `wrap` took.

        Raises  SealBroken for another root key, another context or changed bytes.
        """
        return self._key.decrypt(wrapped, associated_data=b"antin kek 1\x00" + context.encode())

    def __repr__(self) -> str:
        return "Kek(…)"


def load_kek(*, file: Path | None, value: str | None) -> Kek:
    """Read the root key from its file or from a value of the environment.

    Takes   file: base64url, 43 characters, readable by its owner alone; value: the same 43
            characters.  Exactly one of the two.
    Raises  KekInvalid (carries a reason word, never what was read).
    """
    if file is not None and value is not None:
        raise KekInvalid("both_given")
    if file is not None:
        return Kek(_decode(_read_private_file(file)))
    if value is not None:
        return Kek(_decode(value.encode("utf-8", "replace")))
    raise KekInvalid("missing")


def create_kek_file(path: Path) -> bool:
    """Make a root key and keep it in `path`, mode 0600.

    Returns False when there was a file already; it is never overwritten.  Of several processes
    that start together one makes the file, and nobody ever sees half of it.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            os.fchmod(handle, 0o600)  # the umask only takes away, and must not
            os.write(handle, base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(draft, path)  # unlike a rename it fails when `path` exists
        except FileExistsError:
            return False
        return True
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _read_private_file(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & _OTHERS:
                raise KekInvalid("readable_by_others")
            return opened.read(_MAX_FILE_BYTES)
    except OSError as failure:
        raise KekInvalid("unreadable") from failure


def _decode(encoded: bytes) -> bytes:
    digits = encoded.strip().rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        key = binascii.a2b_base64(digits + b"=" * (-len(digits) % 4), strict_mode=True)
    except binascii.Error:
        raise KekInvalid("malformed") from None  # the cause would quote the key
    if len(key) != KEY_BYTES:
        raise KekInvalid("malformed")
    return key
