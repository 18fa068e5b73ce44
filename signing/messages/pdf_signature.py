"""What is asked about signatures in a PDF, and what is answered.

What lives here: four tasks that write or read, each with its structs.  All that write answer with
an increment: the octets that are appended to the document, which itself is never given back.  An
increment with a signature has a hole of zeroes, `<000…0>`, in which the signature will stand, and
directly before it the literal `/ByteRange`, so that both can be checked without reading the rest.
Source: ISO 32000-2 §7.5.6 (increments), §12.8; ETSI EN 319 142-1 §5.4 and §6.3.

How an appearance is handed over: as a PDF of one page without annotations, drawn upright, which
becomes the appearance as it is; its media box is fitted to the rectangle.  It is the last input.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from signing.isolation.task import Task

MOST_HOLE_BYTES: Final = 1 << 20
"""A signature larger than that is none."""

_MOST_ENTRIES: Final = 10_000
_MOST_MATERIAL_BYTES: Final = 16 << 20
_FieldName = Annotated[str, msgspec.Meta(max_length=10_000)]
_Entry = Annotated[bytes, msgspec.Meta(max_length=_MOST_MATERIAL_BYTES)]
_Entries = Annotated[tuple[_Entry, ...], msgspec.Meta(max_length=_MOST_ENTRIES)]
_Short = Annotated[str, msgspec.Meta(max_length=500)]


class Appearance(msgspec.Struct, frozen=True, kw_only=True):
    """Where the appearance stands.

    Takes   page: the number of the page, 0 is the first, -1 the last;
            rectangle: left, bottom, right, top in default user space, in points;
            turned: by how many degrees the page is turned clockwise when it is shown (its /Rotate);
            the appearance is turned back, so that it is upright for who looks at it.
    """

    page: int
    rectangle: tuple[float, float, float, float]
    turned: Literal[0, 90, 180, 270] = 0


class SignatureAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A signature to be prepared.

    Takes   parts: how many of the inputs are the document, one after the other;
            hole_bytes: how much DER the hole has to hold;
            signed_at: aware; utc_offset_minutes: with which it is written (a time that crosses to
            another process is an instant, and forgets in which country it was read);
            field: an empty field of this document that shall be filled, or None for a new one;
            certify: what may follow a first signature: 1 nothing, 2 filling in and signing, 3 notes
            as well; None for a signature that certifies nothing.
    """

    parts: int = 1
    hole_bytes: Annotated[int, msgspec.Meta(gt=0, le=MOST_HOLE_BYTES)]
    signed_at: datetime
    utc_offset_minutes: Annotated[int, msgspec.Meta(ge=-840, le=840)] = 420
    name: _Short | None = None
    reason: _Short | None = None
    location: _Short | None = None
    contact: _Short | None = None
    field: _Short | None = None
    certify: Literal[1, 2, 3] | None = None
    appearance: Appearance | None = None


class TimestampAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A timestamp over the document to be prepared; `parts` and `hole_bytes` as above."""

    parts: int = 1
    hole_bytes: Annotated[int, msgspec.Meta(gt=0, le=MOST_HOLE_BYTES)]


class HoleAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """Where the hole is in the increment: from its `<` to behind its `>`."""

    field: _FieldName
    start: int
    end: int


class MaterialAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence for the document security store, each entry DER."""

    parts: int = 1
    certificates: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


class MaterialAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries were new; without any there is no increment."""

    added: int


class SignaturesAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Which signatures there are; `parts` as above."""

    parts: int = 1


class FoundSignature(msgspec.Struct, frozen=True, kw_only=True):
    """A filled field, as its dictionary says: nothing of it is verified.

    Takes   start, end: of /Contents in the document, from its `<` to behind its `>`; DER in
            hexadecimal digits between them, zeroes behind.
    """

    field: _FieldName
    is_timestamp: bool
    sub_filter: _FieldName
    byte_range: tuple[int, int, int, int]

    @property
    def start(self) -> int:
        """Where /Contents begins."""
        return self.byte_range[1]

    @property
    def end(self) -> int:
        """Behind /Contents."""
        return self.byte_range[2]


class SignaturesAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """All signatures in the order in which they were made, and what is in the security store."""

    signatures: Annotated[tuple[FoundSignature, ...], msgspec.Meta(max_length=_MOST_ENTRIES)]
    certificates: _Entries
    ocsp_responses: _Entries
    crls: _Entries


ADD_SIGNATURE: Final = Task(
    "signing.parsing.pdf_signature:add_signature", SignatureAsked, HoleAnswered
)
ADD_TIMESTAMP: Final = Task(
    "signing.parsing.pdf_timestamp:add_timestamp", TimestampAsked, HoleAnswered
)
ADD_MATERIAL: Final = Task(
    "signing.parsing.pdf_material:add_material", MaterialAsked, MaterialAnswered
)
FIND_SIGNATURES: Final = Task(
    "signing.parsing.pdf_signatures:find_signatures",
    SignaturesAsked,
    SignaturesAnswered,
    _MOST_MATERIAL_BYTES,
)
