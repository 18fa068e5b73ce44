"""Timestamps of XAdES: what each is over, and what it proves to have existed.

What lives here: the imprints of all kinds, in every version.  Where the texts leave two readings
and both are in use, the one that the token bears is taken: both cover the same things.
Source: ETSI EN 319 132-1 §5.2.8, §5.3, §5.5.2 and Annex A.1.5; ETSI TS 101 903 v1.3.2 and v1.4.2
§7.2.9 to §7.7, §8.2 (the older archive timestamp).
Not here: tokens themselves (`timestamp_token`), evidence records.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from signing.formats.xml_names import C14N, DS, XADES_141
from signing.formats.xml_node_sets import NodeSet
from signing.formats.xml_tree import Element
from signing.validation.content import Content, Octets, new_hash
from signing.validation.found import FoundTimestamp, TimestampKind, object_identity
from signing.validation.timestamp_info import find_info
from signing.validation.verdict import Reason, because
from signing.validation.xml_octets import DocumentOctets, Referenced
from signing.validation.xml_parts import SignatureParts
from signing.validation.xml_proofs import (
    REFERENCES,
    Stamped,
    brought_along,
    covered_by_archive,
    covered_by_references,
    tokens_in,
)
from signing.validation.xml_properties import digest_in
from signing.validation.xml_transforms import Unavailable, prefixes_of

MOST_TIMESTAMPS: Final = 50
_KINDS: Final = {
    "AllDataObjectsTimeStamp": TimestampKind.CONTENT,
    "IndividualDataObjectsTimeStamp": TimestampKind.CONTENT,
    "SignatureTimeStamp": TimestampKind.SIGNATURE,
    "RefsOnlyTimeStamp": TimestampKind.REFERENCES,
    "RefsOnlyTimeStampV2": TimestampKind.REFERENCES,
    "SigAndRefsTimeStamp": TimestampKind.REFERENCES,
    "SigAndRefsTimeStampV2": TimestampKind.REFERENCES,
    "ArchiveTimeStamp": TimestampKind.ARCHIVE,
    "ArchiveTimeStampV2": TimestampKind.ARCHIVE,
}
_STAMPS: Final = frozenset(_KINDS)
_OVER_VALUE: Final = frozenset({TimestampKind.SIGNATURE, TimestampKind.ARCHIVE})
_Pieces = Sequence[Content]
_WHOLE_READINGS: Final = 3
"""Of an archive timestamp, the first ones: those over everything that stands before it."""


def read_timestamps(
    stamped: Stamped, *, content: Sequence[Element], identity: str
) -> tuple[FoundTimestamp, ...]:
    """All timestamps of a signature: those over its content, then the others as they stand.

    Takes   content: elements among the signed properties; identity: of the signature.
    """
    elements = [*content]
    elements += [one for one in stamped.parts.unsigned_properties if one.local in _STAMPS]
    found: list[FoundTimestamp] = []
    for element in elements[:MOST_TIMESTAMPS]:
        for token in tokens_in(element):
            found.append(_read(stamped, element, token, identity=f"{identity}-T{len(found) + 1}"))
    return tuple(found[:MOST_TIMESTAMPS])


def _read(stamped: Stamped, element: Element, token: bytes, *, identity: str) -> FoundTimestamp:
    kind = _KINDS[element.local]
    findings: list[Reason] = []
    readings: list[_Pieces] = []
    # EN 319 132-1 §6.3 n): which of several would be the one that is meant?
    if kind is TimestampKind.SIGNATURE and len(tokens_in(element)) > 1:
        findings.append(because("several_timestamps_in_one"))
    try:
        readings = [list(one) for one in _readings(stamped, element)]
    except Unavailable as unavailable:
        if unavailable.reason not in {"not_found", "content_needed"}:
            findings.append(because("timestamp_unreadable", why=unavailable.reason))
    is_named = bool(_named_data(element))
    if is_named and kind in _OVER_VALUE and not _names_value(stamped, element):
        findings.append(because("timestamp_of_something_else"))
    earlier = [] if is_named else _earlier(stamped.parts, element)
    plain = _of_132(earlier)
    if kind is TimestampKind.ARCHIVE and len(plain) < len(earlier):
        # what the older reading leaves out may have been put there since
        whole = readings[:_WHOLE_READINGS]
        if not _is_over(whole, token=token, octets=stamped.octets):
            earlier = plain
    return FoundTimestamp(
        identity,
        kind,
        token,
        _digest_of(readings, token=token, octets=stamped.octets),
        _covers(stamped, element, kind, earlier),
        brought_along(token)[0],
        tuple(findings),
    )


def _named_data(element: Element) -> list[Element]:
    """What the oldest version writes into a timestamp, which nobody signed: what it is over."""
    return [one for one in element.elements() if one.local == "HashDataInfo"]


def _names_value(stamped: Stamped, element: Element) -> bool:
    """Whether what is named holds the value of the signature, and no transform leaves it out.

    Any old timestamp is over something: without this it would prove whatever it is put beside.
    """
    value = stamped.parts.value
    try:
        found = _Method(stamped, element).named()
    except Unavailable:
        return False
    return value is not None and any(
        one.target is not None
        and one.nodes is not None
        and one.target.holds(value)
        and not NodeSet(one.nodes.tree, value, left_out=one.nodes.left_out).is_empty
        for one in found
    )


def _earlier(parts: SignatureParts, element: Element) -> list[Element]:
    """The unsigned properties before one."""
    return [one for one in parts.unsigned_properties if one.number < element.number]


def _of_132(properties: Sequence[Element]) -> list[Element]:
    """Those that makers knew before there were more: without the namespace of version 1.4.1."""
    return [one for one in properties if one.namespace != XADES_141]


def _is_over(readings: Sequence[_Pieces], *, token: bytes, octets: DocumentOctets) -> bool:
    info = find_info(token)
    digest_of = _digest_of(readings, token=token, octets=octets)
    return info is not None and digest_of(info.hash_name) == info.imprint


def _digest_of(
    readings: Sequence[_Pieces], *, token: bytes, octets: DocumentOctets
) -> Callable[[str], bytes | None]:
    def digest_of(hash_name: str) -> bytes | None:
        info = find_info(token)
        first = None
        for pieces in readings:
            if not octets.may_hash(_size(pieces)):
                return first
            digest = _digest(pieces, hash_name)
            if digest is None:
                continue
            if info is not None and hmac.compare_digest(digest, info.imprint):
                return digest
            first = first or digest
        return first

    return digest_of


def _size(pieces: _Pieces) -> int:
    return sum(len(one.octets) if isinstance(one, Octets) else 0 for one in pieces)


def _digest(pieces: _Pieces, hash_name: str) -> bytes | None:
    if len(pieces) == 1:
        return pieces[0].digest(hash_name)
    hashed = new_hash(hash_name)
    if hashed is None:
        return None
    for piece in pieces:
        chunks = piece.chunks()
        if chunks is None:
            return None
        for chunk in chunks:
            hashed.update(chunk)
    return hashed.digest()


def _readings(stamped: Stamped, element: Element) -> Iterator[Iterable[Content]]:
    """What the token may be over, the reading of the newest text first.

    Raises  Unavailable.
    """
    method = _Method(stamped, element)
    local = element.local
    parts = stamped.parts
    if _named_data(element):
        yield [one.content for one in method.named()]
    elif local == "AllDataObjectsTimeStamp":
        yield method.references(without=stamped.property_references)
    elif local == "IndividualDataObjectsTimeStamp":
        yield method.included()
    elif local == "SignatureTimeStamp":
        yield method.elements([parts.value])
    elif local.startswith("RefsOnly"):
        yield method.elements(_before(parts, element, (), REFERENCES))
        yield method.elements(_all(parts, (), REFERENCES))
    elif local.startswith("SigAndRefs"):
        stamps = ("SignatureTimeStamp",)
        for found in (
            _before(parts, element, stamps, REFERENCES),
            _all(parts, stamps, REFERENCES),
            _in_order(parts, element),
        ):
            yield method.elements([parts.value, *found])
    else:
        yield from _archive(stamped, element, method)


def _archive(stamped: Stamped, element: Element, method: _Method) -> Iterator[Iterable[Content]]:
    """An archive timestamp.

    1. What the references are about, in their order, signed properties included.
    2. ds:SignedInfo, ds:SignatureValue, ds:KeyInfo.
    3. What was added before it.
    4. Objects that are neither referenced nor those of the properties; some write every other one.

    Source  ETSI EN 319 132-1 §5.5.2.2; TS 101 903 v1.4.2 §8.2.1.
    """
    parts = stamped.parts
    # 1
    references = method.references(without=frozenset())
    # 2
    own = method.elements([parts.signed_info, parts.value, parts.key_info])
    # 3
    earlier = _earlier(parts, element)
    without_later = _of_132(earlier)
    # 4
    others = [
        one for one in parts.objects if not any(one.holds(inner) for inner in parts.qualifying)
    ]
    named = {reference.get("URI") for reference in parts.references}
    unnamed = [one for one in others if not _identifiers(one) & named]
    choices = [(earlier, unnamed), (earlier, others), (earlier, [])]
    if element.namespace == XADES_141:
        choices[:2] = [(earlier, others), (earlier, unnamed)]
    choices += [(without_later, others), (without_later, unnamed)]
    for properties, objects in choices:
        yield [*references, *own, *method.elements(properties), *method.elements(objects)]


class _Method:
    """How one timestamp writes what it is over."""

    def __init__(self, stamped: Stamped, element: Element) -> None:
        method = element.first((DS, "CanonicalizationMethod"))
        self._algorithm = (method.get("Algorithm") if method is not None else "") or C14N
        self._prefixes = frozenset[str]() if method is None else prefixes_of(method)
        self._stamped = stamped
        self._element = element

    def elements(self, elements: Iterable[Element | None]) -> list[Content]:
        """Elements, written one after the other."""
        octets = self._stamped.octets
        return [
            octets.element(one, self._algorithm, prefixes=self._prefixes)
            for one in elements
            if one is not None
        ]

    def references(self, *, without: frozenset[int]) -> list[Content]:
        """What the references of the signature are about."""
        return [
            self._reference(one)
            for one in self._stamped.parts.references
            if one.number not in without
        ]

    def included(self) -> list[Content]:
        """What elements Include name: references, or elements themselves."""
        octets = self._stamped.octets
        by_number = {one.number: one for one in self._stamped.parts.references}
        found: list[Content] = []
        for include in self._element.elements():
            if include.local != "Include":
                continue
            target = octets.target(include)
            if target is None:
                raise Unavailable("not_found")
            reference = by_number.get(target.top.number)
            is_data = include.get("referencedData") in {"true", "1"} or reference is not None
            if is_data and reference is not None:
                found.append(self._reference(reference))
            else:
                found += self.elements([target.top])
        return found

    def named(self) -> list[Referenced]:
        """What elements HashDataInfo name, each by an address and transforms of its own."""
        octets = self._stamped.octets
        signature = self._stamped.parts.signature
        return [
            octets.reference(one, signature=signature, algorithm=self._algorithm)
            for one in _named_data(self._element)
        ]

    def _reference(self, reference: Element) -> Content:
        return self._stamped.octets.reference(
            reference,
            signature=self._stamped.parts.signature,
            algorithm=self._algorithm,
            hint=digest_in(reference),
        ).content


def _before(
    parts: SignatureParts,
    element: Element,
    first: tuple[str, ...],
    groups: Iterable[tuple[str, ...]],
) -> list[Element]:
    """Properties by the order of the groups, of those that stand before a timestamp."""
    return [one for one in _all(parts, first, groups) if one.number < element.number]


def _all(
    parts: SignatureParts, first: tuple[str, ...], groups: Iterable[tuple[str, ...]]
) -> list[Element]:
    properties = parts.unsigned_properties
    return [one for names in (first, *groups) for one in properties if one.local in names]


def _in_order(parts: SignatureParts, element: Element) -> list[Element]:
    names = {"SignatureTimeStamp", *(one for group in REFERENCES for one in group)}
    return [
        one
        for one in parts.unsigned_properties
        if one.local in names and one.number < element.number
    ]


def _identifiers(element: Element) -> set[str]:
    return {f"#{one.value}" for one in element.attributes if one.local.lower() == "id"}


def _covers(
    stamped: Stamped, element: Element, kind: TimestampKind, earlier: Sequence[Element]
) -> frozenset[str]:
    """What it proves to have existed, by what look-ups ask for.

    Takes   earlier: the properties that it is over.
    """
    values = frozenset(map(object_identity, stamped.values))
    if _named_data(element):
        is_over = kind is not TimestampKind.CONTENT and _names_value(stamped, element)
        return values if is_over else frozenset()
    if kind is TimestampKind.SIGNATURE:
        return values
    if kind is TimestampKind.ARCHIVE:
        return values | covered_by_archive(stamped, earlier)
    if kind is TimestampKind.REFERENCES:
        is_over_value = not element.local.startswith("RefsOnly")
        found = covered_by_references(stamped, earlier, with_stamps=is_over_value)
        return found | (values if is_over_value else frozenset())
    return frozenset()
