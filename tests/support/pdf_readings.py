"""What a reader of PDF says about a file, so that two readers can be compared.

What lives here: `reading`, with every section, every trailer and every object, as plain values; and
`what_differs`, of pyHanko's own reader and of ours.
Not here: the files.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.parsing.pdf_damage import DAMAGE
from signing.parsing.pdf_reader import ExactReader

_KINDS: Final = (
    generic.StreamObject,
    generic.DictionaryObject,
    generic.ArrayObject,
    generic.IndirectObject,
    generic.NameObject,
    generic.BooleanObject,
    generic.NumberObject,
    generic.FloatObject,
    generic.TextStringObject,
    generic.ByteStringObject,
    generic.NullObject,
)
_DEEPEST: Final = 60
_BEYOND: Final = (0, 1_000_000)
"""Numbers that no table has."""


def what_differs(
    content: bytes, *, most: int = 120, reader: type[ExactReader] = ExactReader
) -> str:
    """What pyHanko's reader and ours say differently about a file; empty for nothing.

    Takes   most: of so many objects, all over the file; reader: ours.
    """
    theirs = dict(reading(_opened(content, partial(reader, octets=None)), most=most))
    ours = dict(reading(_opened(content, partial(reader, octets=content)), most=most))
    return next(
        (
            f"{key}: {ours.get(key)!r:.300} instead of {theirs.get(key)!r:.300}"
            for key in {**theirs, **ours}
            if ours.get(key) != theirs.get(key)
        ),
        "",
    )


def reads_itself(content: bytes) -> bool:
    """Whether our reader finds the tables plain."""
    opened = _opened(content, partial(ExactReader, octets=content))
    return isinstance(opened, ExactReader) and opened.is_exact


def reading(opened: PdfFileReader | str, *, most: int) -> Iterator[tuple[str, Any]]:
    """All that it says, each with a name; of many objects some."""
    if isinstance(opened, str):
        yield "opening", opened
        return
    yield "version", _tried(lambda: opened.input_version)
    yield "end", (opened.last_startxref, opened.has_xref_stream, opened.total_revisions)
    yield "trailers", [_value(one) for one in opened.trailer._trailer_revisions]
    known = {(number, 0) for number in _BEYOND}
    for revision in range(opened.total_revisions):
        section = opened.xrefs.get_xref_data(revision)
        yield f"section {revision}", opened.xrefs.get_xref_container_info(revision)
        for one in (section, *([section.hybrid.xref_data] if section.hybrid else [])):
            yield f"places {revision}", (one.freed, one.standard_xrefs, one.xrefs_in_objstm)
            yield f"names {revision}", (one.explicit_refs_in_revision, one.obj_streams_used)
            known |= {*one.explicit_refs_in_revision} | {(each, 0) for each in one.freed}
    asked = sorted(one for one in known if one[0] > 0 <= one[1])
    for number, generation in asked[:: 1 + len(asked) // most]:
        get = partial(opened.get_object, generic.Reference(number, generation, opened))
        yield f"object {number} {generation}", _tried(lambda get=get: _value(get()))
        if opened.total_revisions > 1:
            yield f"object {number} {generation} at first", _tried(lambda get=get: _value(get(0)))


def _opened(content: bytes, reader: Callable[[BinaryIO], PdfFileReader]) -> PdfFileReader | str:
    try:
        return reader(io.BytesIO(content))
    except DAMAGE as failure:
        return type(failure).__name__


def _tried(function: Any) -> Any:
    try:
        return function()
    except DAMAGE as failure:
        return type(failure).__name__


def _value(value: Any, depth: int = 0) -> Any:
    """A value as a tuple: its kind, which object it is a part of, and what is in it."""
    kind = next(one.__name__ for one in _KINDS if isinstance(value, one))
    if depth > _DEEPEST:
        return kind
    said: list[Any] = [kind, _owner(value)]
    if isinstance(value, generic.StreamObject):
        said.append(value.encoded_data)
    if isinstance(value, generic.DictionaryObject):
        said += [(str(key), _value(value.raw_get(key), depth + 1)) for key in value]
    elif isinstance(value, generic.ArrayObject):
        said += [_value(value.raw_get(at), depth + 1) for at in range(len(value))]
    elif isinstance(value, generic.IndirectObject):
        said += [value.idnum, value.generation, value.reference]
    elif isinstance(value, generic.TextStringObject):
        said += [str(value), value.autodetected_encoding, value.original_bytes]
    elif isinstance(value, generic.BooleanObject):
        said.append(bool(value))
    elif not isinstance(value, generic.NullObject):
        said += [str(value)]
    return tuple(said)


def _owner(value: Any) -> Any:
    owner = value.container_ref
    return (owner.idnum, owner.generation) if isinstance(owner, generic.Reference) else type(owner)
