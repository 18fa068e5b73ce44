"""What a signature is about, as those who check it have it: octets, or only their digest.

What lives here: `Content`, and the four kinds that there are: octets in memory, a stretch of a
file, a digest that somebody computed elsewhere, and whatever can give digests.  A digest is
computed once for each hash.
Not here: which content belongs to which signature.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from signing.isolation.blob import Blob

_CHUNK: Final = 1 << 20
HASHES: Final = frozenset(
    {
        "md5",
        "sha1",
        "sha224",
        "sha256",
        "sha384",
        "sha512",
        "sha512_256",
        "sha3_224",
        "sha3_256",
        "sha3_384",
        "sha3_512",
        "ripemd160",
    }
)
"""Those that are computed for comparing; which of them prove anything is for the policy."""


class Content(Protocol):
    """Something that was signed."""

    def digest(self, hash_name: str) -> bytes | None:
        """Its digest, by the name of `hashlib`; None when it cannot be had."""

    def chunks(self) -> Iterator[bytes] | None:
        """All of it in pieces; None where only digests are known."""


def digest_octets(octets: bytes | memoryview, hash_name: str) -> bytes | None:
    """The digest of octets; None for a hash that is not known."""
    hashed = new_hash(hash_name)
    if hashed is None:
        return None
    hashed.update(octets)
    return hashed.digest()


def new_hash(hash_name: str) -> hashlib._Hash | None:
    """A hash to be fed, if it is one that is computed here."""
    if hash_name not in HASHES:
        return None
    try:
        return hashlib.new(hash_name, usedforsecurity=False)
    except ValueError:  # a library that was built without it
        return None


class _Hashing:
    """Remembers digests."""

    def __init__(self) -> None:
        self._digests: dict[str, bytes | None] = {}

    def digest(self, hash_name: str) -> bytes | None:
        """See `Content`."""
        if hash_name not in self._digests:
            self._digests[hash_name] = self._compute(hash_name)
        return self._digests[hash_name]

    def _compute(self, hash_name: str) -> bytes | None:
        hashed = new_hash(hash_name)
        if hashed is None:
            return None
        for chunk in self.chunks():
            hashed.update(chunk)
        return hashed.digest()

    def chunks(self) -> Iterator[bytes]:
        """See `Content`."""
        raise NotImplementedError


class Octets(_Hashing):
    """A content in memory."""

    def __init__(self, octets: bytes) -> None:
        super().__init__()
        self.octets = octets

    def chunks(self) -> Iterator[bytes]:
        """See `Content`."""
        yield self.octets


class Stretch(_Hashing):
    """A part of a blob, or all of it; the blob stays somebody else's, and open."""

    def __init__(self, blob: Blob, *, start: int = 0, size: int | None = None) -> None:
        super().__init__()
        self._blob = blob
        self.start = start
        self.size = blob.size - start if size is None else size

    def chunks(self) -> Iterator[bytes]:
        """See `Content`."""
        at, end = self.start, self.start + self.size
        while at < end and (chunk := os.pread(self._blob.fd, min(_CHUNK, end - at), at)):
            at += len(chunk)
            yield chunk

    def read(self) -> bytes:
        """All of it as a copy: for whoever knows that it is not large."""
        return b"".join(self.chunks())


class DigestsOnly:
    """A content that stayed with its owner.

    Takes   digests: by the name of the hash, as the owner computed them.
    """

    def __init__(self, digests: Mapping[str, bytes]) -> None:
        self._digests = dict(digests)

    def digest(self, hash_name: str) -> bytes | None:
        """See `Content`."""
        return self._digests.get(hash_name)

    def chunks(self) -> None:
        """See `Content`."""
        return


class Digesting:
    """A content of which somebody gives digests, such as the signed ranges of a PDF."""

    def __init__(self, digest_of: Callable[[str], bytes | None]) -> None:
        self._digest_of = digest_of

    def digest(self, hash_name: str) -> bytes | None:
        """See `Content`."""
        return self._digest_of(hash_name)

    def chunks(self) -> None:
        """See `Content`."""
        return
