"""What is asked about a PDF that somebody went on writing behind a signature.

What lives here: the tasks `COMPARE_PDF` (what differs between signed revisions and the document as
it is, and what a library of others says about the same) and `DRAW_PAGES` (pages as they are seen,
for a comparison), with their structs.
Source: ISO 32000-2 §7.5.6 (increments), §12.8.2 (what a signature allows).
Not here: whether a difference is allowed (`signing/validation/pdf_changes.py`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

MOST_REVISIONS: Final = 64
"""Signatures whose later changes are looked at; of more, the first and the last ones."""
MOST_DRAWN: Final = 8
"""Pages in one job."""
MOST_SPOTS: Final = 2_000
MOST_NAME: Final = 1_000
"""Letters of the full name of a field that are told."""

_MOST_CHANGES: Final = 2_000
_Code = Annotated[str, msgspec.Meta(max_length=64)]
_Name = Annotated[str, msgspec.Meta(max_length=MOST_NAME)]
Spot = tuple[int, float, float, float, float]
"""A page (from 0) and left, bottom, right, top in its default user space."""


class CompareAsked(msgspec.Struct, frozen=True):
    """Asks about the revisions that end behind so many octets each; input: the document.

    Takes   permissions: of DocMDP of each, 0 for none; most_steps: pairs of revisions that the
            library of others compares at most; with none it is not asked.
    """

    ends: Annotated[tuple[int, ...], msgspec.Meta(max_length=MOST_REVISIONS)]
    permissions: Annotated[tuple[int, ...], msgspec.Meta(max_length=MOST_REVISIONS)]
    most_steps: int = 0


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was.

    Takes   code: see `signing.validation.pdf_changes.RULES`; field: full name of a form field;
            pages: from 0, where it stands; spots: where it is seen; share: how much of what was
            there it covers (`overlapped`), 0 to 1.
    """

    code: _Code
    field: _Name = ""
    pages: Annotated[tuple[int, ...], msgspec.Meta(max_length=_MOST_CHANGES)] = ()
    spots: Annotated[tuple[Spot, ...], msgspec.Meta(max_length=MOST_SPOTS)] = ()
    share: float = 0.0


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between one signed revision and the document as it is.

    Takes   pages_before, pages_now: how many there are; to_draw: pages (from 0, the same in both)
            whose objects differ; is_told: False when it could not be told which, so that all have
            to be drawn; is_switched: the later table points into what was signed, to where the
            signed table did not.
    """

    differences: Annotated[tuple[Difference, ...], msgspec.Meta(max_length=_MOST_CHANGES)] = ()
    pages_before: int = 0
    pages_now: int = 0
    to_draw: Annotated[tuple[int, ...], msgspec.Meta(max_length=10_000)] = ()
    is_told: bool = True
    is_switched: bool = False


class CompareAnswered(msgspec.Struct, frozen=True):
    """As many as were asked about, in their order.

    Takes   levels: what the library says of each: `none`, `evidence`, `form_filling`,
            `annotations`, `suspicious`, `not_told`.
    """

    revisions: Annotated[tuple[Compared, ...], msgspec.Meta(max_length=MOST_REVISIONS)]
    levels: Annotated[tuple[_Code, ...], msgspec.Meta(max_length=MOST_REVISIONS)]


class DrawAsked(msgspec.Struct, frozen=True):
    """Some pages of the first so many octets of a document, in grey.

    Takes   end: how many octets are the document; pages: from 0; spots: places of which the box in
            pixels is wanted.
    """

    end: int
    pages: Annotated[tuple[int, ...], msgspec.Meta(max_length=MOST_DRAWN)]
    dots_per_inch: int
    most_pixels: int
    spots: Annotated[tuple[Spot, ...], msgspec.Meta(max_length=MOST_SPOTS)] = ()


class DrawAnswered(msgspec.Struct, frozen=True):
    """The pages are in the output, a byte for each pixel, one row after the other.

    Takes   sizes: width and height of each; pages: of the whole document; boxes: left, top, right,
            bottom in pixels of each spot whose page was asked for, others are four zeros.
    """

    sizes: Annotated[tuple[tuple[int, int], ...], msgspec.Meta(max_length=MOST_DRAWN)]
    pages: int
    boxes: Annotated[tuple[tuple[int, int, int, int], ...], msgspec.Meta(max_length=MOST_SPOTS)]


COMPARE_PDF: Final = Task(
    "signing.parsing.pdf_changes:compare_pdf", CompareAsked, CompareAnswered, 8 << 20
)
DRAW_PAGES: Final = Task("signing.parsing.pdf_pictures:draw_pages", DrawAsked, DrawAnswered)
