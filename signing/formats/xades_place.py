"""Where an enveloped signature goes into an XML document, and that nobody lied about it.

What lives here: asking the process behind the walls, comparing its answer with our own look at the
document (`xml_canonical`), and writing the signature there; not one other byte is changed.
Source: W3C XML Signature 1.1 §6.6.3, §6.6.4; ETSI EN 319 132-1 §4.2 (enveloped).
Not here: what is written.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from signing.errors import DocumentRefused, ParsingFailed
from signing.formats.xml_canonical import CanonicalReading, read_canonical
from signing.formats.xml_encoding import Encoding, find_encoding
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.xml_signature import FIND_PLACE, FindPlace

MOST_BYTES: Final = 16 << 20
"""Of a document that gets an enveloped signature: a second or two of work, here and for verifiers.

Larger ones are signed detached.
"""
MOST_ELEMENTS: Final = 250_000
MOST_NODES_SHARED: Final = 50_000
"""Where XPath leaves signatures out: xmlsec takes the square of it in time, here two seconds."""


@dataclass(frozen=True, slots=True)
class EnvelopedPlace:
    """A place inside of a document; can be stored.

    Takes   offset: in bytes; is_empty: the root has no end tag, at the offset stands its `/>`;
            root: its name; canonical_digest: of the document without any signature.
    """

    offset: int
    is_empty: bool
    root: str
    encoding: Encoding
    nodes: int
    has_signatures: bool
    canonical_digest: bytes = field(repr=False)

    def written(self, signature: str) -> bytes:
        """What is written there."""
        if self.is_empty:
            return self.encoding.encode(f">{signature}</{self.root}>")
        return self.encoding.encode(signature)

    @property
    def replaced_bytes(self) -> int:
        """How many bytes it takes the place of: none, or those of `/>`."""
        return len(self.encoding.encode("/>")) if self.is_empty else 0


def find_enveloped_place(document: Blob, *, hash_name: str, isolation: Isolation) -> EnvelopedPlace:
    """Where the signature goes, and the digest of what it is over.

    1. The document has a size and an encoding that are taken.
    2. The process behind the walls reads it: well-formed, no document type, no signature breaks.
    3. We read it: the canonical form and the place are the same.

    Raises  DocumentRefused (`too_large`, `encoding_unknown`, and what the process refuses);
            ParsingFailed("contradiction").
    """
    # 1
    if document.size > MOST_BYTES:
        raise DocumentRefused("too_large")
    with document.view() as view:
        encoding = find_encoding(view)
    if encoding is None:
        raise DocumentRefused("encoding_unknown")
    # 2
    asked = FindPlace(most_elements=MOST_ELEMENTS)
    found, output = isolation.run(FIND_PLACE, asked, inputs=[document])
    with output:
        claimed = output.read()
    # 3
    reading, offset = _read(document, encoding=encoding)
    if not hmac.compare_digest(claimed, reading.octets):
        raise ParsingFailed("contradiction")
    if (found.offset, found.is_empty, found.root) != (offset, reading.is_empty, reading.root):
        raise ParsingFailed("contradiction")
    return EnvelopedPlace(
        offset=offset,
        is_empty=reading.is_empty,
        root=reading.root,
        encoding=encoding,
        nodes=reading.nodes,
        has_signatures=reading.signatures > 0,
        canonical_digest=hashlib.new(hash_name, reading.octets).digest(),
    )


def insert(document: Blob, *, offset: int, replaced_bytes: int, written: bytes) -> Blob:
    """The document with something written into it."""
    with document.view() as view:
        before, behind = view[:offset], view[offset + replaced_bytes :]
        try:
            return Blob.of(before, written, behind)
        finally:
            before.release()
            behind.release()


def _read(document: Blob, *, encoding: Encoding) -> tuple[CanonicalReading, int]:
    with document.view() as view:
        try:
            text = encoding.decode(view)
        except UnicodeDecodeError as unlike:
            raise ParsingFailed("contradiction") from unlike
    reading = read_canonical(text)
    return reading, encoding.position(text, reading.end)
