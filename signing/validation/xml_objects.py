"""What an XML signature stands for: each reference with its digest, and those of manifests.

What lives here: from ds:Reference elements to `SignedObject`s.  Signed properties are known by
their octets: only an element of this very signature whose canonical form is what was hashed is
read as such, whatever a reference says about itself.
Source: W3C XML Signature 1.1 §3.2.1, §4.4.3, §5.1 (manifests); ETSI EN 319 132-1 §4.4.2.
Not here: whether it is enough (`xml_coverage`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from signing.formats.xml_names import C14N, DS
from signing.formats.xml_tree import Element
from signing.validation.content import Octets
from signing.validation.found import ObjectKind, SignedObject
from signing.validation.verdict import Reason, because
from signing.validation.xml_octets import TRANSFORMS, DocumentOctets, Referenced
from signing.validation.xml_parts import MOST_REFERENCES, SignatureParts
from signing.validation.xml_properties import digest_in
from signing.validation.xml_transforms import Unavailable, prefixes_of

_MANIFEST: Final = (DS, "Manifest")
_MANIFEST_TYPE: Final = f"{DS}Manifest"
_PROPERTIES_TYPE: Final = "#SignedProperties"
_DEEPEST: Final = 4
_LONGEST_NAME: Final = 1_024
_MALFORMED: Final = {"ambiguous": "duplicate_id", "too_much": "too_much_work"}
"""What makes the whole signature unusable, and under which name."""
_NO_DOUBT: Final = frozenset({"not_found"})
"""What is said by the object that is not there."""


@dataclass(slots=True)
class Signed:
    """What a signature stands for.

    Takes   properties: the element SignedProperties that is signed, None without one;
            property_references: numbers of the references that are about it;
            references: what every other one is about, those in manifests included.
    """

    objects: list[SignedObject] = field(default_factory=list)
    properties: Element | None = None
    property_references: set[int] = field(default_factory=set)
    referenced: list[tuple[Element, Referenced]] = field(default_factory=list)
    malformed: list[Reason] = field(default_factory=list)
    doubts: list[Reason] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)


def find_signed(parts: SignatureParts, *, octets: DocumentOctets) -> Signed:
    """Everything that the references of a signature are about."""
    signed = Signed()
    if not parts.references:
        signed.malformed.append(because("no_references"))
    for reference in parts.references:
        _add(signed, reference, parts=parts, octets=octets, depth=0)
    return signed


def _add(
    signed: Signed,
    reference: Element,
    *,
    parts: SignatureParts,
    octets: DocumentOctets,
    depth: int,
) -> None:
    if len(signed.objects) == MOST_REFERENCES:
        _once(signed.malformed, because("too_many_references"))
        return
    hash_name, expected = digest_in(reference)
    claims_properties = reference.get("Type").endswith(_PROPERTIES_TYPE)
    name = unquote(reference.get("URI"))[:_LONGEST_NAME]
    kind = ObjectKind.SIGNED_PROPERTIES if claims_properties else ObjectKind.DOCUMENT
    try:
        found = octets.reference(reference, signature=parts.signature, hint=(hash_name, expected))
    except Unavailable as unavailable:
        _note(signed, unavailable.reason)
        signed.objects.append(SignedObject(name, kind, hash_name, expected, None))
        return
    actual = found.content.digest(hash_name)
    own = _own_properties(reference, found, parts=parts, octets=octets)
    if own is not None:
        kind = ObjectKind.SIGNED_PROPERTIES
        signed.property_references.add(reference.number)
        if signed.properties not in {None, own}:
            _once(signed.malformed, because("signed_properties_twice"))
        signed.properties = own
    elif claims_properties:
        # something else stands where the properties of this signature should
        _once(signed.doubts, because("signature_wrapped", part="signed_properties"))
        actual = None
    else:
        kind = _kind(found.target, parts)
        signed.referenced.append((reference, found))
    if not hash_name:
        _once(signed.doubts, because("digest_algorithm_unknown"))
    if found.is_taken:
        _once(signed.doubts, because("reference_not_recomputed"))
    if found.is_renamed:
        _once(signed.doubts, because("file_renamed"))
    manifests = [] if own is not None else list(_manifests(reference, found))
    if manifests:
        kind = ObjectKind.MANIFEST
    signed.objects.append(SignedObject(name, kind, hash_name, expected, actual))
    for manifest in manifests:
        if manifest.number in signed._seen:
            continue
        signed._seen.add(manifest.number)
        if depth == _DEEPEST:
            _once(signed.malformed, because("too_many_references"))
            return
        for inner in manifest.named((DS, "Reference")):
            _add(signed, inner, parts=parts, octets=octets, depth=depth + 1)


def _own_properties(
    reference: Element, found: Referenced, *, parts: SignatureParts, octets: DocumentOctets
) -> Element | None:
    """The signed properties of this signature, if they are what was hashed, whole."""
    if not isinstance(found.content, Octets) or found.beside is not None:
        return None
    if found.target in parts.properties or found.is_taken or found.target is None:
        candidates = parts.properties
    else:
        candidates = tuple(one for one in parts.properties if found.target.holds(one))
    transforms = [
        one for outer in reference.named(TRANSFORMS[0]) for one in outer.named(TRANSFORMS[1])
    ]
    forms = [(one.get("Algorithm"), prefixes_of(one)) for one in transforms[-1:]]
    for candidate in candidates:
        for algorithm, prefixes in (*forms, (C14N, frozenset[str]())):
            try:
                whole = octets.element(candidate, algorithm, prefixes=prefixes)
            except Unavailable:
                continue
            if whole.octets == found.content.octets:
                return candidate
    return None


def _kind(target: Element | None, parts: SignatureParts) -> ObjectKind:
    if target is None:
        return ObjectKind.DOCUMENT
    if target is parts.key_info:
        return ObjectKind.KEY_INFO
    if target.name in {(DS, "SignatureValue"), (DS, "SignatureProperties")}:
        return ObjectKind.OTHER
    return ObjectKind.DOCUMENT


def _manifests(reference: Element, found: Referenced) -> Iterator[Element]:
    """Manifests that are signed, whole."""
    target, nodes = found.target, found.nodes
    if target is None or nodes is None or nodes.left_out:
        return
    if target.name == _MANIFEST:
        yield target
    elif reference.get("Type") == _MANIFEST_TYPE:
        yield from target.named(_MANIFEST)


def _note(signed: Signed, reason: str) -> None:
    if reason in _MALFORMED:
        _once(signed.malformed, because(_MALFORMED[reason]))
    elif reason not in _NO_DOUBT:
        _once(signed.doubts, because(reason))


def _once(reasons: list[Reason], reason: Reason) -> None:
    if reason not in reasons:
        reasons.append(reason)
