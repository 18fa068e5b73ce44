"""The root keys (KEK), under which every other key of the database stands.

What lives here: how a root key is made, read and used to wrap, and the ring of several of them.
They are in a file that only its owner can read, in one environment variable, or in a hardware
module (`keystore/backends/token_kek.py`); the database never holds them.  Their `repr` shows
nothing.

**Why a ring.** While everything is being wrapped anew, some of it is under the old root key and
some under the new one; a process holds both and opens either.  Whatever is wrapped names its root
key by a short id that is computed from the key, tells nothing about it, and is authenticated.
What wraps is decided by the database (`keystore/root_keys.py`), not by the order in a file: two
hosts whose files differ never wrap under different keys.

Source: architecture, "State" (key hierarchy); NIST SP 800-57 part 1 §5.3 (cryptoperiods).
Not here: what is wrapped, and replacing a root key (`keystore/kek_rotation.py`).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keystore.aead import KEY_BYTES, AeadKey
from keystore.errors import KekInvalid, KeystoreError, SealBroken
from keystore.private_files import add_private_file, read_private_file, replace_private_file

ID_BYTES: Final = 8
_FORMAT: Final = b"\x02"
_HEAD_BYTES: Final = len(_FORMAT) + ID_BYTES
_MOST_KEYS: Final = 16
_PROOF: Final = b"this root key opens what it wraps"


class RootKey(Protocol):
    """One root key, wherever it is."""

    @property
    def kek_id(self) -> str:
        """16 hexadecimal digits, computed from the key; says nothing about it."""

    def wrap(self, key: bytes, *, context: str) -> bytes:
        """`key` encrypted and bound to `context`; begins with `wrapped_head(kek_id)`."""

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The key that `wrap` took.

        Raises  SealBroken for another root key, another context or changed bytes.
        """


class Kek:
    """A root key in memory; wraps and unwraps, and never shows itself."""

    __slots__ = ("_head", "_key", "_raw", "kek_id")

    def __init__(self, key: bytes) -> None:
        self._key: Final = AeadKey(key)
        self._raw: Final = key
        self.kek_id: Final = hmac.digest(key, b"antin kek id 1", "sha256")[:ID_BYTES].hex()
        self._head: Final = wrapped_head(self.kek_id)

    def wrap(self, key: bytes, *, context: str) -> bytes:
        """Format (1 byte), id of the root key (8), nonce (24), ciphertext, tag (16)."""
        return self._head + self._key.encrypt(key, associated_data=_bound(self._head, context))

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The key that `wrap` took.

        What was wrapped before root keys had ids has no head, and opens too.
        Raises  SealBroken for another root key, another context or changed bytes.
        """
        if wrapped.startswith(self._head):
            return self._key.decrypt(
                wrapped[_HEAD_BYTES:], associated_data=_bound(self._head, context)
            )
        return self._key.decrypt(wrapped, associated_data=b"antin kek 1\x00" + context.encode())

    def derive(self, label: str) -> bytes:
        """32 bytes for an algorithm that is not ours to choose (AES-KWP), one per label.

        Source  RFC 5869.
        """
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"antin kek\x00" + label.encode()).derive(
            self._raw
        )

    def __repr__(self) -> str:
        return "Kek(…)"


class KekRing:
    """The root keys that a process holds; one of them wraps, each of them unwraps.

    Takes   keys: at least one; the first wraps until `use` names another;
            source: reads them again, for a key that was added since (a file that the operator
            changed); None where that cannot be.
    Safe for any number of threads.
    """

    __slots__ = ("_current", "_keys", "_lock", "_source")

    def __init__(
        self, keys: Sequence[RootKey], *, source: Callable[[], Sequence[RootKey]] | None = None
    ) -> None:
        if not keys:
            raise KekInvalid("missing")
        self._source = source
        self._lock = threading.Lock()
        self._keys = {key.kek_id: key for key in keys}  # replaced as a whole: readers need no lock
        self._current = keys[0]

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of each root key, in the order in which they were given."""
        return tuple(self._keys)

    @property
    def kek_id(self) -> str:
        """The id of the root key that wraps."""
        return self._current.kek_id

    def use(self, kek_id: str) -> None:
        """Wrap with this root key from now on.

        Raises  KekInvalid("not_given", with the id) when the operator did not give it to us.
        """
        if self._current.kek_id != kek_id:
            self._current = self.get(kek_id)

    def get(self, kek_id: str) -> RootKey:
        """One root key.

        Raises  KekInvalid("not_given", with the id).
        """
        found = self._keys.get(kek_id) or self._reloaded().get(kek_id)
        if found is None:
            raise KekInvalid("not_given", names=(kek_id,))
        return found

    def check(self, kek_id: str) -> None:
        """That this root key was given, and opens what it wraps.

        Raises  KekInvalid: not_given, does_not_open (with the id).
        """
        key = self.get(kek_id)
        try:
            opened = key.unwrap(key.wrap(_PROOF, context="proof"), context="proof")
        except SealBroken:
            opened = b""
        if opened != _PROOF:
            raise KekInvalid("does_not_open", names=(kek_id,))

    def reload(self) -> None:
        """Read the root keys again; what is in use stays in use."""
        self._reloaded()

    def wrap(self, key: bytes, *, context: str) -> bytes:
        """`key` under the root key in use."""
        return self._current.wrap(key, context=context)

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The key that `wrap` took, whichever of the root keys it is under.

        Raises  SealBroken when none of them opens it.
        """
        named = self.named_in(wrapped)
        if named is not None:
            return self._keys[named].unwrap(wrapped, context=context)
        for key in self._keys.values():  # before root keys had ids, or damaged
            try:
                return key.unwrap(wrapped, context=context)
            except SealBroken:
                continue
        raise SealBroken

    def named_in(self, wrapped: bytes) -> str | None:
        """The id that a wrapped value names, if it is the id of one of ours; unverified."""
        named = named_kek(wrapped)
        if named is None or (named not in self._keys and named not in self._reloaded()):
            return None
        return named

    def _reloaded(self) -> dict[str, RootKey]:
        if self._source is None:
            return self._keys
        with self._lock:
            try:
                read = self._source()
            except KeystoreError:
                # a file that is being replaced by hand, a token that is away: what we hold holds
                return self._keys
            # a key that was taken out of the file is kept: something may still be under it
            self._keys = {**self._keys, **{key.kek_id: key for key in read}}
            return self._keys

    def __repr__(self) -> str:
        return "KekRing(…)"


def wrapped_head(kek_id: str) -> bytes:
    """The first nine bytes of whatever is wrapped: format, and which root key it is under."""
    return _FORMAT + bytes.fromhex(kek_id)


def named_kek(wrapped: bytes) -> str | None:
    """The id in the head of a wrapped value; None for one that has no head.  Unverified.

    A value from before root keys had ids begins with a random nonce: once in 256 times it seems to
    have a head, with an id that nobody has.
    """
    if len(wrapped) <= _HEAD_BYTES or not wrapped.startswith(_FORMAT):
        return None
    return wrapped[len(_FORMAT) : _HEAD_BYTES].hex()


def load_kek(*, file: Path | None, value: str | None) -> Kek:
    """The one root key of a file or variable, or the first of several.

    Takes and raises what `read_keks` does.
    """
    return read_keks(file=file, value=value)[0]


def read_keks(*, file: Path | None, value: str | None) -> tuple[Kek, ...]:
    """Read the root keys from their file or from a value of the environment.

    Takes   file: one or several keys, each base64url, 43 characters, on a line of its own; lines
            that begin with `#` are remarks; readable by its owner alone.
            value: the same, with white space or commas between keys.  Exactly one of the two.
    Raises  KekInvalid (carries a reason word, never what was read).
    """
    if file is not None and value is not None:
        raise KekInvalid("both_given")
    if file is not None:
        written = read_private_file(file)
        lines = [line.strip() for line in written.splitlines()]
        given = [line for line in lines if line and not line.startswith(b"#")]
    elif value is not None:
        given = value.encode("utf-8", "replace").replace(b",", b" ").split()
    else:
        raise KekInvalid("missing")
    if not 0 < len(given) <= _MOST_KEYS:
        raise KekInvalid("malformed")
    return tuple(Kek(_decode(one)) for one in given)


def load_kek_ring(
    *,
    file: Path | None = None,
    value: str | None = None,
    token: Callable[[], Sequence[RootKey]] | None = None,
) -> KekRing:
    """All root keys that the operator gave: those of a hardware module first, then file or value.

    Takes   token: reads those of the module (`TokenKeks.find`); with it, file and value may both
            be absent.
    Raises  KekInvalid.
    """

    def read() -> Sequence[RootKey]:
        in_token = () if token is None else tuple(token())
        if file is None and value is None and token is not None:
            return in_token
        return (*in_token, *read_keks(file=file, value=value))

    return KekRing(read(), source=read)


def create_kek_file(path: Path) -> bool:
    """Make a root key and keep it in `path`, mode 0600.

    Returns False when there was a file already; it is never overwritten.  Of several processes
    that start together one makes the file, and nobody ever sees half of it.
    """
    return add_private_file(path, _new_line())


def add_kek(path: Path) -> str:
    """Add a new root key at the end of a file that has one; returns its id.

    The file is replaced as a whole: whoever reads it sees the old one or the new one.
    Raises  KekInvalid when the file cannot be used as it is; nothing is changed then.
    """
    line = _new_line()

    def with_new(written: bytes) -> bytes:
        return written.rstrip() + b"\n" + line

    read_keks(file=path, value=None)
    replace_private_file(path, with_new)
    return Kek(_decode(line)).kek_id


def remove_kek(path: Path, *, kek_id: str) -> bool:
    """Take one root key out of a file; False when it was not there.

    Raises  KekInvalid, also when it is the only one: nothing is changed then.
    """
    keks = read_keks(file=path, value=None)
    if kek_id not in {kek.kek_id for kek in keks}:
        return False
    if len({kek.kek_id for kek in keks}) == 1:
        raise KekInvalid("missing")

    def without(written: bytes) -> bytes:
        lines = [line.strip() for line in written.splitlines()]
        return b"".join(
            line + b"\n"
            for line in lines
            if not line or line.startswith(b"#") or Kek(_decode(line)).kek_id != kek_id
        )

    replace_private_file(path, without)
    return True


def _new_line() -> bytes:
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"


def _bound(head: bytes, context: str) -> bytes:
    return b"antin kek 2\x00" + head + context.encode()


def _decode(encoded: bytes) -> bytes:
    digits = encoded.strip().rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        key = binascii.a2b_base64(digits + b"=" * (-len(digits) % 4), strict_mode=True)
    except binascii.Error:
        raise KekInvalid("malformed") from None  # the cause would quote the key
    if len(key) != KEY_BYTES:
        raise KekInvalid("malformed")
    return key
