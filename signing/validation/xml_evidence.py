"""Evidence records in XAdES: over a whole signature, as a group of what it consists of.

What lives here: `read_evidence`, for records in ASN.1 and in XML.
Source: ETSI TS 119 132-3 §5 (SealingEvidenceRecords: the group of data objects); RFC 4998 §4.2 and
RFC 6283 §3.2.1 (the digest of a group).
Not here: records themselves, what their timestamps prove (`evidence_stamps.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from signing.formats.xml_names import C14N, DS
from signing.formats.xml_tree import Element
from signing.validation.cades_proofs import tokens_cover
from signing.validation.content import Content
from signing.validation.evidence_record import RecordStamp, read_record
from signing.validation.evidence_record_xml import (
    RECORD,
    canonicalization_in,
    read_record_element,
)
from signing.validation.evidence_stamps import Grouped, Reading, is_over, stamps_of
from signing.validation.found import FoundTimestamp, object_identity
from signing.validation.xml_keys import octets_of
from signing.validation.xml_proofs import Stamped, covered_by_archive
from signing.validation.xml_properties import digest_in
from signing.validation.xml_transforms import Unavailable, prefixes_of

SEALING: Final = "SealingEvidenceRecords"
_IN_ASN1: Final = "ASN1EvidenceRecord"
_MANIFEST: Final = (DS, "Manifest")
_MOST_RECORDS: Final = 16
_DEEPEST: Final = 4


def read_evidence(stamped: Stamped, *, identity: str) -> tuple[tuple[FoundTimestamp, ...], bool]:
    """The timestamps of all records that a signature bears, and whether all of them were read.

    1. What a record is over: everything before it, written as ds:SignedInfo is, or as the record
       itself says.
    2. What that proves: everything that an archive timestamp in its place would.

    Takes   identity: of the signature.
    """
    octets = stamped.octets
    found: list[FoundTimestamp] = []
    is_whole, number = True, 0
    properties = stamped.parts.unsigned_properties
    for sealing in (one for one in properties if one.local == SEALING):
        covers = frozenset(map(object_identity, stamped.values))
        earlier = [one for one in properties if one.number < sealing.number]
        covers |= covered_by_archive(stamped, earlier)
        covers |= tokens_cover(one.token for one in found)
        for element in sealing.elements():
            number += 1
            record: tuple[RecordStamp, ...] | None = None
            if number <= _MOST_RECORDS and element.name == RECORD:
                record = read_record_element(octets.tree, element)
            elif number <= _MOST_RECORDS and element.local == _IN_ASN1:
                record = read_record(octets_of(element))
            if record is None:
                is_whole = False
                continue
            found += stamps_of(
                record,
                # 1
                readings=_readings(stamped, sealing, element, record),
                # 2
                covers=covers,
                identity=f"{identity}-R{number}.",
            )
    return tuple(found), is_whole


def _readings(
    stamped: Stamped, sealing: Element, element: Element, record: tuple[RecordStamp, ...]
) -> list[Reading]:
    """Made now: what is written has to be compared with what others write."""
    info = stamped.parts.signed_info
    method = None if info is None else info.first((DS, "CanonicalizationMethod"))
    ways = [
        (
            ("" if method is None else method.get("Algorithm")) or C14N,
            frozenset[str]() if method is None else prefixes_of(method),
        ),
        (canonicalization_in(element), frozenset[str]()),
    ]
    readings: list[Reading] = []
    for algorithm, prefixes in dict.fromkeys(one for one in ways if one[0]):
        try:
            pieces = _Group(stamped, sealing, algorithm, prefixes).pieces()
        except Unavailable:
            continue
        group = (Grouped(list(pieces)),)
        readings.append(lambda group=group: group)  # type: ignore[misc]  # bound for this turn
        if is_over(record[0], group):
            break
    return readings


class _Group:
    """The data objects of a signature that a record before which it stands is over."""

    def __init__(
        self, stamped: Stamped, sealing: Element, algorithm: str, prefixes: frozenset[str]
    ) -> None:
        self._parts = stamped.parts
        self._octets = stamped.octets
        self._sealing = sealing
        self._algorithm = algorithm
        self._prefixes = prefixes

    def pieces(self) -> list[Content]:
        """All of them.

        1. What the references are about, signed properties included.
        2. ds:SignedInfo, ds:SignatureValue, ds:KeyInfo.
        3. Every unsigned property before the record.
        4. Objects but that of the properties.
        5. What references of manifests are about.

        Raises  Unavailable.
        """
        parts = self._parts
        # 1
        found = [self._reference(one) for one in parts.references]
        # 2
        own = [parts.signed_info, parts.value, parts.key_info]
        # 3
        own += [one for one in parts.unsigned_properties if one.number < self._sealing.number]
        # 4
        own += [
            one for one in parts.objects if not any(one.holds(inner) for inner in parts.qualifying)
        ]
        found += [
            self._octets.element(one, self._algorithm, prefixes=self._prefixes)
            for one in own
            if one is not None
        ]
        # 5
        for one in parts.references:
            if one.get("Type") == f"{DS}Manifest":
                found += self._listed(one, depth=0)
        return found

    def _listed(self, reference: Element, *, depth: int) -> Iterator[Content]:
        target = self._octets.target(reference)
        if target is None or target.top.name != _MANIFEST or depth > _DEEPEST:
            return
        for one in target.top.named((DS, "Reference")):
            inner = self._octets.target(one)
            if inner is not None and inner.top.name == _MANIFEST:
                yield from self._listed(one, depth=depth + 1)
            else:
                yield self._reference(one)

    def _reference(self, reference: Element) -> Content:
        return self._octets.reference(
            reference,
            signature=self._parts.signature,
            algorithm=self._algorithm,
            hint=digest_in(reference),
        ).content
