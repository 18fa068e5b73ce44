"""A PDF of the world, opened to be read: as much of it as can be.

What lives here: opening as lax as it goes, the tables of where objects stand, and
values that are there or are not.
Not here: writing (`pdf_update`), which is stricter about what it takes.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from pyhanko.pdf_utils import generic, misc
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionData

from signing.errors import DocumentRefused
from signing.parsing import quick_tokens
from signing.parsing.pdf_objects import Octets
from signing.parsing.pdf_reader import ExactReader

Location = int | tuple[int, int] | None
"""Where an object stands: an offset, a place in an object stream, or nowhere any more."""

quick_tokens.install()


class LaxReader(ExactReader):
    """Also of an object stream that is odd it reads the header once, not once for each object."""

    def __init__(self, stream: BinaryIO, *, octets: Octets | None) -> None:
        self._packed: dict[int, tuple[BinaryIO, dict[int, int]]] = {}
        super().__init__(stream, octets=octets)

    def _get_object_from_stream(self, idnum: int, stmnum: int, idx: int) -> Any:
        del idx  # an object is found by its number
        if stmnum not in self._packed:
            packed = generic.Reference(stmnum, 0, self).get_object()
            content, first = packed.data, int(packed["/First"])
            header = [int(one) for one in content[:first].split()[: 2 * int(packed["/N"])]]
            starts = {
                number: first + at for number, at in zip(header[-2::-2], header[::-2], strict=True)
            }
            self._packed[stmnum] = io.BytesIO(content), starts
        stream, starts = self._packed[stmnum]
        if idnum not in starts:
            return generic.NullObject()
        stream.seek(starts[idnum])
        misc.read_non_whitespace(stream, seek_back=True)
        return generic.read_object(stream, generic.Reference(idnum, 0, self))


def open_lax(data: bytes, *, reader: type[LaxReader] = LaxReader) -> LaxReader:
    """A reader.

    Raises  DocumentRefused: encrypted; whatever is in `DAMAGE`.
    """
    opened = reader(io.BytesIO(data), octets=data)
    if "/Encrypt" in opened.trailer:
        raise DocumentRefused("encrypted")
    return opened


def locations(reader: PdfFileReader) -> dict[int, Location]:
    """Where every object stands now, by its number; freed ones stand nowhere.

    NOTE: what a table frees and its hybrid stream has, is there (ISO 32000-2 §7.5.8.4).
    """
    found: dict[int, Location] = {}
    for revision in range(reader.total_revisions):
        section = reader.xrefs.get_xref_data(revision)
        found.update(dict.fromkeys(section.freed))
        if section.hybrid is not None:
            found.update(_places(section.hybrid.xref_data))
        found.update(_places(section))
    return found


def generations(reader: PdfFileReader) -> dict[int, int]:
    """The generation of every object that has one but 0."""
    found: dict[int, int] = {}
    for revision in range(reader.total_revisions):
        section = reader.xrefs.get_xref_data(revision)
        both = [section] if section.hybrid is None else [section.hybrid.xref_data, section]
        for one in both:
            found.update({number: own for number, (own, _) in one.standard_xrefs.items()})
    return {number: own for number, own in found.items() if own}


def offsets_ever(reader: PdfFileReader) -> frozenset[int]:
    """Every offset that a table of whatever revision names."""
    found: set[int] = set()
    for revision in range(reader.total_revisions):
        section = reader.xrefs.get_xref_data(revision)
        both = [section] if section.hybrid is None else [section.hybrid.xref_data, section]
        found.update(place for one in both for _, place in one.standard_xrefs.values())
    return frozenset(found)


def value_of(value: Any) -> Any:
    """What a reference stands for, or the value itself; None for null and for what is not there."""
    for _ in range(8):
        if not isinstance(value, generic.IndirectObject):
            break
        value = value.get_object()
    return None if isinstance(value, generic.NullObject) else value


def raw(container: Any, key: str) -> Any:
    """An entry as it stands, perhaps a reference; None where there is none."""
    if not isinstance(container, generic.DictionaryObject):
        return None
    try:
        return container.raw_get(key)
    except KeyError:
        return None


def entry(container: Any, key: str) -> Any:
    """The value of an entry, wherever it stands; None where there is none, or null."""
    return value_of(raw(container, key))


def dictionary(value: Any) -> generic.DictionaryObject | None:
    """A dictionary or nothing."""
    return value if isinstance(value, generic.DictionaryObject) else None


def elements(value: Any) -> list[Any]:
    """What an array has, references as such; nothing for what is none."""
    if not isinstance(value, generic.ArrayObject):
        return []
    return [value.raw_get(at) for at in range(len(value))]


def text(value: Any, *, most: int = 2_000) -> str:
    """A text or name for people, cut to that length; empty for anything else."""
    if isinstance(value, generic.ByteStringObject):
        value = bytes(value).decode("latin-1")
    said = value if isinstance(value, str) else ""
    return said[:most].encode("utf-8", "replace").decode()


def name(value: Any) -> str:
    """A name without its stroke; empty for anything else."""
    return str(value)[1:1_000] if isinstance(value, generic.NameObject) else ""


def number_of(value: Any) -> int | None:
    """The number of the object that a reference names."""
    return value.idnum if isinstance(value, generic.IndirectObject) else None


def _places(section: XRefSectionData) -> dict[int, Location]:
    packed = {
        number: (place.obj_stream_id, place.ix_in_stream)
        for number, place in section.xrefs_in_objstm.items()
    }
    return {number: place for number, (_, place) in section.standard_xrefs.items()} | packed
