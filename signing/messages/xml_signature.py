"""What is asked about XML documents before they are signed, and about signatures in them.

What lives here: two tasks with their arguments and answers.
Not here: the functions that do them (`signing/parsing/xml_signature.py`), and what of the answers
is believed (`signing/formats/xades_place.py`, `signing/formats/xades_augment.py`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

_MOST: Final = 1_000
_Name = Annotated[str, msgspec.Meta(max_length=100_000)]
_Octets = Annotated[bytes, msgspec.Meta(max_length=4 << 20)]
_MOST_ANSWER_BYTES: Final = 16 << 20


class FindPlace(msgspec.Struct, frozen=True):
    """Asks where an enveloped signature goes.

    Takes   most_elements: a document with more is refused.
    """

    most_elements: int


class FoundPlace(msgspec.Struct, frozen=True):
    """Where it goes; the canonical form, without any signature, is in the output.

    Takes   offset: in bytes, of the root's end tag, or of the `/>` of a root without one (then
            `is_empty`); root: its name with the prefix; signatures: how many there are already.
    """

    offset: int
    is_empty: bool
    root: _Name
    signatures: int


class FindSignature(msgspec.Struct, frozen=True):
    """Asks where more can be added to a signature.

    Takes   signature_id: its Id; empty where there is only one.
    """

    signature_id: str


class FoundSignature(msgspec.Struct, frozen=True):
    """A signature in a document; its canonical ds:SignedInfo is in the output.

    Takes   method: identifier of the signature algorithm; value: as written, decoded; value_text:
            canonical form of ds:SignatureValue by Exclusive C14N; certificates: DER, of ds:KeyInfo
            and of the unsigned properties; tokens: DER of its timestamps, with `token_ids` ("" for
            none); has_material: whether revocation data is there already;
            offset: in bytes, of the end tag of `closing` (a name with its prefix), before which
            more can be written: that of UnsignedSignatureProperties where `has_unsigned`, that of
            QualifyingProperties otherwise.
    """

    signature_id: _Name
    method: _Name
    value: _Octets
    value_text: _Octets
    certificates: Annotated[tuple[_Octets, ...], msgspec.Meta(max_length=_MOST)]
    tokens: Annotated[tuple[_Octets, ...], msgspec.Meta(max_length=_MOST)]
    token_ids: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=_MOST)]
    has_material: bool
    has_unsigned: bool
    offset: int
    closing: _Name


FIND_PLACE: Final = Task("signing.parsing.xml_signature:find_place", FindPlace, FoundPlace)
"""Input: the document.  Refused with `DocumentRefused`: see `signing/parsing/xml_signature.py`."""

FIND_SIGNATURE: Final = Task(
    "signing.parsing.xml_signature:find_signature",
    FindSignature,
    FoundSignature,
    _MOST_ANSWER_BYTES,
)
"""Input: the document with the signature."""
