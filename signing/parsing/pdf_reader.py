"""A PDF opened with a reader of our own, and with pyHanko's wherever there could be two opinions.

What lives here: `ExactReader`, which is pyHanko's reader for all who ask it, writers among them:
the same objects, sections and trailers.  Tables and objects that are as the standard has them are
read at once; each one that is not is left to pyHanko, which mends it or refuses it as it always
did, so that no verdict depends on who read.
Source: ISO 32000-2 §7.3.10 (indirect objects), §7.5.7 (object streams).
Not here: how they are read (`pdf_objects`, `pdf_tables`).
"""

from __future__ import annotations

import os
import re
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic, reader
from pyhanko.pdf_utils.decode_limits import DecodeContext, DecodeLimits, DecodePurpose
from pyhanko.pdf_utils.xref import ObjStreamRef, XRefCache, XRefSection

from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_objects import Ambiguous, Octets, read_object, read_value
from signing.parsing.pdf_tables import read_tables

_NUMBER_OBJECT: Final = re.compile(
    rb"(\d{1,10}) (\d{1,5}) obj[\x00\t\n\f\r ]++(\d{1,10})[\x00\t\n\f\r ]++endobj[\x00\t\n\f\r ]"
)
_HEAD: Final = re.compile(
    rb"[\x00\t\n\f\r ]*+(?:\d{1,10}[\x00\t\n\f\r ]++\d{1,10}[\x00\t\n\f\r ]*+)*+"
)
_GOES_ON: Final = re.compile(rb"[\x00\t\n\f\r ]*+(?:%|stream)")
"""Behind an object in an object stream: some look there for more of it, though it is the next."""
_SPACE: Final = b"\x00\t\n\f\r "
_NO_TOKEN: Final = b"\x00\t\n\f\r %"


class _Sections(XRefCache):  # type: ignore[misc]  # a class of a library without types
    """Remembers in which revisions an object was found."""

    def __init__(self, reader: Any, sections: list[XRefSection]) -> None:
        super().__init__(reader, sections)
        self._last: dict[tuple[int, int], int] = {}
        self._first: dict[tuple[int, int], int] = {}
        self._newest_first = [one.xref_data for one in reversed(sections)]

    def __getitem__(self, ref: Any) -> Any:
        """See the library, which is asked itself about whatever was freed or is of two kinds."""
        number = ref.idnum
        for section in self._newest_first:
            if ref.generation or number in section.freed or section.hybrid is not None:
                break
            packed = section.xrefs_in_objstm.get(number)
            if packed is not None:
                return packed
            plain = section.standard_xrefs.get(number)
            if plain is not None:
                return plain[1]
        return super().__getitem__(ref)

    def get_last_change(self, ref: Any) -> int:
        """See the library."""
        name = (ref.idnum, ref.generation)
        if name not in self._last:
            self._last[name] = super().get_last_change(ref)
        return self._last[name]

    def get_introducing_revision(self, ref: Any) -> int:
        """See the library."""
        name = (ref.idnum, ref.generation)
        if name not in self._first:
            self._first[name] = super().get_introducing_revision(ref)
        return self._first[name]


class ExactReader(reader.PdfFileReader):  # type: ignore[misc]  # a class of a library without types
    """Reads what is plain by itself; `is_exact` says whether the tables were.

    Takes   octets: the whole document, where it lies in one piece.
    """

    def __init__(self, stream: BinaryIO, *, octets: Octets | None, strict: bool = False) -> None:
        self.is_exact = False
        self._octets: Octets = b""
        self._packs: dict[int, tuple[bytes, dict[int, tuple[int, int, int]]]] = {}
        if octets is None or strict or not self._open(stream, octets):
            super().__init__(stream, strict=strict)

    def get_object(self, ref: Any, revision: Any = None, **said: Any) -> Any:
        """As pyHanko's; of what is not encrypted, without asking whether it is."""
        if not self.is_exact or revision is not None or any(said.values()):
            return super().get_object(ref, revision, **said)
        return self.object_of(ref.idnum, ref.generation)

    def object_of(self, number: int, generation: int) -> Any:
        """The object of this number, for a `Pointer`."""
        if not self.is_exact:
            return super().get_object(generic.Reference(number, generation, self))
        known = self.resolved_objects.get((generation, number))
        if known is None:
            reference = generic.Reference(number, generation, self)
            known = self._read_object(reference, self.xrefs[reference])
            self.resolved_objects[generation, number] = known
        return known

    def _open(self, stream: BinaryIO, octets: Octets) -> bool:
        """What pyHanko's `__init__` does, with our tables; False where they are ambiguous."""
        stream.seek(0, os.SEEK_END)
        self._security_handler = None
        self.strict = False
        self._decode_context = DecodeContext(DecodeLimits(), input_size=stream.tell())
        self.resolved_objects: dict[tuple[int, int], Any] = {}
        self._input_version = None
        self._historical_resolver_cache: dict[int, Any] = {}
        self.stream = stream
        self._header_version = reader._read_header_version(stream)  # noqa: SLF001  of our base
        try:
            tables = read_tables(octets, self)
        except Ambiguous:
            return False
        self.xrefs = _Sections(self, tables.sections)
        self.last_startxref = tables.last_startxref
        self.trailer = tables.trailer
        self.has_xref_stream = tables.has_xref_stream
        self._embedded_signatures = None
        self.is_exact = "/Encrypt" not in self.trailer
        self._octets = octets
        return True

    def _read_object(self, ref: Any, marker: Any, **said: Any) -> Any:
        if self.is_exact and marker is not None and not said.get("as_metadata_stream"):
            reference = ref
            if type(ref) is not generic.Reference or ref.pdf is not self:
                reference = generic.Reference(ref.idnum, ref.generation, self)
            try:
                if isinstance(marker, ObjStreamRef):
                    return self._packed_object(reference, marker)
                return read_object(
                    self._octets, marker, reference=reference, length_of=self._length_of
                )
            except Ambiguous:
                pass
        return super()._read_object(ref, marker, **said)

    def _length_of(self, reference: generic.Reference) -> int:
        """A number that is an object of its own, and nothing else."""
        place = self.xrefs[reference]
        found = _NUMBER_OBJECT.match(self._octets, place) if isinstance(place, int) else None
        if found is None or (int(found[1]), int(found[2])) != (
            reference.idnum,
            reference.generation,
        ):
            raise Ambiguous
        return int(found[3])

    def _packed_object(self, reference: generic.Reference, marker: ObjStreamRef) -> Any:
        """An object in an object stream, which has it at this index and nowhere else."""
        if marker.obj_stream_id not in self._packs:
            self._packs[marker.obj_stream_id] = self._pack(marker.obj_stream_id)
        content, places = self._packs[marker.obj_stream_id]
        index, start, stop = places.get(reference.idnum, (-1, 0, 0))
        if index != marker.ix_in_stream or reference.generation or content[start] in _NO_TOKEN:
            raise Ambiguous
        value, end = read_value(content, start, within=reference)
        is_reference = isinstance(value, generic.IndirectObject)
        if is_reference or end > stop or content[end:stop].strip(_SPACE):
            raise Ambiguous
        if _GOES_ON.match(content, end):
            raise Ambiguous
        return value

    def _pack(self, number: int) -> tuple[bytes, dict[int, tuple[int, int, int]]]:
        """An object stream: its octets, and of each object in it index, start and end."""
        reference = generic.Reference(number, 0, self)
        if not isinstance(self.xrefs[reference], int):
            raise Ambiguous
        stream = self.get_object(reference)
        if not isinstance(stream, generic.StreamObject) or stream.get("/Type") != "/ObjStm":
            raise Ambiguous
        count, first = stream.get("/N"), stream.get("/First")
        if type(count) is not generic.NumberObject or type(first) is not generic.NumberObject:
            raise Ambiguous
        try:
            content = stream.read_data(DecodePurpose.OBJECT_STREAM)
        except DAMAGE as failure:
            raise Ambiguous from failure
        header = content[:first]
        said = [int(one) for one in header.split()] if _HEAD.fullmatch(header) else []
        numbers, starts = said[::2], [first + one for one in said[1::2]]
        if (
            not 0 < first <= len(content)
            or len(said) != 2 * count
            or len(set(numbers)) != count
            or any(one >= len(content) for one in starts)
        ):
            raise Ambiguous
        stops = [*starts[1:], len(content)]
        return content, {
            one: (index, start, stop)
            for index, (one, start, stop) in enumerate(zip(numbers, starts, stops, strict=True))
        }
