"""From what a portal asks for to a signature that is drawn and has its place.

What lives here: `appear`, one step for every kind: look at the page, find the place, draw.
Source: NĐ 30/2020/NĐ-CP Annex I.
Not here: where images come from, and who may use them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from signing.appearance.anchors import choose_anchor
from signing.appearance.general import Details, draw_general
from signing.appearance.geometry import Page, Rectangle
from signing.appearance.note import attachment_lines, copy_lines, draw_note
from signing.appearance.person import draw_person
from signing.appearance.rules import ATTACHMENT, COPY
from signing.appearance.seal import draw_seal
from signing.appearance.surroundings import Surroundings, look_around
from signing.appearance.visible import Visible
from signing.appearance.wanted import (
    AttachmentWanted,
    CopyWanted,
    GeneralWanted,
    PersonWanted,
    SealWanted,
    Wanted,
)
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.appearance import AppearanceRefusal
from signing.messages.pdf_intake import PageShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What a signer brings for being seen.

    Takes   image: PNG of the handwritten signature or of the seal; seal_width_mm: of the real seal;
            archive: part and conformance of PDF/A that the document claims (`PdfFacts.archive`);
            is_colour_checked: off where a deployment lets other colours pass.
    """

    details: Details
    image: Blob | None = field(default=None, repr=False)
    seal_width_mm: float | None = None
    archive: str = ""
    is_colour_checked: bool = True

    @property
    def has_transparency(self) -> bool:
        """Whether the document may have any (ISO 19005-1 §6.4)."""
        return not self.archive.startswith("1")


@dataclass(frozen=True, slots=True)
class _Scene:
    isolation: Isolation
    page: Page
    around: Surroundings
    showing: Showing

    def taken(self, *, but: str | None = None) -> tuple[Rectangle, ...]:
        """Where other signatures are, or will be."""
        return tuple(place for name, place in self.around.fields.items() if name != but)

    def field(self, name: str | None) -> Rectangle | None:
        """Where a named field is."""
        if name is None:
            return None
        if name not in self.around.fields:
            raise DocumentRefused(AppearanceRefusal.ANCHOR_MISSING)
        return self.around.fields[name]

    def image(self) -> Blob:
        """The image, without which this kind cannot be."""
        if self.showing.image is None:
            raise DocumentRefused(AppearanceRefusal.IMAGE_MISSING)
        return self.showing.image


def appear(
    isolation: Isolation,
    document: Sequence[Blob],
    *,
    wanted: Wanted,
    pages: Sequence[PageShape],
    showing: Showing,
) -> Visible:
    """Draw what is wanted where it belongs; whoever has the answer closes its drawing.

    Takes   document: the revision that is signed, in as many parts as there are;
            pages: of that document, as intake found them.
    Where a field was named, the answer names it too: it has to be the one that is filled.
    Raises  DocumentRefused(no_such_page, image_…, seal_size_unlikely, appearance_…); ParsingFailed.
    """
    wanted_page = getattr(wanted, "page", 1)
    number = wanted_page - 1 if wanted_page > 0 else len(pages) + wanted_page
    if not 0 <= number < len(pages):
        raise DocumentRefused("no_such_page")
    page = Page.of_shape(pages[number], number=number)
    lines = _lines_of(wanted)
    around = look_around(isolation, document, page=page, wanted=lines)
    scene = _Scene(isolation, page, around, showing)
    match wanted:
        case PersonWanted():
            return replace(_person(scene, wanted), field_name=wanted.field)
        case SealWanted():
            return _seal(scene, wanted)
        case GeneralWanted():
            return replace(_general(scene, wanted), field_name=wanted.field)
        case _:
            return _note(scene, wanted)


def _lines_of(wanted: Wanted) -> tuple[str, ...]:
    if isinstance(wanted, PersonWanted) and wanted.title is not None and wanted.name is not None:
        return (wanted.title, wanted.name)
    return ()


def _person(scene: _Scene, wanted: PersonWanted) -> Visible:
    image = scene.image()
    field = scene.field(wanted.field)
    if field is not None:
        room = field
    elif wanted.box is not None:
        room = Rectangle(*wanted.box)
    else:
        room = choose_anchor(scene.around, page=scene.page).room
    return draw_person(
        scene.isolation,
        image,
        room=room,
        page=scene.page,
        taken=scene.taken(but=wanted.field),
        fills=field is not None,
        has_transparency=scene.showing.has_transparency,
        is_colour_checked=scene.showing.is_colour_checked,
    )


def _seal(scene: _Scene, wanted: SealWanted) -> Visible:
    image, width_mm = scene.image(), scene.showing.seal_width_mm
    if width_mm is None:
        raise DocumentRefused(AppearanceRefusal.SEAL_SIZE_UNLIKELY)
    person = scene.field(wanted.over)
    if person is None:
        if not scene.around.fields:
            raise DocumentRefused(AppearanceRefusal.ANCHOR_MISSING)
        if len(scene.around.fields) > 1:
            raise DocumentRefused(AppearanceRefusal.ANCHOR_AMBIGUOUS)
        (person,) = scene.around.fields.values()
    return draw_seal(
        scene.isolation,
        image,
        width_mm=width_mm,
        person=person,
        page=scene.page,
        taken=scene.taken(),
        has_transparency=scene.showing.has_transparency,
        is_colour_checked=scene.showing.is_colour_checked,
    )


def _general(scene: _Scene, wanted: GeneralWanted) -> Visible:
    box = scene.field(wanted.field)
    if box is None and wanted.box is not None:
        box = Rectangle(*wanted.box)
    return draw_general(
        scene.isolation,
        scene.showing.details,
        page=scene.page,
        taken=scene.taken(but=wanted.field),
        avoided=scene.around.lines,
        box=box,
    )


def _note(scene: _Scene, wanted: AttachmentWanted | CopyWanted) -> Visible:
    signed_at = scene.showing.details.signed_at
    if isinstance(wanted, CopyWanted):
        words, rule = copy_lines(wanted.form, agency=wanted.agency, signed_at=signed_at), COPY
    else:
        words, rule = attachment_lines(wanted.number, signed_at=signed_at), ATTACHMENT
    return draw_note(
        scene.isolation,
        words,
        page=scene.page,
        taken=scene.taken(),
        avoided=scene.around.lines,
        rule=rule,
    )
