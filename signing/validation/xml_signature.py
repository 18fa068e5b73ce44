"""One ds:Signature, from its elements to what the procedure takes.

What lives here: putting together value, references, properties, keys, evidence and timestamps.
**Nothing is verified**; every digest is computed here.
Source: W3C XML Signature 1.1 §3.2, §4; ETSI EN 319 132-1 §4, §5.2.7 (countersignatures).
Not here: octets (`xml_octets`), the document around it (`xml`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from signing.formats.material import ValidationMaterial
from signing.formats.xml_names import DS
from signing.formats.xml_tree import Element
from signing.validation.certificates import find_certificate
from signing.validation.found import Form, FoundSignature, ObjectKind, SignedValue
from signing.validation.verdict import Reason, because
from signing.validation.xml_algorithms import algorithm_of, value_in_der
from signing.validation.xml_coverage import packaging_of
from signing.validation.xml_evidence import read_evidence
from signing.validation.xml_keys import (
    bare_key,
    choose_candidate,
    evidence_in,
    key_certificates,
    octets_of,
    validation_data,
)
from signing.validation.xml_objects import Signed, find_signed
from signing.validation.xml_octets import DocumentOctets, Referenced
from signing.validation.xml_parts import SIGNATURE, SignatureParts, find_parts
from signing.validation.xml_proofs import Stamped
from signing.validation.xml_properties import NAMESPACES, SignedProperties, read_properties
from signing.validation.xml_timestamps import read_timestamps
from signing.validation.xml_transforms import Unavailable, prefixes_of

_COUNTERSIGNED: Final = "#CountersignedSignature"


@dataclass(frozen=True, slots=True)
class ReadSignature:
    """A signature, and where it and what it stands for are in the tree."""

    found: FoundSignature
    element: Element
    referenced: tuple[Referenced, ...] = field(repr=False)


def read_signature(
    signature: Element,
    *,
    octets: DocumentOctets,
    identities: Mapping[int, str],
    place: str,
) -> ReadSignature:
    """Everything about one signature.

    1. What it stands for, and the properties that are signed.
    2. Its value, over the canonical form of ds:SignedInfo.
    3. Certificates and evidence; which certificate it points at.
    4. Timestamps.
    5. Which signature it countersigns.

    Takes   identities: of all signatures of the document, by the number of their element.
    """
    parts = find_parts(signature)
    malformed: list[Reason] = []
    # 1
    signed = find_signed(parts, octets=octets)
    malformed += signed.malformed
    said = SignedProperties() if signed.properties is None else read_properties(signed.properties)
    doubts = [*signed.doubts, *said.doubts, *_odd_properties(parts, signed, said)]
    # 2
    value, raw_value = _value(parts, octets, malformed)
    # 3
    material = evidence_in(octets.tree, validation_data(parts.unsigned_properties))
    named = key_certificates(signature)
    certificates = tuple(dict.fromkeys((*named, *material.certificates)))
    candidate = choose_candidate(
        signature, certificates=certificates, references=said.references, value=value
    )
    doubts += _odd_serial(candidate, said)
    # 4
    values = (raw_value,) if value is None else tuple(dict.fromkeys((value.value, raw_value)))
    stamped = Stamped(
        parts,
        octets,
        values,
        frozenset(signed.property_references),
        ValidationMaterial(certificates, material.ocsp_responses, material.crls),
        tuple(one for one in (candidate, *named) if one is not None),
    )
    identity = identities[signature.number]
    evidence, is_all_read = read_evidence(stamped, identity=identity)
    timestamps = read_timestamps(stamped, content=said.timestamps, identity=identity) + evidence
    if not is_all_read:
        doubts.append(because("evidence_record_unread"))
    # 5
    parent, is_lost = _countersigned(signature, signed, identities)
    if is_lost:
        malformed.append(because("countersignature_of_nothing"))
    referenced = tuple(one for _, one in signed.referenced)
    kinds = [one.kind for one in signed.objects]
    if not parent and ObjectKind.DOCUMENT not in kinds and signed.objects:
        doubts.append(because("no_document_signed"))
    found = FoundSignature(
        identity,
        Form.XADES if signed.properties is not None or parts.properties else Form.XMLDSIG,
        packaging_of(signature, _about_documents(signed, parts)),
        place or signature.get("Id"),
        tuple(signed.objects),
        value,
        candidate,
        said.references,
        bare_key(signature),
        certificates,
        material,
        timestamps,
        said.claimed_time,
        said.content_type,
        said.policy_identifier,
        said.commitments,
        said.claimed_roles,
        said.production_place,
        malformed=tuple(dict.fromkeys(malformed)),
        doubts=tuple(dict.fromkeys(doubts)),
        parent=parent,
    )
    return ReadSignature(found, signature, referenced)


def with_reasons(
    read: ReadSignature, *, malformed: tuple[Reason, ...] = (), doubts: tuple[Reason, ...] = ()
) -> FoundSignature:
    """What was found, with more to say about it."""
    found = read.found
    return replace(found, malformed=found.malformed + malformed, doubts=found.doubts + doubts)


def _value(
    parts: SignatureParts, octets: DocumentOctets, malformed: list[Reason]
) -> tuple[SignedValue | None, bytes]:
    info, value = parts.signed_info, parts.value
    if info is None or value is None:
        malformed.append(because("signed_info_missing" if info is None else "value_missing"))
        return None, b""
    method = info.first((DS, "CanonicalizationMethod"))
    algorithm = algorithm_of(info.first((DS, "SignatureMethod")))
    raw = octets_of(value)
    if not raw:
        malformed.append(because("value_missing"))
    if len(parts.signature.named((DS, "SignedInfo"), (DS, "SignatureValue"))) != 2:
        malformed.append(because("signed_info_twice"))
    try:
        form = "" if method is None else method.get("Algorithm")
        prefixes = frozenset[str]() if method is None else prefixes_of(method)
        text = octets.element(info, form, prefixes=prefixes)
    except Unavailable as unavailable:
        reason = "too_much_work" if unavailable.reason == "too_much" else "canonicalization_unknown"
        malformed.append(because(reason))
        return None, raw
    return SignedValue(text.octets, value_in_der(raw, family=algorithm.family), algorithm), raw


def _odd_properties(parts: SignatureParts, signed: Signed, said: SignedProperties) -> list[Reason]:
    """What about the properties is not as it should be and makes the signature no other."""
    found = []
    if parts.properties and signed.properties is None:
        found.append(because("signed_properties_not_signed"))
    if len(parts.qualifying) > 1:
        found.append(because("qualifying_properties_twice"))
    own = {f"#{one.value}" for one in parts.signature.attributes if one.local.lower() == "id"}
    if any(one.has("Target") and one.get("Target") not in own for one in parts.qualifying):
        found.append(because("properties_of_another"))
    named = {f"#{one.get('Id')}" for one in parts.references if one.has("Id")}
    if any(one not in named for one in said.data_references):
        found.append(because("data_object_unmatched"))
    if any(
        inner.local == "QualifyingPropertiesReference" and inner.namespace in NAMESPACES
        for one in parts.objects
        for inner in one.elements()
    ):
        found.append(because("properties_elsewhere"))
    return found


def _odd_serial(candidate: bytes | None, said: SignedProperties) -> list[Reason]:
    """Older forms name the serial number beside the digest, in decimal."""
    serial = said.issuer_serials[0] if said.issuer_serials else ""
    parsed = None if candidate is None or not serial else find_certificate(candidate)
    if parsed is None or len(serial) > 100:
        return []
    try:
        is_same = int(serial) == int.from_bytes(parsed.serial, "big", signed=True)
    except ValueError:
        is_same = False
    return [] if is_same else [because("issuer_serial_differs")]


def _about_documents(signed: Signed, parts: SignatureParts) -> list[Referenced]:
    return [
        one
        for reference, one in signed.referenced
        if one.target is not parts.key_info or one.target is None
    ]


def _countersigned(
    signature: Element, signed: Signed, identities: Mapping[int, str]
) -> tuple[str, bool]:
    """Which signature it is about, and whether it stands in another and is not about that one."""
    values = [
        one.target.parent
        for _, one in signed.referenced
        if one.target is not None and one.target.name == (DS, "SignatureValue")
    ]
    own = {one.number for one in values if one is not None and one.name == SIGNATURE}
    own.discard(signature.number)
    around = signature.parent
    if around is None or around.local != "CounterSignature" or around.namespace not in NAMESPACES:
        return next((identities[one] for one in sorted(own) if one in identities), ""), False
    outer = next((one for one in around.ancestors() if one.name == SIGNATURE), None)
    if outer is None:
        return "", True
    return identities.get(outer.number, ""), outer.number not in own
