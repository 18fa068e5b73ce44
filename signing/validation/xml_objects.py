"""What an XML signature stands for: each reference with its digest, and those of manifests.

What lives here: from ds:Reference elements to `SignedObject`s.  Signed properties are known by
their octets: only an element of this very signature whose canonical form is what was hashed is
read as such, whatever a reference says about itself.
Source: W3C XML Signature 1.1 §3.2.1, §4.4.3, §5.1 (manifests); ETSI EN 319 132-1 §4.4.2.
Not here: whether it is enough (`xml_coverage`).
"""

from __future__ import annotations

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


def find_signed(parts: SignatureParts, *, octets: DocumentOctets) -> Signed:
    """Everything that the references of a signature are about."""
    finder = _Finder(parts, octets)
    if not parts.references:
        _once(finder.signed.malformed, because("no_references"))
    for reference in parts.references:
        finder.add(reference, depth=0)
    return finder.signed


class _Finder:
    """One way through the references of a signature."""

    def __init__(self, parts: SignatureParts, octets: DocumentOctets) -> None:
        self.signed = Signed()
        self._parts = parts
        self._octets = octets
        self._manifests: set[int] = set()

    def add(self, reference: Element, *, depth: int) -> None:
        """One reference, and those of the manifest that it is about."""
        signed = self.signed
        if len(signed.objects) == MOST_REFERENCES:
            _once(signed.malformed, because("too_many_references"))
            return
        hash_name, expected = digest_in(reference)
        if not hash_name:
            _once(signed.doubts, because("digest_algorithm_unknown"))
        claims_properties = reference.get("Type").endswith(_PROPERTIES_TYPE)
        name = unquote(reference.get("URI"))[:_LONGEST_NAME]
        kind = ObjectKind.SIGNED_PROPERTIES if claims_properties else ObjectKind.DOCUMENT
        try:
            found = self._octets.reference(
                reference, signature=self._parts.signature, hint=(hash_name, expected)
            )
        except Unavailable as unavailable:
            _note(signed, unavailable.reason)
            signed.objects.append(SignedObject(name, kind, hash_name, expected, None))
            return
        self._note_how(found)
        actual = found.content.digest(hash_name)
        own = _own_properties(reference, found, parts=self._parts, octets=self._octets)
        if own is not None:
            self._take_properties(reference, own)
            kind = ObjectKind.SIGNED_PROPERTIES
        elif claims_properties:
            # something else stands where the properties of this signature should
            _once(signed.doubts, because("signature_wrapped", part="signed_properties"))
            actual = None
        else:
            kind = _kind(found.target, self._parts)
            signed.referenced.append((reference, found))
        manifests = [] if own is not None else self._find_manifests(reference, found)
        kind = ObjectKind.MANIFEST if manifests else kind
        signed.objects.append(SignedObject(name, kind, hash_name, expected, actual))
        for manifest in manifests:
            self._follow(manifest, depth=depth + 1)

    def _note_how(self, found: Referenced) -> None:
        if found.is_taken:
            _once(self.signed.doubts, because("reference_not_recomputed"))
        if found.is_renamed:
            _once(self.signed.doubts, because("file_renamed"))

    def _take_properties(self, reference: Element, own: Element) -> None:
        self.signed.property_references.add(reference.number)
        if self.signed.properties not in {None, own}:
            _once(self.signed.malformed, because("signed_properties_twice"))
        self.signed.properties = own

    def _find_manifests(self, reference: Element, found: Referenced) -> list[Element]:
        """Manifests that are signed, whole, and meant as such."""
        target, nodes = found.target, found.nodes
        if target is None or nodes is None or nodes.left_out:
            return []
        if target.name == _MANIFEST:
            return [target]
        inside = target.named(_MANIFEST)
        if inside and reference.get("Type") != _MANIFEST_TYPE:
            # how such a list is read is for whoever wrote it
            _once(self.signed.doubts, because("manifest_not_followed"))
            return []
        return inside

    def _follow(self, manifest: Element, *, depth: int) -> None:
        if manifest.number in self._manifests:
            return
        self._manifests.add(manifest.number)
        if depth > _DEEPEST:
            _once(self.signed.malformed, because("too_many_references"))
            return
        for inner in manifest.named((DS, "Reference")):
            self.add(inner, depth=depth)


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


def _note(signed: Signed, reason: str) -> None:
    if reason in _MALFORMED:
        _once(signed.malformed, because(_MALFORMED[reason]))
    elif reason not in _NO_DOUBT:
        _once(signed.doubts, because(reason))


def _once(reasons: list[Reason], reason: Reason) -> None:
    if reason not in reasons:
        reasons.append(reason)
