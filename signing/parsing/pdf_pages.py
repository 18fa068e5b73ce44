"""All pages of a PDF, in order.

What lives here: the walk through the page tree with what pages inherit, and a look at the streams
that draw them: none grows beyond all measure.
Source: ISO 32000-2 §7.7.3 (page tree), §7.4.4 (Flate), §14.11.2 (page boundaries).
Not here: one page among the others (`pdf_page_tree`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pyhanko.pdf_utils import generic

from signing.errors import DocumentRefused
from signing.messages.pdf_intake import PageShape
from signing.parsing.pdf_page_tree import BOXES, common_box
from signing.parsing.pdf_update import entry

_DEEPEST: Final = 64
_MOST_GROWN: Final = 64 * 1024 * 1024
_MOST_GROWTH: Final = 1_032
"""Deflate makes nothing larger than by this factor."""

Inherited = Mapping[str, Any]
_INHERITED: Final = ("/MediaBox", "/CropBox", "/Rotate")


def walk_pages(
    root: generic.DictionaryObject, *, most: int
) -> Iterator[tuple[generic.DictionaryObject, Inherited]]:
    """Each page with what it has or inherits.

    Raises  DocumentRefused: too_many_pages; damaged, for a tree that is none.
    """
    tree = entry(root, "/Pages")
    if not isinstance(tree, generic.DictionaryObject):
        raise DocumentRefused("damaged")
    promised, count = int(entry(tree, "/Count") or 0), 0
    if promised > most:
        raise DocumentRefused("too_many_pages")
    seen: set[int] = set()
    waiting: list[tuple[generic.PdfObject, Inherited, int]] = [(tree, {}, 0)]
    while waiting:
        reference, above, depth = waiting.pop()
        node = reference.get_object()
        known = {**above, **{key: node[key] for key in _INHERITED if key in node}}
        if "/Kids" not in node:
            count += 1
            if count > most:
                raise DocumentRefused("too_many_pages")
            yield node, known
            continue
        if isinstance(reference, generic.IndirectObject):
            if reference.idnum in seen:  # a circle, or a tree that grows by itself
                raise DocumentRefused("damaged")
            seen.add(reference.idnum)
        kids = entry(node, "/Kids")
        if len(kids) > most:
            raise DocumentRefused("too_many_pages")
        if depth > _DEEPEST:
            raise DocumentRefused("damaged")
        waiting += [(kids.raw_get(at), known, depth + 1) for at in reversed(range(len(kids)))]
    if not count or count != promised:
        raise DocumentRefused("damaged")


def shape_of(page: generic.DictionaryObject, known: Inherited) -> PageShape:
    """What is shown of a page, and how.

    Raises  DocumentRefused: damaged, for a page that shows nothing.
    """
    left, bottom, right, top = common_box([known[key] for key in BOXES if key in known])
    rotation = int(known.get("/Rotate") or 0) % 360
    unit = float(entry(page, "/UserUnit") or 1)
    if not (left < right and bottom < top and rotation % 90 == 0 and unit > 0):
        raise DocumentRefused("damaged")
    return PageShape(left, bottom, right, top, rotation, unit)


def check_contents(page: generic.DictionaryObject, *, seen: set[tuple[int, int]]) -> None:
    """Whether what draws the page stays within measure.

    Takes   seen: streams that were looked at.
    Raises  DocumentRefused: expands_too_much.
    """
    contents = dict.get(page, "/Contents")
    known = contents.get_object() if contents is not None else None
    parts = known if isinstance(known, generic.ArrayObject) else [contents]
    for index in range(len(parts)):
        part = parts.raw_get(index) if isinstance(parts, generic.ArrayObject) else parts[index]
        if isinstance(part, generic.IndirectObject):
            name = (part.idnum, part.generation)
            if name in seen:
                continue
            seen.add(name)
            part = part.get_object()
        if isinstance(part, generic.StreamObject):
            _check_stream(part)


def _check_stream(stream: generic.StreamObject) -> None:
    filters = entry(stream, "/Filter")
    names = list(filters) if isinstance(filters, generic.ArrayObject) else [filters]
    data = stream.encoded_data
    if len(names) == 1 and len(data) * _MOST_GROWTH <= _MOST_GROWN:
        return
    for name in names:
        if name not in {"/FlateDecode", "/Fl"}:
            return
        try:
            data = zlib.decompressobj().decompress(data, _MOST_GROWN + 1)
        except zlib.error:  # who draws it decides what becomes of it
            return
        if len(data) > _MOST_GROWN:
            raise DocumentRefused("expands_too_much")
