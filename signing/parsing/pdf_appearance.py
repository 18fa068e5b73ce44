"""What a signature looks like, put where it stands.

What lives here: a drawn page that becomes the appearance of a widget, turned with the page.
Source: ISO 32000-2 §12.5.5 (appearance streams), §8.10 (form XObjects).
Not here: drawing it, and where it goes (`signing/appearance`).
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from math import isfinite
from types import MappingProxyType
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import NameObject, NumberObject

from signing.errors import DocumentRefused
from signing.parsing.pdf_form import NOWHERE, Rectangle
from signing.parsing.pdf_page_tree import visible_box
from signing.parsing.pdf_reader import ExactReader
from signing.parsing.pdf_update import Update

_TURNS: Final[Mapping[int, tuple[int, ...]]] = MappingProxyType(
    {0: (1, 0, 0, 1, 0, 0), 90: (0, 1, -1, 0, 0, 0), 180: (-1, 0, 0, -1, 0, 0),
     270: (0, -1, 1, 0, 0, 0)}
)  # fmt: skip
"""Counter-clockwise, by as much as the page is turned clockwise when it is shown."""
_TOLERANCE: Final = 0.05


def drawn_appearance(update: Update, drawn: memoryview, *, turned: int) -> generic.DictionaryObject:
    """The /AP of a widget: the first page of a PDF, as it is.

    Raises  DocumentRefused: damaged.
    """
    source = ExactReader(BytesIO(drawn), octets=drawn)
    form = update.import_page_as_xobject(source)
    content = form.get_object()
    content["/Matrix"] = generic.ArrayObject(map(NumberObject, _TURNS[turned]))
    page = source.find_page_for_modification(0)[0].get_object()
    if "/Group" in page:  # how it mixes with what is below it
        content["/Group"] = update.import_object(page["/Group"])
    return _normal(form)


def empty_appearance(update: Update) -> generic.DictionaryObject:
    """The /AP of a widget that is not seen: archive files (PDF/A-1 §6.9) want one of each field."""
    box = generic.ArrayObject(map(NumberObject, NOWHERE))
    entries = {
        NameObject("/Type"): NameObject("/XObject"),
        NameObject("/Subtype"): NameObject("/Form"),
        NameObject("/BBox"): box,
        NameObject("/Resources"): generic.DictionaryObject(),
    }
    return _normal(update.add_object(generic.StreamObject(entries, stream_data=b"")))


def check_place(page: generic.DictionaryObject, rectangle: Rectangle) -> None:
    """Whether an appearance is on the page that is shown.

    Raises  DocumentRefused: appearance_off_page.
    """
    left, bottom, right, top = rectangle
    page_left, page_bottom, page_right, page_top = visible_box(page)
    is_on_page = (
        all(map(isfinite, rectangle))
        and left < right
        and bottom < top
        and left >= page_left - _TOLERANCE
        and bottom >= page_bottom - _TOLERANCE
        and right <= page_right + _TOLERANCE
        and top <= page_top + _TOLERANCE
    )
    if not is_on_page:
        raise DocumentRefused("appearance_off_page")


def _normal(form: generic.IndirectObject) -> generic.DictionaryObject:
    return generic.DictionaryObject({NameObject("/N"): form})
