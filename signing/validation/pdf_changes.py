"""What somebody wrote behind a signature of a PDF, whether it may be there, and what it is called.

What lives here: `find_changes`.  Three looks: our comparison of objects says what differs; our
comparison of pictures says what a reader sees of it; a library of others is asked as well.  What is
not known to be harmless is not allowed.
Source: ISO 32000-2 §12.8.2.2 to §12.8.2.4 (DocMDP, FieldMDP, locks; Table 257); ETSI EN 319 142-1
§5.4; Mladenov et al. (2019: incremental saving, wrapping, forgery); Mainka et al. (2021: shadow
attacks; Rohlmann et al., 2021: sneaky signatures), whose names the changes bear.
Not here: reading and drawing (`signing/parsing`), what follows for the verdict (`procedure`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from signing.errors import DocumentRefused, ParsingFailed
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.pdf_changes import (
    COMPARE_PDF,
    MOST_REVISIONS,
    MOST_SPOTS,
    CompareAsked,
    Compared,
    Difference,
)
from signing.validation.found import FoundDocument
from signing.validation.model import Change, ChangeKind
from signing.validation.pdf import FoundPdf, PdfPlace, read_pdf
from signing.validation.pdf_pictures import Pictures
from signing.validation.verdict import Reason, because

MOST_PAGES: Final = 128
"""Drawn of each revision; where more might differ, so many by lot, and that leaves a doubt."""
_MOST_STEPS: Final = 40
"""Pairs of revisions that the library compares for one document."""
_SPACE: Final = b" \t\r\n\f\0"
_CHUNK: Final = 1 << 20
_NEVER: Final = 9
_FILLING: Final = 2
_NOTES: Final = 3
_MUCH: Final = 0.5


@dataclass(frozen=True, slots=True)
class PdfChanges:
    """About one signature.

    Takes   changes: behind it, allowed or not, attacks by name; findings: what is worth a word and
            changes nothing, such as what could not be looked at;
            covers_whole: nothing stands behind what it signed;
            revision_bytes: how many octets of the file it signed, None where that cannot be told.
    """

    changes: tuple[Change, ...] = ()
    findings: tuple[Reason, ...] = ()
    covers_whole: bool = True
    revision_bytes: int | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether everything behind it may be there."""
        return all(one.is_allowed for one in self.changes)


class _Rule(NamedTuple):
    """What a difference is.

    Takes   least: of DocMDP's permissions the first that allows it; attack: its name where it is
            not allowed; name: where it is, another than the difference's own.
    """

    kind: ChangeKind
    least: int = _NEVER
    attack: str = ""
    name: str = ""


RULES: Final[Mapping[str, _Rule]] = {
    "evidence_added": _Rule(ChangeKind.EVIDENCE_ADDED, 1),
    "evidence_replaced": _Rule(ChangeKind.EVIDENCE_ADDED, 1),
    "timestamp_added": _Rule(ChangeKind.SIGNED_AGAIN, 1),
    "signature_added": _Rule(ChangeKind.SIGNED_AGAIN, _FILLING),
    "signature_and_field_added": _Rule(
        ChangeKind.SIGNED_AGAIN, _FILLING, "sneaky_signature", "signature_added"
    ),
    "signature_field_added": _Rule(ChangeKind.SIGNED_AGAIN, _FILLING),
    "signature_replaced": _Rule(ChangeKind.UNDEFINED, attack="signature_dictionary_replaced"),
    "signature_appearance_replaced": _Rule(ChangeKind.APPEARANCE_CHANGED, attack="shadow_replace"),
    "signature_removed": _Rule(ChangeKind.UNDEFINED, attack="signature_removed"),
    "field_filled": _Rule(ChangeKind.FORM_FILLED, _FILLING),
    "field_replaced": _Rule(ChangeKind.FORM_FILLED, attack="shadow_replace"),
    "appearance_replaced": _Rule(ChangeKind.APPEARANCE_CHANGED, attack="shadow_replace"),
    "field_added": _Rule(ChangeKind.UNDEFINED),
    "field_removed": _Rule(ChangeKind.UNDEFINED),
    "field_changed": _Rule(ChangeKind.UNDEFINED),
    "form_changed": _Rule(ChangeKind.UNDEFINED),
    "annotation_added": _Rule(ChangeKind.ANNOTATED, _NOTES),
    "annotation_changed": _Rule(ChangeKind.ANNOTATED, _NOTES),
    "annotation_removed": _Rule(ChangeKind.ANNOTATED, _NOTES, "shadow_hide"),
    "widget_added": _Rule(ChangeKind.ANNOTATED),
    "widget_removed": _Rule(ChangeKind.APPEARANCE_CHANGED, attack="shadow_hide"),
    "overlapped": _Rule(ChangeKind.OVERLAPPED, attack="shadow_hide"),
    "font_replaced": _Rule(ChangeKind.CONTENT_CHANGED, attack="shadow_replace"),
    "content_changed": _Rule(ChangeKind.CONTENT_CHANGED, attack="incremental_saving"),
    "content_freed": _Rule(ChangeKind.CONTENT_CHANGED, attack="shadow_hide"),
    "layers_changed": _Rule(ChangeKind.CONTENT_CHANGED, attack="shadow_hide"),
    "pages_added": _Rule(ChangeKind.PAGES_ADDED),
    "pages_removed": _Rule(ChangeKind.PAGES_REMOVED),
    "pages_moved": _Rule(ChangeKind.CONTENT_CHANGED),
    "pages_switched": _Rule(ChangeKind.PAGES_ADDED, attack="shadow_hide_and_replace"),
    "attachment_changed": _Rule(ChangeKind.UNDEFINED),
    "action_changed": _Rule(ChangeKind.UNDEFINED),
    "structure_changed": _Rule(ChangeKind.UNDEFINED),
    "catalogue_changed": _Rule(ChangeKind.UNDEFINED),
    "octets_behind": _Rule(ChangeKind.UNDEFINED, attack="incremental_saving"),
    "update_ambiguous": _Rule(ChangeKind.UNDEFINED),
    "signed_revision_unreadable": _Rule(ChangeKind.UNDEFINED),
    "not_compared": _Rule(ChangeKind.UNDEFINED),
}
"""What the process behind the walls may say, and what it is; anything else is `UNDEFINED`."""

_OF_NOTES: Final = frozenset({"annotation_added", "annotation_changed"})
_OF_FIELDS: Final = frozenset(
    {
        "signature_added",
        "signature_and_field_added",
        "signature_field_added",
        "field_filled",
        "field_replaced",
    }
)
"""What a lock can forbid, also of a field that has no name."""
_OF_WORK: Final = frozenset(
    {"signature_added", "signature_and_field_added", "timestamp_added", "field_filled"}
)
_OF_CONTENT: Final = frozenset(
    {ChangeKind.CONTENT_CHANGED, ChangeKind.PAGES_ADDED, ChangeKind.PAGES_REMOVED}
)


def find_changes(
    document: Blob, found: FoundDocument, *, isolation: Isolation
) -> Mapping[str, PdfChanges]:
    """By the identity of each signature, and of each timestamp about none, what stands behind it.

    1. What each signs, and whether anything stands behind that.
    2. The objects of its revision, compared with those of the document as it is.
    3. What a library of others says about the same.
    4. Pages whose objects differ, or all where that cannot be told, as a reader sees them.

    Takes   found: of `read_pdf`.
    Raises  nothing that the file could cause.
    """
    pdf = found if isinstance(found, FoundPdf) else read_pdf(document, isolation=isolation)
    about_none = {one.identity for one in pdf.timestamps}
    places = [one for one in pdf.places if not one.is_timestamp or one.identity in about_none]
    # 1
    told = {one.identity: _outright(document, one) for one in places}
    open_ones = [one for one in places if told[one.identity] is None]
    looked_at = _some(open_ones)
    # 2, 3
    compared = _compare(document, looked_at, isolation=isolation)
    pictures = Pictures(document, isolation=isolation)
    results: dict[str, PdfChanges] = {}
    for one in places:
        known = told[one.identity]
        if known is not None:
            results[one.identity] = known
        elif one not in looked_at:
            why = because("changes_not_looked_at")
            results[one.identity] = PdfChanges(
                (), (why,), covers_whole=False, revision_bytes=one.ranges.end
            )
        else:
            # 4
            said, level = compared.get(one.identity, (None, "not_told"))
            judging = _Judging(document, one, said)
            judging.look(pictures)
            results[one.identity] = judging.result(level)
    return results


@contextmanager
def signed_revision(document: Blob, changes: PdfChanges) -> Iterator[Blob]:
    """The document as it was signed: its first octets, to be shown or handed out.

    Raises  ValueError: it cannot be told what was signed.
    """
    if changes.revision_bytes is None:
        raise ValueError("no_signed_revision")
    with document.view() as view, Blob.of(view[: changes.revision_bytes]) as signed:
        yield signed


def _outright(document: Blob, place: PdfPlace) -> PdfChanges | None:
    """Where nothing has to be compared: nothing stands behind it, or it signs nothing."""
    ranges = place.ranges
    if not ranges.is_usable:
        return PdfChanges((), ranges.malformed, covers_whole=False)
    with document.view() as view:
        behind = bytes(view[ranges.end : ranges.end + 4_096])
        is_end = ranges.end + 4_096 >= len(view)
    if is_end and not behind.strip(_SPACE):
        return PdfChanges(revision_bytes=ranges.end)
    return None


def _some(places: Sequence[PdfPlace]) -> Sequence[PdfPlace]:
    if len(places) <= MOST_REVISIONS:
        return places
    half = MOST_REVISIONS // 2
    return [*places[:half], *places[-half:]]


def _compare(
    document: Blob, places: Sequence[PdfPlace], *, isolation: Isolation
) -> Mapping[str, tuple[Compared, str]]:
    """Our comparison and the library's; ours alone where the library's brings it down."""
    ends = tuple(one.ranges.end for one in places)
    permissions = tuple(one.read.permission for one in places)
    for most_steps in (_MOST_STEPS, 0) if places else ():
        asked = CompareAsked(ends, permissions, most_steps)
        try:
            answered, written = isolation.run(COMPARE_PDF, asked, inputs=(document,))
        except DocumentRefused:
            break
        except ParsingFailed as failure:
            if failure.reason == "too_slow":
                break  # it is the document, and would take as long once more
            continue
        written.close()
        both = zip(answered.revisions, answered.levels, strict=False)
        return {one.identity: each for one, each in zip(places, both, strict=False)}
    return {}


class _Judging:
    """One signature, and what is behind it."""

    def __init__(self, document: Blob, place: PdfPlace, compared: Compared | None) -> None:
        self._document, self._place = document, place
        self._compared = compared or Compared(
            differences=(Difference(code="not_compared"),), is_told=False
        )
        self._differences = list(self._compared.differences)
        self._changes: dict[Change, None] = {}
        self._findings: dict[Reason, None] = {}
        if self._has_stray_octets():
            self._differences.append(Difference(code="octets_behind"))
        for one in self._differences:
            self._judge(one)

    def look(self, pictures: Pictures) -> None:
        """Compare what is seen."""
        compared = self._compared
        pages = list(compared.to_draw)
        if not compared.is_told:
            pages = list(range(min(compared.pages_before, compared.pages_now)))
        if len(pages) > MOST_PAGES:
            chosen = secrets.SystemRandom().sample(pages, MOST_PAGES)
            pages = sorted(chosen)
            self._findings[because("pages_compared_by_lot", pages=str(MOST_PAGES))] = None
        owned = [(spot, one.code) for one in self._differences for spot in one.spots]
        spots = tuple(spot for spot, _ in owned[:MOST_SPOTS])
        if not compared.is_told and not pages:
            self._findings[because("pages_not_compared")] = None
        if not pages or compared.pages_before != compared.pages_now:
            # other pages are other numbers; who says so has to have said that they are others
            if compared.pages_before != compared.pages_now and self._is_all_allowed:
                self._findings[because("pages_not_compared")] = None
            return
        seen = pictures.try_compare(self._place.ranges.end, pages=pages, spots=spots)
        if seen is None:
            self._findings[because("pages_not_compared")] = None
            return
        if seen.differing:
            self._note(ChangeKind.CONTENT_CHANGED, self._name_of_content(), seen.differing)
        if seen.hiding:
            self._note(ChangeKind.OVERLAPPED, "shadow_hide", seen.hiding)
        # comments say something about what was signed; one that hides it says something else
        evil = sorted({owned[at][0][0] for at in seen.covering if owned[at][1] in _OF_NOTES})
        if evil:
            self._note(ChangeKind.OVERLAPPED, "evil_annotation", evil)
        if covering := sorted({spots[at][0] for at in seen.covering} - set(evil)):
            self._note(ChangeKind.OVERLAPPED, "covers_content", covering, is_allowed=True)

    def result(self, level: str) -> PdfChanges:
        """Everything, with what the library said."""
        is_allowed = self._is_all_allowed
        # NOTE: the library knows no comments, and suspects every one of them
        has_notes = any(one.kind is ChangeKind.ANNOTATED for one in self._changes)
        if level == "suspicious" and is_allowed and not has_notes:
            self._findings[because("another_reader_suspects")] = None
        elif level == "not_told" or (level == "suspicious" and has_notes):
            self._findings[because("another_reader_not_asked")] = None
        return PdfChanges(
            tuple(self._changes),
            tuple(self._findings),
            covers_whole=False,
            revision_bytes=self._place.ranges.end,
        )

    def _judge(self, one: Difference) -> None:
        rule = RULES.get(one.code, _Rule(ChangeKind.UNDEFINED))
        is_allowed = rule.least <= self._permission and not self._is_locked(one)
        if one.code == "overlapped":
            is_allowed = one.share < _MUCH
        elif one.code == "field_replaced":
            # somebody who said that the form may be filled said that it may be filled anew
            is_allowed = self._place.read.permission >= _FILLING and not self._is_locked(one)
        elif one.code == "signature_and_field_added":
            # behind a certification nothing new may be seen: filling in and signing is what it says
            is_allowed = is_allowed and not (self._place.read.permission and one.spots)
        elif one.code == "structure_changed":
            is_allowed = any(each.code in _OF_WORK for each in self._differences)
        name = (rule.name if is_allowed else rule.attack) or one.code
        if not is_allowed and self._compared.is_switched and rule.kind in _OF_CONTENT:
            name = "shadow_hide_and_replace"
        self._note(rule.kind, name, one.pages, is_allowed=is_allowed)

    def _note(
        self, kind: ChangeKind, code: str, pages: Sequence[int], *, is_allowed: bool = False
    ) -> None:
        self._changes[Change(kind, is_allowed, code, tuple(at + 1 for at in pages))] = None

    def _name_of_content(self) -> str:
        """What is seen otherwise has the name of the attack that was found, if one was."""
        names = [one.code for one in self._changes if not one.is_allowed]
        shadows = [one for one in names if one.startswith("shadow_")]
        if shadows:
            return shadows[0]
        return "shadow_hide_and_replace" if self._compared.is_switched else "incremental_saving"

    @property
    def _permission(self) -> int:
        """What may follow: as DocMDP or a lock says, else filling and signing."""
        said = [self._place.read.permission, *(one.permission for one in self._place.read.locks)]
        return min((one for one in said if one), default=_FILLING)

    @property
    def _is_all_allowed(self) -> bool:
        return all(one.is_allowed for one in self._changes)

    def _is_locked(self, one: Difference) -> bool:
        """NOTE: timestamps may follow always (ISO 32000-2 Table 257)."""
        if one.code not in _OF_FIELDS:
            return False
        is_new_and_unseen = one.code == "signature_and_field_added" and not one.spots
        return any(
            lock.locks(one.field) and not (is_new_and_unseen and lock.action != "Include")
            for lock in self._place.read.locks
        )

    def _has_stray_octets(self) -> bool:
        """Whether octets behind belong to no revision: they are for lenient eyes.

        A revision has a table that is named, and nothing stands behind the last one's end.
        """
        found = False
        before, at = b"", self._place.ranges.end
        with self._document.view() as view:
            last = bytes(view[max(at, len(view) - _CHUNK) :])
            while at < len(view) and not found:
                piece = before + bytes(view[at : at + _CHUNK])
                found = b"startxref" in piece
                before, at = piece[-16:], at + _CHUNK
        return not found or bool(last.rpartition(b"%%EOF")[2].strip(_SPACE))
