"""The parts of one ds:Signature, found and not judged.

What lives here: where its value, references, keys, objects and properties stand.
Source: W3C XML Signature 1.1 §4; ETSI EN 319 132-1 §4.3 (QualifyingProperties), §4.4.
Not here: octets (`xml_octets`), what any of it means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from signing.formats.xml_names import DS
from signing.formats.xml_tree import Element
from signing.validation.xml_properties import NAMESPACES

SIGNATURE: Final = (DS, "Signature")
MOST_REFERENCES: Final = 1_000


@dataclass(frozen=True, slots=True)
class SignatureParts:
    """Elements; None and empty for what is not there.

    Takes   qualifying: every QualifyingProperties in its objects; properties: every
            SignedProperties in those; unsigned: UnsignedSignatureProperties.
    """

    signature: Element
    signed_info: Element | None
    value: Element | None
    key_info: Element | None
    references: tuple[Element, ...] = field(repr=False)
    objects: tuple[Element, ...] = field(repr=False)
    qualifying: tuple[Element, ...] = field(repr=False)
    properties: tuple[Element, ...] = field(repr=False)
    unsigned: tuple[Element, ...] = field(repr=False)

    @property
    def unsigned_properties(self) -> tuple[Element, ...]:
        """What was added without being signed, in order."""
        return tuple(one for outer in self.unsigned for one in outer.elements())


def find_parts(signature: Element) -> SignatureParts:
    """The parts of a signature."""
    signed_info = signature.first((DS, "SignedInfo"))
    objects = tuple(signature.named((DS, "Object")))
    qualifying = tuple(_qualified(objects, "QualifyingProperties"))
    unsigned = _qualified(qualifying, "UnsignedProperties")
    references = [] if signed_info is None else signed_info.named((DS, "Reference"))
    return SignatureParts(
        signature,
        signed_info,
        signature.first((DS, "SignatureValue")),
        signature.first((DS, "KeyInfo")),
        tuple(references),
        objects,
        qualifying,
        tuple(_qualified(qualifying, "SignedProperties")),
        tuple(_qualified(unsigned, "UnsignedSignatureProperties")),
    )


def _qualified(outer: tuple[Element, ...] | list[Element], local: str) -> list[Element]:
    """Elements of that name, of any version, in some others."""
    return [
        one
        for each in outer
        for one in each.elements()
        if one.local == local and one.namespace in NAMESPACES
    ]
