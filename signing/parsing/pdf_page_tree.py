"""One page of a PDF among all the others, and what it inherits.

What lives here: finding a page by its number without reading all of them, and adding an annotation.
Source: ISO 32000-2 §7.7.3 (page tree), §12.5.2 (annotations).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pyhanko.pdf_utils import generic

from signing.errors import DocumentRefused
from signing.parsing.pdf_update import Update, entry

_DEEPEST: Final = 64
BOXES: Final = ("/CropBox", "/MediaBox")


def find_page(root: generic.DictionaryObject, number: int) -> generic.IndirectObject:
    """The page of this number: 0 is the first, -1 the last.

    Raises  DocumentRefused: no_such_page; damaged.
    """
    node = root["/Pages"]
    count = int(node["/Count"])
    wanted = number if number >= 0 else count + number
    if not 0 <= wanted < count:
        raise DocumentRefused("no_such_page")
    for _ in range(_DEEPEST):
        kid, wanted = _kid_with(node, wanted)
        if "/Kids" not in (node := kid.get_object()):
            return kid
    raise DocumentRefused("damaged")


def _kid_with(node: generic.DictionaryObject, wanted: int) -> tuple[generic.IndirectObject, int]:
    """The kid that is the page or has it below, and the number of the page there."""
    kids = node["/Kids"]
    if len(kids) == int(node["/Count"]):  # nearly always: pages alone, so that none is read
        kid = kids.raw_get(wanted)
        if "/Kids" not in kid.get_object():
            return kid, 0
    for index in range(len(kids)):
        kid = kids.raw_get(index)
        below = kid.get_object()
        size = int(below["/Count"]) if "/Kids" in below else 1
        if wanted < size:
            return kid, wanted
        wanted -= size
    raise DocumentRefused("damaged")


def visible_box(page: generic.DictionaryObject) -> tuple[float, float, float, float]:
    """What is shown of a page: left, bottom, right, top in its user space.

    Raises  DocumentRefused: damaged.
    """
    return common_box([found for key in BOXES if (found := inherited(page, key)) is not None])


def common_box(boxes: Sequence[Any]) -> tuple[float, float, float, float]:
    """What lies in all of these boxes.

    Raises  DocumentRefused: damaged, where there is none.
    """
    if not boxes:
        raise DocumentRefused("damaged")
    if len(boxes) == 1:
        return _box(boxes[0])
    left, bottom, right, top = zip(*map(_box, boxes), strict=True)
    return max(left), max(bottom), min(right), min(top)


def inherited(page: generic.DictionaryObject, key: str) -> generic.PdfObject | None:
    """A value of the page, or of the nearest node above that has one."""
    node = page
    for _ in range(_DEEPEST):
        if (found := entry(node, key)) is not None:
            return found
        node = entry(node, "/Parent")
        if not isinstance(node, generic.DictionaryObject):
            return None
    return None


def add_annotation(
    update: Update, *, page: generic.IndirectObject, annotation: generic.IndirectObject
) -> None:
    """Let an annotation stand on a page, behind those that do."""
    content = page.get_object()
    known = entry(content, "/Annots")
    if not isinstance(known, generic.ArrayObject):
        content["/Annots"] = generic.ArrayObject([annotation])
        update.mark_update(page)
        return
    if not known or known.raw_get(-1) != annotation:  # one list may be the form's as well
        known.append(annotation)
    where = content.raw_get("/Annots")
    update.mark_update(where if isinstance(where, generic.IndirectObject) else page)


def _box(found: generic.PdfObject) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(each.get_object()) for each in found)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
