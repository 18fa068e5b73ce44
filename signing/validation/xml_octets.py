"""The octets that an XML signature is over: our own way to them, and whether others agree.

What lives here: `DocumentOctets`, for one document.  The service follows references and writes
canonical forms itself, in plain Python, so that no digest rests on what a process in other hands
might say; in the end whoever stands behind the walls is asked for the same parts, and has to come
to the same octets.  Two readers that differ are a finding: a document that means two things is
believed in neither.  What an expression of XPath leaves that we do not compute is taken from behind
the walls, if it can be of this document at all, and marked so.
Source: W3C XML Signature 1.1 §4.4.3 (reference processing).
Not here: what is signed (`xml_signature`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from signing.errors import DocumentRefused, ParsingFailed
from signing.formats.xml_names import BASE64, C14N, DS
from signing.formats.xml_node_sets import NodeSet
from signing.formats.xml_tree import MOST_ELEMENTS, Element, Tree
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.xml_octets import MOST_PARTS, XML_OCTETS, OctetsAsked, Part, Wanted
from signing.validation.content import Content, DigestsOnly, Octets, Stretch
from signing.validation.detached import Detached
from signing.validation.xml_selection import is_selection
from signing.validation.xml_transforms import (
    FILTERS,
    NotOurs,
    Unavailable,
    transformed,
    written,
)

_MOST_BESIDE: Final = 60
_MOST_BESIDE_BYTES: Final = 16 << 20
_MOST_WRITTEN: Final = 32 << 20
_MOST_WORK: Final = 600_000
_MOST_TIMES: Final = 4
"""Elements that are written for one document, over and over, and so many times all that it has: a
few seconds in all."""
_MOST_OCTETS: Final = 128 << 20
_MOST_HASHED: Final = 1 << 30
"""Octets that are hashed for the timestamps of one document, over and over."""
TRANSFORMS: Final = ((DS, "Transforms"), (DS, "Transform"))


@dataclass(frozen=True, slots=True)
class Referenced:
    """What a reference is about.

    Takes   target: the element that it points to, the root for the whole document, None for what
            stands elsewhere; nodes: what of the document is left in the end;
            beside: the document outside; is_taken: nobody here checked what the walls said;
            is_renamed: the document outside has another name, and was known by its digest.
    """

    content: Content = field(repr=False)
    target: Element | None = None
    nodes: NodeSet | None = field(default=None, repr=False)
    beside: Detached | None = None
    is_taken: bool = False
    is_renamed: bool = False


class DocumentOctets:
    """The parts of one document, each made once."""

    def __init__(
        self,
        document: Blob,
        tree: Tree,
        *,
        detached: Sequence[Detached],
        isolation: Isolation,
        may_be_renamed: bool = True,
    ) -> None:
        self.tree = tree
        self._may_be_renamed = may_be_renamed
        self.ids = _ids(tree)
        self._document = document
        self._detached = detached
        self._isolation = isolation
        self._beside: list[Detached] = []
        self._made: dict[Wanted, Octets] = {}
        self._refused: dict[Wanted, str] = {}
        self._followed: dict[tuple[int, int, str], Referenced] = {}
        self._work = 0.0
        self._size = 0
        self._hashed = 0
        # why whoever is behind the walls is not asked again
        self._failed = ""

    def element(
        self, element: Element, algorithm: str, *, prefixes: frozenset[str] = frozenset()
    ) -> Octets:
        """The canonical form of an element with everything in it.

        Raises  Unavailable.
        """
        wanted = Wanted(
            element.number, algorithm, prefixes=tuple(sorted(one or "#default" for one in prefixes))
        )
        if wanted not in self._made:
            nodes = NodeSet(self.tree, element)
            self._spend(nodes)
            self._keep(wanted, written(nodes, algorithm, prefixes=prefixes))
        return self._made[wanted]

    def reference(
        self,
        reference: Element,
        *,
        signature: Element,
        algorithm: str = C14N,
        hint: tuple[str, bytes] = ("", b""),
    ) -> Referenced:
        """What a ds:Reference is about.

        Takes   signature: the one that it belongs to; algorithm: by which nodes are written that
                no transform writes; hint: name of a hash and the digest that is looked for.
        Raises  Unavailable: not_found, ambiguous, and what a transform may say.
        """
        key = (reference.number, signature.number, algorithm)
        if key not in self._followed:
            self._followed[key] = self._follow(reference, signature, algorithm, hint)
        return self._followed[key]

    def target(self, reference: Element) -> NodeSet | None:
        """What a reference points to in this document; None for one that points elsewhere.

        Raises  Unavailable.
        """
        uri = reference.get("URI") or reference.get("uri")
        if not uri and (reference.has("URI") or reference.has("uri")):
            return NodeSet(self.tree, with_comments=False)
        if uri == "#xpointer(/)":
            return NodeSet(self.tree)
        if not uri.startswith("#"):
            return None
        named, with_comments = uri[1:], False
        if named.startswith("xpointer(id(") and named.endswith("))"):
            named, with_comments = named[12:-2].strip("'\""), True
        found = self.ids.get(named, ()) if named else ()
        if len(found) != 1:
            raise Unavailable("ambiguous" if found else "not_found")
        return NodeSet(self.tree, found[0], with_comments=with_comments)

    def contradictions(self) -> str:
        """Why what was made is not believed, after the walls were asked for the same; or empty.

        Compared are the number of elements, where the signatures are, and every part.
        """
        wanted = tuple(self._made)
        if self._failed:
            return self._failed
        try:
            parts, _ = self._ask(wanted)
        except (DocumentRefused, ParsingFailed) as refusal:
            return refusal.reason
        for one, part in zip(wanted, parts, strict=True):
            if part.refused == "not_canonical":  # a relative name of a namespace
                return part.refused
            if part.refused or part.digest != hashlib.sha256(self._made[one].octets).digest():
                return "contradiction"
        return ""

    def _follow(
        self, reference: Element, signature: Element, algorithm: str, hint: tuple[str, bytes]
    ) -> Referenced:
        # XAdES 1.1.1 has the list in its own namespace, in its own kind of reference
        lists = (TRANSFORMS[0], (reference.namespace, "Transforms"))
        transforms = [
            one for outer in reference.named(*lists) for one in outer.named(TRANSFORMS[1])
        ]
        nodes, beside, is_renamed = self.target(reference), None, False
        start: NodeSet | bytes
        if nodes is None:
            beside, is_renamed = self._find_beside(reference, hint)
            if not transforms:
                return Referenced(_content(beside), None, None, beside, is_renamed=is_renamed)
            start = _read(beside)
        else:
            self._spend(nodes, times=_cost(transforms))
            start = nodes
        wanted = Wanted(
            reference.number,
            algorithm,
            is_reference=True,
            beside=0 if beside is None else self._input(beside),
            signature=signature.number,
        )
        target = None if nodes is None else nodes.top
        try:
            left = transformed(start, transforms, signature=signature)
        except NotOurs as unknown:
            if beside is not None or any(one.get("Algorithm") == BASE64 for one in transforms):
                raise Unavailable("xpath_unusable") from unknown
            octets = self._taken(wanted)
            return Referenced(octets, target, None, beside, is_taken=True, is_renamed=is_renamed)
        if isinstance(left, NodeSet):
            self._keep(wanted, written(left, algorithm))
        else:
            self._keep(wanted, left)
        if nodes is not None:
            nodes = _kept(nodes, transforms, signature)
        return Referenced(self._made[wanted], target, nodes, beside, is_renamed=is_renamed)

    def _find_beside(self, reference: Element, hint: tuple[str, bytes]) -> tuple[Detached, bool]:
        uri = reference.get("URI") or reference.get("uri")
        named = _plain(uri)
        for one in self._detached:
            if uri and one.name and (one.name == uri or _plain(one.name) == named):
                return one, False
        if len(self._detached) == 1 and (not uri or not self._detached[0].name):
            return self._detached[0], False
        hash_name, digest = hint
        for one in self._detached[:_MOST_BESIDE] if self._may_be_renamed else ():
            if digest and hash_name and one.digest(hash_name) == digest:
                return one, True
        raise Unavailable("not_found")

    def _input(self, beside: Detached) -> int:
        if beside not in self._beside:
            if len(self._beside) == _MOST_BESIDE:
                raise Unavailable("too_much")
            self._beside.append(beside)
        return self._beside.index(beside) + 1

    def _taken(self, wanted: Wanted) -> Octets:
        asked = Wanted(
            wanted.element,
            wanted.algorithm,
            is_reference=True,
            beside=wanted.beside,
            signature=wanted.signature,
            is_written=True,
        )
        if self._failed:
            raise Unavailable(self._failed)
        try:
            [part], octets = self._ask((asked,))
        except (DocumentRefused, ParsingFailed) as refusal:
            self._failed = refusal.reason
            raise Unavailable(refusal.reason) from refusal
        if part.refused:
            raise Unavailable(part.refused)
        self._size += len(octets)
        if not is_selection(octets, self.tree):
            self._failed = "contradiction"
            raise Unavailable(self._failed)
        return Octets(octets)

    def _ask(self, wanted: tuple[Wanted, ...]) -> tuple[tuple[Part, ...], bytes]:
        inputs = [self._document]
        inputs += [one.content for one in self._beside if one.content is not None]
        asked = OctetsAsked(wanted, MOST_ELEMENTS, _MOST_WRITTEN)
        found, output = self._isolation.run(XML_OCTETS, asked, inputs=inputs)
        with output:
            octets = output.read()
        signatures = tuple(
            one.number for one in self.tree.elements if one.name == (DS, "Signature")
        )
        if (found.elements, found.signatures) != (len(self.tree.elements), signatures):
            raise ParsingFailed("contradiction")
        if len(found.parts) != len(wanted):
            raise ParsingFailed("contradiction")
        return found.parts, octets

    def _keep(self, wanted: Wanted, octets: bytes) -> None:
        self._size += len(octets)
        if self._size > _MOST_OCTETS or len(self._made) >= MOST_PARTS:
            raise Unavailable("too_much")
        self._made[wanted] = Octets(octets)

    def may_hash(self, size: int) -> bool:
        """Whether so many octets more may be hashed."""
        self._hashed += size
        return self._hashed <= _MOST_HASHED

    def _spend(self, nodes: NodeSet, *, times: float = 1) -> None:
        self._work += times * (nodes.top.last - nodes.top.number + 1)
        if self._work > _MOST_WORK + _MOST_TIMES * len(self.tree.elements):
            raise Unavailable("too_much")


def _ids(tree: Tree) -> Mapping[str, tuple[Element, ...]]:
    """Elements by what stands in any attribute that some reader takes for an identifier."""
    found: dict[str, list[Element]] = {}
    for element in tree.elements:
        for value in {one.value for one in element.attributes if one.local.lower() == "id"}:
            found.setdefault(value, []).append(element)
    return {value: tuple(elements) for value, elements in found.items()}


def _kept(nodes: NodeSet, transforms: Sequence[Element], signature: Element) -> NodeSet | None:
    """The nodes that are left by those transforms that leave some out."""
    filters = [one for one in transforms if one.get("Algorithm") in FILTERS]
    left = transformed(nodes, filters, signature=signature)
    return left if isinstance(left, NodeSet) else None


def _cost(transforms: Sequence[Element]) -> float:
    """How many times as much as writing the nodes once: filters look, others read and write."""
    filters = [one for one in transforms if one.get("Algorithm") in FILTERS]
    looks = sum(1 + len(one.children) for one in filters) + len(transforms)
    return 1 + looks / 10 + 8 * max(0, len(transforms) - len(filters) - 1)


def _plain(uri: str) -> str:
    return unquote(uri).replace("\\", "/").removeprefix("./").removeprefix("/")


def _content(beside: Detached) -> Content:
    return DigestsOnly(beside.digests) if beside.content is None else Stretch(beside.content)


def _read(beside: Detached) -> bytes:
    if beside.content is None:
        raise Unavailable("content_needed")
    if beside.content.size > _MOST_BESIDE_BYTES:
        raise Unavailable("too_much")
    return beside.content.read()
