"""What is asked about a PDF before it is taken in.

What lives here: the task `LOOK_AT_PDF` with its argument and answer.
Not here: the look (`signing/parsing/pdf_intake.py`), what follows from it (`signing/intake.py`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from signing.isolation.task import Task

_Code = Annotated[str, msgspec.Meta(max_length=64)]
_Name = Annotated[str, msgspec.Meta(max_length=10_000)]
_MOST_PAGES: Final = 10_000
_MOST_FIELDS: Final = 10_000


class PdfAsked(msgspec.Struct, frozen=True):
    """Asks what a PDF is.

    Takes   most_pages: a document with more is refused; field: a signature field that is to be
            filled, by its full name; empty for none.
    """

    most_pages: int
    field: str = ""


class PageShape(msgspec.Struct, frozen=True, array_like=True):
    """What is shown of a page, in its own coordinates, and how far it is turned clockwise.

    Takes   rotation: 0, 90, 180 or 270; unit: how many 1/72 inch one unit is.
    """

    left: float
    bottom: float
    right: float
    top: float
    rotation: int
    unit: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as they are seen, in 1/72 inch."""
        width, height = (self.right - self.left) * self.unit, (self.top - self.bottom) * self.unit
        return (height, width) if self.rotation in {90, 270} else (width, height)


class SignatureSeen(msgspec.Struct, frozen=True):
    """A signature that is there already; nothing of it is verified."""

    field: _Name
    sub_filter: _Name
    is_timestamp: bool


class PdfFacts(msgspec.Struct, frozen=True):
    """What a PDF is, for information.

    Takes   version: such as `1.7`; archive: part and conformance of PDF/A that it claims, such as
            `2B`, or empty; revisions: sections of cross-references; pages: each one's shape;
            signatures: in no order; empty_fields: signature fields that wait, by full name;
            forbids: why no further signature may be added, as the reason of a refusal, or empty;
            forbids_visible: the same for one that is seen.
    """

    version: _Code
    archive: _Code
    revisions: int
    pages: Annotated[tuple[PageShape, ...], msgspec.Meta(max_length=_MOST_PAGES)]
    signatures: Annotated[tuple[SignatureSeen, ...], msgspec.Meta(max_length=_MOST_FIELDS)]
    empty_fields: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=_MOST_FIELDS)]
    forbids: _Code
    forbids_visible: _Code
    has_form: bool
    has_attachments: bool
    has_layers: bool


LOOK_AT_PDF: Final = Task("signing.parsing.pdf_intake:look_at_pdf", PdfAsked, PdfFacts)
"""Input: the document.  Refused: see `signing.intake.REASONS`."""
