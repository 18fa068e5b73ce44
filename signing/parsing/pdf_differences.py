"""What differs between a signed revision of a PDF and the document as it is.

What lives here: the catalogue, key by key: what is known to be harmless, what has a file of its own
(forms, pages), and everything else, which is a change that nothing explains.
Source: ISO 32000-2 §7.7.2 (catalogue), §12.8.2.2 (what may follow a signature).
Not here: whether it is allowed (`signing/validation/pdf_changes.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pyhanko.pdf_utils import generic

from signing.messages.pdf_changes import Compared, Difference
from signing.parsing.pdf_form_differences import compare_forms
from signing.parsing.pdf_lax import dictionary, elements, entry, number_of, raw
from signing.parsing.pdf_page_differences import compare_pages
from signing.parsing.pdf_sameness import Sameness
from signing.parsing.pdf_snapshot import Snapshot
from signing.parsing.pdf_tail import Tail

_HARMLESS: Final = frozenset({"/Metadata", "/Extensions", "/Version", "/Type"})
"""About the file, shown nowhere in it; of the trailer `/Info` is such as well."""
_ELSEWHERE: Final = frozenset({"/AcroForm", "/Pages", "/DSS"})
_ACTIONS: Final = frozenset({"/OpenAction", "/AA", "/Names", "/URI"})
_ATTACHED: Final = frozenset({"/AF", "/Collection"})
_ATTACHED_BY_NAME: Final = "/EmbeddedFiles"
_LAYERS: Final = "/OCProperties"
_STRUCTURE: Final = frozenset(
    {"/StructTreeRoot", "/MarkInfo", "/Lang", "/PageLayout", "/PageMode", "/ViewerPreferences"}
)
_PERMISSIONS: Final = "/Perms"
_MOST_CHANGES: Final = 2_000
_MOST_TO_DRAW: Final = 10_000


@dataclass(slots=True)
class Walk:
    """A comparison under way."""

    same: Sameness
    found: dict[Difference, None] = field(default_factory=dict)
    to_draw: set[int] = field(default_factory=set)
    is_told: bool = True

    @property
    def old(self) -> Snapshot:
        """The signed revision."""
        return self.same.old

    @property
    def new(self) -> Snapshot:
        """The document as it is."""
        return self.same.new

    def note(self, difference: Difference) -> None:
        """Remember it, once."""
        if len(self.found) < _MOST_CHANGES:
            self.found[difference] = None


def compare(old: Snapshot, new: Snapshot, *, tail: Tail) -> Compared:
    """Everything that differs.

    1. The pages: their order, and each whose objects differ.
    2. The form.
    3. The security store.
    4. What stands behind it and is not read by everybody as we do.
    5. The rest of the catalogue.

    Raises  TooMuch; whatever is in `DAMAGE`.
    """
    walk = Walk(Sameness(old, new))
    is_form_reached = _is_form_reached(walk)
    walk.same.leaves.update(_looked_at(walk, is_form_reached=is_form_reached))
    # 1
    compare_pages(walk)
    # 2
    if is_form_reached:
        compare_forms(walk, entry(old.root, "/AcroForm"), entry(new.root, "/AcroForm"))
    # 3
    _compare_stores(walk)
    # 4
    _note_tail(walk, tail)
    # 5
    for key in sorted((old.root.keys() | new.root.keys()) - _ELSEWHERE - _HARMLESS):
        before, after = raw(old.root, key), raw(new.root, key)
        if before is None or after is None or not walk.same(before, after):
            _note_key(walk, key, is_new=before is None)
    return Compared(
        differences=tuple(walk.found),
        pages_before=len(old.pages),
        pages_now=len(new.pages),
        to_draw=tuple(sorted(walk.to_draw))[:_MOST_TO_DRAW],
        is_told=walk.is_told and len(walk.to_draw) <= _MOST_TO_DRAW,
        is_switched=bool(walk.same.switched),
    )


def _note_tail(walk: Walk, tail: Tail) -> None:
    end = len(walk.old.data)
    walk.is_told = walk.is_told and tail.is_plain(end)
    if tail.unnamed >= end:
        walk.note(Difference(code="octets_behind"))
    if max(tail.ambiguous, tail.unread) >= end:
        walk.note(Difference(code="update_ambiguous"))


def _note_key(walk: Walk, key: str, *, is_new: bool) -> None:
    if key == _PERMISSIONS and is_new:  # a certification says so there as well (§12.8.6)
        return
    if key == _LAYERS:
        walk.is_told = False
        walk.note(Difference(code="layers_changed"))
    elif key == "/Names" and not _differ_beside_files(walk):
        walk.note(Difference(code="attachment_changed"))
    elif key in _ACTIONS:
        walk.note(Difference(code="action_changed"))
    elif key in _ATTACHED:
        walk.note(Difference(code="attachment_changed"))
    elif key in _STRUCTURE:
        walk.note(Difference(code="structure_changed"))
    else:
        walk.note(Difference(code="catalogue_changed"))


def _differ_beside_files(walk: Walk) -> bool:
    """Whether of what has a name something else than files in the file is another."""
    before, after = entry(walk.old.root, "/Names"), entry(walk.new.root, "/Names")
    keys = (dictionary(before) or {}).keys() | (dictionary(after) or {}).keys()
    return any(
        not walk.same(raw(before, key), raw(after, key)) for key in keys - {_ATTACHED_BY_NAME}
    )


def _is_form_reached(walk: Walk) -> bool:
    """Whether anything of the form may be another: where nothing is, its fields are not read."""
    before, after = raw(walk.old.root, "/AcroForm"), raw(walk.new.root, "/AcroForm")
    if before is None and after is None:
        return False
    number = number_of(before)
    return (
        number is None
        or number != number_of(after)
        or number in walk.old.reaching(walk.same.changed)
    )


def _looked_at(walk: Walk, *, is_form_reached: bool) -> set[int]:
    """Pages, fields and their widgets, to which much else refers (the structure, for one).

    NOTE: each is compared in its own place, key by key; a stream would not be, and is none of them.
    """
    found = {walk.old.root_number}
    for snapshot in (walk.old, walk.new):
        found.update(snapshot.pages)
        for each in snapshot.fields if is_form_reached else ():
            several = ((each.number, each.content), *each.widgets)
            found.update(
                number
                for number, content in several
                if not isinstance(content, generic.StreamObject)
            )
    return found - {0}


def _compare_stores(walk: Walk) -> None:
    """Evidence may be added and taken out; that nothing else hides there is looked at as well."""
    before, after = raw(walk.old.root, "/DSS"), raw(walk.new.root, "/DSS")
    if before is None and after is None:
        return
    number = number_of(before)
    if number is not None and number == number_of(after) and number not in walk.same.dirty:
        return
    is_store = dictionary(entry(walk.new.root, "/DSS")) is not None
    walk.note(Difference(code="evidence_added" if is_store else "catalogue_changed"))
    kept = {
        number
        for snapshot in (walk.old,)
        for key in ("/Certs", "/OCSPs", "/CRLs")
        for one in elements(entry(entry(snapshot.root, "/DSS"), key))
        if (number := number_of(one)) is not None
    }
    if kept & walk.same.changed:
        walk.note(Difference(code="evidence_replaced"))
