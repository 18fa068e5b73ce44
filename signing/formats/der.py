"""DER as signatures need it: sets in order, lengths ahead of contents, a reader of few steps.

What lives here: what goes beyond `keystore/pki/der.py`.  The reader takes definite lengths in their
one encoding alone, goes no deeper than it is told, copies nothing, and knows no type: whatever it
is handed, it answers with slices or `DerMalformed`.
Source: X.690 §8.1, §10.1, §11.6.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from keystore.pki.der import SEQUENCE, wrap
from signing.errors import SigningError

SET: Final = 0x31
INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
_LONGEST_LENGTH: Final = 8
_HIGH_TAG: Final = 0x1F


class DerMalformed(SigningError):
    """Bytes that are no DER, or not the structure that was expected."""

    code = "der_malformed"


@dataclass(frozen=True, slots=True)
class Element:
    """One element: `whole` with its header, `content` without."""

    tag: int
    whole: memoryview = field(repr=False)
    content: memoryview = field(repr=False)

    def children(self, *, most: int = 64) -> tuple[Element, ...]:
        """What a constructed element consists of.

        Raises  DerMalformed, also for more than `most`.
        """
        return read_all(self.content, most=most)


def header(tag: int, size: int) -> bytes:
    """Tag and length of contents that follow elsewhere."""
    if size < 0x80:
        return bytes((tag, size))
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length


def set_of(elements: Iterable[bytes], *, tag: int = SET) -> bytes:
    """A SET OF without doublets, in the order that DER wants.

    Two whole elements never begin alike and end differently in length, so that comparing bytes is
    the comparison of X.690 §11.6.
    """
    return wrap(tag, *sorted(set(elements)))


@lru_cache(maxsize=64)
def oid(dotted: str) -> bytes:
    """DER of an object identifier."""
    return asn1.encode_der(ObjectIdentifier(dotted))


def attribute(kind: str, *values: bytes) -> bytes:
    """Attribute of CMS (RFC 5652 §5.3), DER.

    Takes   kind: object identifier, dotted; values: DER.
    """
    return wrap(SEQUENCE, oid(kind), set_of(values))


def read_one(raw: bytes | memoryview) -> Element:
    """The only element of `raw`.

    Raises  DerMalformed, also when something follows.
    """
    found, rest = _read(memoryview(raw))
    if rest:
        raise DerMalformed
    return found


def read_all(raw: bytes | memoryview, *, most: int = 64) -> tuple[Element, ...]:
    """The elements of `raw`, one after the other to its end.

    Raises  DerMalformed, also for more than `most`.
    """
    rest = memoryview(raw)
    found: list[Element] = []
    while rest:
        if len(found) == most:
            raise DerMalformed
        one, rest = _read(rest)
        found.append(one)
    return tuple(found)


def read_oid(element: Element) -> str:
    """An object identifier, dotted.

    Raises  DerMalformed.
    """
    try:
        return asn1.decode_der(ObjectIdentifier, bytes(element.whole)).dotted_string
    except ValueError as malformed:
        raise DerMalformed from malformed


def _read(view: memoryview) -> tuple[Element, memoryview]:
    """One element and what follows it.

    1. A tag of one octet: nothing in CMS has a longer one.
    2. A definite length, in as few octets as it needs (X.690 §10.1).
    3. As many octets as that.
    """
    # 1
    if len(view) < 2 or view[0] & _HIGH_TAG == _HIGH_TAG:
        raise DerMalformed
    # 2
    size, start = view[1], 2
    if size >= 0x80:
        octets = size & 0x7F
        if not 1 <= octets <= _LONGEST_LENGTH or len(view) < 2 + octets:
            raise DerMalformed
        size, start = int.from_bytes(view[2 : 2 + octets], "big"), 2 + octets
        if size < 0x80 or view[2] == 0:
            raise DerMalformed
    # 3
    end = start + size
    if end > len(view):
        raise DerMalformed
    return Element(view[0], view[:end], view[start:end]), view[end:]
