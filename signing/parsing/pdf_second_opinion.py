"""What a library of others says about changes behind a signature.

What lives here: pyHanko's difference analysis, revision by revision, made quick: of the signed
revision it wants to know every way in which a touched object is reached, and reads the whole
document for it; here only objects are entered that reach a touched one.
NOTE: it raises what it likes about files that are not as it wants them: that is an answer too.
Source: pyHanko 0.38, `pyhanko.sign.diff_analysis`, `HistoricalResolver._load_reverse_xref_cache`.
Not here: what follows from it (`signing/validation/pdf_changes.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, RawPdfPath
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    ModificationLevel,
    SuspiciousModification,
)
from pyhanko.sign.fields import MDPPerm

from signing.errors import DocumentRefused
from signing.messages.pdf_changes import CompareAsked
from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_lax import LaxReader, number_of, raw
from signing.parsing.pdf_objects import Pointer
from signing.parsing.pdf_snapshot import Snapshot

_LEVELS: Final = {
    ModificationLevel.NONE: "none",
    ModificationLevel.LTA_UPDATES: "evidence",
    ModificationLevel.FORM_FILLING: "form_filling",
    ModificationLevel.ANNOTATIONS: "annotations",
    ModificationLevel.OTHER: "suspicious",
}
_DEEPEST: Final = 200
_MOST_PATHS: Final = 200_000


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where to look.

    Takes   wanted: numbers of touched objects and of all that reach them; trimmed: of nodes of the
            page tree that nobody touched.
    """

    wanted: frozenset[int] = frozenset()
    trimmed: frozenset[int] = frozenset()


class _Resolver(HistoricalResolver):  # type: ignore[misc]  # a class of a library without types
    """A revision of which it is known what reaches what was touched since.

    Nodes of the page tree that are the same in all revisions have only the kids that are wanted:
    the others are the same in all revisions as well.
    """

    _indirect_object_access_cache: dict[generic.Reference, set[RawPdfPath]] | None

    def __init__(self, reader: ReviewingReader, revision: int) -> None:
        super().__init__(reader, revision)
        self.scope = reader.scope
        self._known: dict[tuple[int, int], Any] = {}

    def get_object(self, ref: generic.Reference, as_metadata_stream: bool = False) -> Any:  # noqa: FBT001, FBT002  as the library has it
        """See the library."""
        found = self._known.get((ref.idnum, ref.generation))
        if found is None:
            found = super().get_object(ref, as_metadata_stream)
            if ref.idnum in self.scope.trimmed:
                self._trim(found)
            self._known[ref.idnum, ref.generation] = found
        return found

    def _trim(self, node: Any) -> None:
        kids = raw(node, "/Kids")
        if isinstance(kids, generic.ArrayObject):
            wanted = [one for one in kids if number_of(one) in self.scope.wanted]
            node[generic.NameObject("/Kids")] = generic.ArrayObject(wanted)

    def _subsume_object(self, obj: Any) -> Any:
        """As the library's: a copy of dictionaries and arrays whose references are of here."""
        if isinstance(obj, generic.IndirectObject):
            return Pointer(obj.idnum, obj.generation, self)
        if isinstance(obj, generic.DictionaryObject):
            entries = {key: self._subsume_object(value) for key, value in obj.items()}
            if isinstance(obj, generic.StreamObject):
                copy = generic.StreamObject(entries, encoded_data=obj.encoded_data)
            else:
                copy = generic.DictionaryObject(entries)
        elif isinstance(obj, generic.ArrayObject):
            copy = generic.ArrayObject(self._subsume_object(one) for one in list.__iter__(obj))
        else:
            if isinstance(obj, generic.NullObject):
                obj.get_container_ref()  # raises of an object that its stream does not have
            return obj
        owner = obj.get_container_ref()
        copy.container_ref = generic.Reference(owner.idnum, owner.generation, self)
        return copy

    def object_of(self, number: int, generation: int) -> Any:
        """What a `Pointer` of this revision refers to."""
        known = self._known.get((number, generation))
        if known is not None:
            return known
        return self.get_object(generic.Reference(number, generation, self))

    def _load_reverse_xref_cache(self) -> None:
        """Every path from the trailer to a touched object, as the library writes them."""
        if self._indirect_object_access_cache is not None:
            return
        walk = _Paths(self)
        walk.follow(self.trailer_view, (), frozenset(), is_structure=False)
        self._indirect_object_access_cache = {
            reference: {RawPdfPath(*path) for path in paths}
            for reference, paths in walk.found.items()
        }


class _Paths:
    """The same walk as the library's, into what is wanted alone."""

    def __init__(self, resolver: _Resolver) -> None:
        self.resolver = resolver
        self.found: dict[generic.Reference, set[tuple[str | int, ...]]] = defaultdict(set)
        self.left = _MOST_PATHS
        self.pages: dict[int, tuple[str | int, ...]] = {}
        self.structure: set[int] = set()
        root = resolver.root
        if "/Pages" in root:
            self._note_pages(root.raw_get("/Pages"), ("/Root", "/Pages"), 0)
        if "/StructTreeRoot" in root:
            self._note_structure(root["/StructTreeRoot"], 0)

    def follow(
        self,
        value: Any,
        path: tuple[str | int, ...],
        seen: frozenset[int],
        *,
        is_structure: bool,
    ) -> None:
        """Note every reference below a value.

        NOTE: a page is entered on its own way through the tree alone, or paths multiply.
        """
        self.left -= 1
        if self.left < 0 or len(path) > _DEEPEST:
            raise RecursionError
        number = number_of(value)
        if number is not None:
            if number not in self.resolver.scope.wanted or number in seen:
                return
            self.found[value.reference].add(path)
            seen |= {number}
            value = self.resolver(value.reference)
            if self.pages.get(number, path) != path:
                return
            if number in self.structure and not is_structure:
                return
        if isinstance(value, generic.DictionaryObject):
            for key, one in value.items():
                if key == "/Parent" or (is_structure and key == "/P"):
                    continue
                begins = key == "/K" and path == ("/Root", "/StructTreeRoot")
                self.follow(one, (*path, key), seen, is_structure=is_structure or begins)
        elif isinstance(value, generic.ArrayObject):
            for at, one in enumerate(value):
                self.follow(one, (*path, at), seen, is_structure=is_structure)

    def _note_pages(self, reference: Any, path: tuple[str | int, ...], depth: int) -> None:
        number = number_of(reference)
        if number is None or number in self.pages or depth > _DEEPEST:
            return
        self.pages[number] = path
        if number not in self.resolver.scope.wanted:
            return
        node = self.resolver(reference.reference)
        if isinstance(node, generic.DictionaryObject) and "/Kids" in node:
            for at, kid in enumerate(node["/Kids"]):
                self._note_pages(kid, (*path, "/Kids", at), depth + 1)

    def _note_structure(self, element: Any, depth: int) -> None:
        if depth > _DEEPEST or not isinstance(element, generic.DictionaryObject):
            return
        below = element.get("/K", ())
        for kid in below if isinstance(below, generic.ArrayObject) else (below,):
            number = number_of(kid)
            if number is None or number in self.structure:
                continue
            self.structure.add(number)
            if number in self.resolver.scope.wanted:
                self._note_structure(self.resolver(kid.reference), depth + 1)


class ReviewingReader(LaxReader):
    """Gives resolvers that know what is wanted: `scope` is set before the first one is asked."""

    scope = _Scope()

    def get_historical_resolver(self, revision: int) -> _Resolver:
        """See the library."""
        cache = self._historical_resolver_cache
        if revision not in cache:
            cache[revision] = _Resolver(self, revision)
        return cache[revision]  # type: ignore[no-any-return]  # of a library without types


def review(asked: CompareAsked, now: Snapshot, earliest: Snapshot | None) -> Iterator[str]:
    """The level of changes behind each revision, as far as `most_steps` go.

    Takes   now: opened with a `ReviewingReader`; earliest: of the revisions; None when none could
            be read.
    """
    reader = now.reader
    if earliest is None or not isinstance(reader, ReviewingReader) or asked.most_steps == 0:
        yield from ["not_told"] * len(asked.ends)
        return
    starts = [reader.xrefs.get_startxref_for_revision(one) for one in range(reader.total_revisions)]
    reader.scope = _scope(reader, earliest, starts)
    left = asked.most_steps
    for end, permission in zip(asked.ends, asked.permissions, strict=True):
        base = _base(starts, end)
        left -= len(starts) - 1 - base
        is_told = left >= 0 and end >= len(earliest.data)
        yield _level(reader, base, permission) if is_told else "not_told"


def _level(reader: ReviewingReader, base: int, permission: int) -> str:
    try:
        said = DEFAULT_DIFF_POLICY.review_file(
            reader,
            reader.get_historical_resolver(base),
            doc_mdp=MDPPerm(permission) if permission else None,
        )
    except (*DAMAGE, DocumentRefused):
        return "suspicious"
    if isinstance(said, SuspiciousModification):
        return "suspicious"
    return _LEVELS.get(said.modification_level, "suspicious")


def _base(starts: Sequence[int], end: int) -> int:
    """The last revision whose table stands within so many octets."""
    return max((at for at, start in enumerate(starts) if start < end), default=0)


def _scope(reader: ReviewingReader, earliest: Snapshot, starts: Sequence[int]) -> _Scope:
    """What is touched after the earliest signature, and what reaches it there.

    For later ones it is enough: what they have more was touched.
    """
    touched = {
        reference.idnum
        for revision in range(_base(starts, len(earliest.data)) + 1, len(starts))
        for reference in reader.xrefs.explicit_refs_in_revision(revision)
    }
    try:
        nodes = frozenset(earliest.nodes())
        return _Scope(frozenset(earliest.reaching(touched, nodes=nodes)), nodes - touched)
    except DAMAGE:
        return _Scope(frozenset(earliest.places) | touched)
