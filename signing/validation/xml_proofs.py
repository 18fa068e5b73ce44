"""What is proved to have existed by whatever covers a signature in XML.

What lives here: a signature as its timestamps see it, and the identities of everything that its
unsigned properties bring along.
Source: ETSI EN 319 102-1 §5.6.2.3 (proofs of existence); EN 319 132-1 §5.4, §5.5; TS 101 903.
Not here: what timestamps have to be over (`xml_timestamps.py`, `xml_evidence.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from signing.formats.der import DerMalformed
from signing.formats.material import ValidationMaterial
from signing.formats.xml_tree import Element
from signing.validation.cades_attributes import certificates_of, read_material
from signing.validation.content import digest_octets
from signing.validation.found import object_identity
from signing.validation.timestamp_info import read_token_parts
from signing.validation.xml_keys import evidence_in, octets_of
from signing.validation.xml_octets import DocumentOctets
from signing.validation.xml_parts import SignatureParts
from signing.validation.xml_properties import digest_in

REFERENCES: Final = (
    ("CompleteCertificateRefs", "CompleteCertificateRefsV2"),
    ("CompleteRevocationRefs",),
    ("AttributeCertificateRefs", "AttributeCertificateRefsV2"),
    ("AttributeRevocationRefs",),
)


@dataclass(frozen=True, slots=True)
class Stamped:
    """A signature as its timestamps see it.

    Takes   values: its value in every form that anybody may look for; property_references: numbers
            of those that are about signed properties; material: all that is there; certificates:
            those that stand in the signature itself.
    """

    parts: SignatureParts
    octets: DocumentOctets
    values: tuple[bytes, ...] = field(repr=False)
    property_references: frozenset[int]
    material: ValidationMaterial = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    _evidence: dict[int, ValidationMaterial] = field(default_factory=dict, repr=False)

    def evidence(self, element: Element) -> ValidationMaterial:
        """Certificates, lists and answers in one property."""
        if element.number not in self._evidence:
            self._evidence[element.number] = evidence_in(self.octets.tree, [element])
        return self._evidence[element.number]


def tokens_in(element: Element) -> list[bytes]:
    """The tokens of a property; one of nothing where there is none."""
    return [
        octets_of(one) for one in element.elements() if one.local == "EncapsulatedTimeStamp"
    ] or [b""]


def covered_by_archive(stamped: Stamped, earlier: Sequence[Element]) -> frozenset[str]:
    """What is proved by something over a whole signature with some of its unsigned properties."""
    found = set(map(object_identity, stamped.certificates))
    for one in earlier:
        material = stamped.evidence(one)
        held = (*material.certificates, *material.ocsp_responses, *material.crls)
        found.update(map(object_identity, held))
    found.update(_of_tokens(earlier))
    return frozenset(found | _of_digests(stamped, earlier))


def covered_by_references(
    stamped: Stamped, earlier: Sequence[Element], *, with_stamps: bool
) -> frozenset[str]:
    """What is proved by something over references, and over timestamps of the signature if so."""
    found = _of_digests(stamped, earlier)
    if with_stamps:
        found.update(_of_tokens(one for one in earlier if one.local == "SignatureTimeStamp"))
    return frozenset(found)


def _of_tokens(elements: Iterable[Element]) -> Iterator[str]:
    """Tokens, with the certificates and evidence inside of them."""
    for token in (token for one in elements for token in tokens_in(one) if token):
        yield object_identity(token)
        material = brought_along(token)[1]
        own = (*material.certificates, *material.ocsp_responses, *material.crls)
        yield from map(object_identity, own)


def brought_along(token: bytes) -> tuple[tuple[bytes, ...], ValidationMaterial]:
    """The certificates in a token, and all that it brings along, in its attributes too."""
    try:
        parts = read_token_parts(token)
    except (DerMalformed, ValueError):
        return (), ValidationMaterial()
    signer = parts.signers[0] if parts.signers else None
    return certificates_of(parts), read_material(parts, signer)


def _of_digests(stamped: Stamped, properties: Iterable[Element]) -> set[str]:
    """Evidence of which references hold the digest."""
    kinds = {one for group in REFERENCES for one in group}
    wanted = {
        digest_in(inner)
        for outer in properties
        if outer.local in kinds
        for inner in stamped.octets.tree.inside(outer)
        if inner.local in {"CertDigest", "DigestAlgAndValue"}
    }
    material = stamped.material
    known = (*stamped.certificates, *material.certificates)
    names = {name for name, digest in wanted if digest}
    return {
        object_identity(one)
        for one in (*known, *material.ocsp_responses, *material.crls)
        if any((name, digest_octets(one, name)) in wanted for name in names)
    }
