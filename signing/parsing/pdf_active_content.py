"""What in a PDF does something by itself: scripts, programs, forms that redraw themselves.

What lives here: `check_active_content`.  The octets are searched first, and the object streams,
which alone can hide a name from that; only where something is found are the objects read.  An
object that is reached from nowhere counts too: an update could reach it.
Source: ISO 32000-2 §12.6.4 (actions), §12.7.8 (XFA), §13.7 (rich media), §7.3.5 (names).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionData

from signing.errors import DocumentRefused

_OF_NAMES: Final = {
    "/JS": "javascript",
    "/JavaScript": "javascript",
    "/Launch": "launch_action",
    "/XFA": "xfa_form",
    "/RichMedia": "rich_media",
}
_KEYS: Final = frozenset({"/JS", "/JavaScript", "/XFA"})
_VALUES: Final = {
    "/S": frozenset({"/JavaScript", "/Launch"}),
    "/Subtype": frozenset({"/RichMedia"}),
}
_DELIMITER: Final = rb"[\x00\t\n\f\r ()<>\[\]{}/%]"
_WORDS: Final = b"|".join(name[1:].encode() for name in _OF_NAMES)
_PLAIN: Final = re.compile(rb"/(?:" + _WORDS + rb")(?=" + _DELIMITER + rb"|\Z)")
_ESCAPED: Final = re.compile(
    rb"/[^\x00\t\n\f\r ()<>\[\]{}/%#]{0,9}#[^\x00\t\n\f\r ()<>\[\]{}/%]{2,40}"
)
_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")


def check_active_content(reader: PdfFileReader, document: memoryview) -> None:
    """Whether a document does nothing by itself.

    Raises  DocumentRefused: javascript, launch_action, xfa_form, rich_media.
    """
    if not _is_named(document) and not any(_is_named(packed) for packed in _object_streams(reader)):
        return
    for number, generation in _numbers(reader):
        _check_object(reader.get_object(generic.Reference(number, generation, reader)))


def _is_named(octets: memoryview | bytes) -> bool:
    if _PLAIN.search(octets):
        return True
    return any(
        _ESCAPE.sub(lambda hit: bytes((int(hit[1], 16),)), found[0]).decode("latin-1") in _OF_NAMES
        for found in _ESCAPED.finditer(octets)
    )


def _object_streams(reader: PdfFileReader) -> Iterator[bytes]:
    for section in _sections(reader):
        for number in section.obj_streams_used:
            stream = reader.get_object(generic.Reference(number, 0, reader))
            if isinstance(stream, generic.StreamObject):
                yield stream.data


def _numbers(reader: PdfFileReader) -> set[tuple[int, int]]:
    """Every object of the newest state."""
    numbers: set[tuple[int, int]] = set()
    for section in _sections(reader):
        numbers |= {(number, known[0]) for number, known in section.standard_xrefs.items()}
        numbers |= {(number, 0) for number in section.xrefs_in_objstm}
    return numbers


def _sections(reader: PdfFileReader) -> Iterator[XRefSectionData]:
    for revision in range(reader.total_revisions):
        section = reader.xrefs.get_xref_data(revision)
        yield section
        if section.hybrid is not None:
            yield section.hybrid.xref_data


def _check_object(found: generic.PdfObject) -> None:
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, generic.DictionaryObject):
            for key in one:
                value = one.raw_get(key)
                if key in _KEYS:
                    raise DocumentRefused(_OF_NAMES[key])
                if key in _VALUES and (name := value.get_object()) in _VALUES[key]:
                    raise DocumentRefused(_OF_NAMES[str(name)])
                waiting.append(value)
        elif isinstance(one, generic.ArrayObject):
            waiting.extend(one.raw_get(index) for index in range(len(one)))
