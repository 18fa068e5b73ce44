"""Objects of a PDF, read at once and to the letter, as the objects that pyHanko has.

What lives here: `read_value`, which goes from token to token by one regular expression, and
`read_object`, with the object's header, its stream and its end.  Of what is read here there is
one reading, and it is pyHanko's; everything that a reader would mend, guess or pass over is
`Ambiguous`, and pyHanko's own reader, one octet at a time, decides what it is.
Source: ISO 32000-2 §7.2 (lexical conventions), §7.3 (objects).
Not here: where objects stand (`pdf_tables`), asking for them (`pdf_reader`).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError

Octets = bytes | memoryview
_END: Final = rb"(?=[\x00\t\n\f\r ()<>\[\]{}/%])"
_END_OR_LAST: Final = rb"(?:" + _END + rb"|\Z)"
_SPACE: Final = rb"[\x00\t\n\f\r ]"
GAP: Final = _SPACE + rb"*+(?:%[^\r\n]*+[\r\n]" + _SPACE + rb"*+)*+"
"""White space and comments, which are white space (§7.2.4)."""
_TOKEN: Final = re.compile(
    GAP + rb"(?:"
    rb"(/[!-$&'*-.0-;=?-Z\\^-z|~]{1,127}+)" + _END_OR_LAST + rb"|"
    rb"([1-9]\d{0,9})[\t\n\f\r ]{1,2}+(\d{1,5})[\t\n\f\r ]{1,2}+R" + _END + rb"|"
    rb"([+-]?\d{1,10}+)" + _END_OR_LAST + rb"|"
    rb"([+-]?(?:\d{1,10}+\.\d{0,20}+|\.\d{1,20}+))" + _END_OR_LAST + rb"|"
    rb"(<<)|(>>)|\[([-+.0-9\t\n\f\r ]*+)\]|(\[)|(\])|"
    rb"\(([ -'*-\[\]-~]*+)\)|"
    rb"\(((?:[^()\\]|\\(?:[nrtbf()\\]|[0-3][0-7]{2}|[0-7]{1,2}(?!\d)))*+)\)|"
    rb"<([0-9A-Fa-f\x00\t\n\f\r ]*+)>|"
    rb"(true|false|null)" + _END_OR_LAST + rb"|"
    rb"())"
)
(
    _NAME,
    _,
    _REFERENCE,
    _INTEGER,
    _REAL,
    _OPENS_DICTIONARY,
    _CLOSES_DICTIONARY,
    _NUMBERS,
    _OPENS_ARRAY,
    _CLOSES_ARRAY,
    _PLAIN_TEXT,
    _ESCAPED_TEXT,
    _DIGITS,
    _WORD,
    _NONE_OF_THEM,
) = range(1, 16)
_NUMBER: Final = re.compile(rb"([+-]?\d{1,10}+)|([+-]?(?:\d{1,10}+\.\d{0,20}+|\.\d{1,20}+))")
_LONGEST_REFERENCE: Final = 19
"""pyHanko looks at twenty octets for one, and at the one behind it."""
_AFTER_HEADER: Final = re.compile(rb"[\x00\t\n\f\r <\[(/%]")
HEADER: Final = re.compile(rb"([1-9]\d{0,9}) (\d{1,5}) obj(?=[\x00\t\n\f\r <\[(/%])")
_BEHIND: Final = _SPACE + GAP + rb"[^%\x00\t\n\f\r ]"
_CLOSING: Final = re.compile(GAP + rb"endobj" + _BEHIND)
_STREAM: Final = re.compile(GAP + rb"stream\r?\n")
_STREAM_END: Final = re.compile(
    rb"(?:\r\n|\n|\r)?endstream()" + _SPACE + GAP + rb"endobj" + _BEHIND
)
_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_LETTERS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_WHITE: Final = b"\x00\t\n\f\r "
_DEEPEST: Final = 48
_NAMES_KEPT: Final = 4_096
_names: dict[bytes, generic.NameObject] = {}
_Name: Final = generic.NameObject
_new_dictionary: Final = dict.__new__
_set_item: Final = dict.__setitem__
_new_integer: Final = int.__new__
_new_real: Final = Decimal.__new__


class Ambiguous(Exception):
    """It can be read in more than one way, or not at all: pyHanko decides."""


class Pointer(generic.IndirectObject):  # type: ignore[misc]  # a class of a library without types
    """A reference to an object, which asks its reader without making a `Reference` first."""

    def __init__(self, idnum: int, generation: int, pdf: Any) -> None:
        self._number, self._generation, self._pdf = idnum, generation, pdf

    @property
    def reference(self) -> generic.Reference:
        """What pyHanko asks with."""
        return generic.Reference(self._number, self._generation, self._pdf)

    @property
    def idnum(self) -> int:
        """The number of the object."""
        return self._number

    @property
    def generation(self) -> int:
        """The generation of the object."""
        return self._generation

    def get_object(self) -> Any:
        """What it refers to, also over several references."""
        return self._pdf.object_of(self._number, self._generation).get_object()

    def get_pdf_handler(self) -> Any:
        """Who has read it."""
        return self._pdf


def read_value(data: Octets, start: int, *, within: generic.Dereferenceable) -> tuple[Any, int]:
    """A value that begins at an offset, white space before it allowed.

    Takes   within: the object that it is a part of.
    Returns the value and where it ends; no dictionary of a stream.
    Raises  Ambiguous.
    """
    tokens = _TOKEN.finditer(data, start)
    hit = next(tokens)
    if hit.lastindex == _OPENS_DICTIONARY:
        return _dictionary(tokens, within, within.get_pdf_handler(), 0)
    if hit.lastindex == _OPENS_ARRAY:
        return _array(tokens, within, within.get_pdf_handler(), 0)
    return _single(hit, within, within.get_pdf_handler()), hit.end()


def _dictionary(
    tokens: Iterator[re.Match[bytes]], within: generic.Dereferenceable, handler: Any, depth: int
) -> tuple[generic.DictionaryObject, int]:
    """The rest of one that was opened, and where it ends."""
    if depth > _DEEPEST:
        raise Ambiguous
    made = _new_dictionary(generic.DictionaryObject)
    made.container_ref = within
    for hit in tokens:
        if hit.lastindex != _NAME:
            if hit.lastindex == _CLOSES_DICTIONARY:
                return made, hit.end()
            raise Ambiguous
        key = _names.get(hit[1]) or _name(hit[1])
        if key in made:
            raise Ambiguous
        found = next(tokens)
        kind = found.lastindex
        if kind == _NAME:
            value = _Name(_names.get(found[1]) or _name(found[1]))
            value.container_ref = within
        elif kind == _OPENS_DICTIONARY:
            value, _ = _dictionary(tokens, within, handler, depth + 1)
        elif kind == _OPENS_ARRAY:
            value, _ = _array(tokens, within, handler, depth + 1)
        else:
            value = _single(found, within, handler)
        _set_item(made, key, value)
    raise Ambiguous


def _array(
    tokens: Iterator[re.Match[bytes]], within: generic.Dereferenceable, handler: Any, depth: int
) -> tuple[generic.ArrayObject, int]:
    """The rest of one that was opened, and where it ends."""
    if depth > _DEEPEST:
        raise Ambiguous
    made = generic.ArrayObject()
    made.container_ref = within
    for hit in tokens:
        kind = hit.lastindex
        if kind == _NAME:
            value = _Name(_names.get(hit[1]) or _name(hit[1]))
            value.container_ref = within
            made.append(value)
        elif kind == _CLOSES_ARRAY:
            return made, hit.end()
        elif kind == _OPENS_DICTIONARY:
            made.append(_dictionary(tokens, within, handler, depth + 1)[0])
        elif kind == _OPENS_ARRAY:
            made.append(_array(tokens, within, handler, depth + 1)[0])
        else:
            made.append(_single(hit, within, handler))
    raise Ambiguous


def read_object(
    data: Octets,
    start: int,
    *,
    reference: generic.Reference,
    length_of: Callable[[generic.Reference], int],
) -> Any:
    """An object that stands by itself, at an offset and not beside it.

    Takes   reference: which one is expected; length_of: a number that is an object of its own.
    Raises  Ambiguous, also where another object stands.
    """
    header = b"%d %d obj" % (reference.idnum, reference.generation)
    behind = start + len(header)
    if data[start:behind] != header or not _AFTER_HEADER.match(data, behind):
        raise Ambiguous
    value, end = read_value(data, behind, within=reference)
    if _CLOSING.match(data, end):
        return value
    return read_stream(data, end, content=value, within=reference, length_of=length_of)[0]


def read_stream(
    data: Octets,
    end: int,
    *,
    content: Any,
    within: generic.Reference,
    length_of: Callable[[generic.Reference], int],
) -> tuple[generic.StreamObject, int]:
    """What stands behind a dictionary that ends there.

    Returns the stream, and where it ends with its last word.
    Raises  Ambiguous.
    """
    opening = _STREAM.match(data, end)
    if opening is None or type(content) is not generic.DictionaryObject:
        raise Ambiguous
    length: Any = dict.get(content, "/Length")
    if isinstance(length, generic.IndirectObject):
        length = length_of(length.reference)
    if type(length) is not generic.NumberObject and type(length) is not int:
        raise Ambiguous
    stop = opening.end() + length
    if not opening.end() <= stop <= len(data) or not (closing := _STREAM_END.match(data, stop)):
        raise Ambiguous
    stream = generic.StreamObject(encoded_data=bytes(data[opening.end() : stop]))
    dict.update(stream, content)
    stream.container_ref = within
    return stream, closing.end(1)


def _single(hit: re.Match[bytes], within: generic.Dereferenceable, handler: Any) -> Any:
    """A value that is one token."""
    kind = hit.lastindex
    if kind == _INTEGER:
        value: Any = _new_integer(generic.NumberObject, hit[4])
    elif kind == _REFERENCE:
        if hit.end() - hit.start(2) > _LONGEST_REFERENCE:
            raise Ambiguous
        value = Pointer(int(hit[2]), int(hit[3]), handler)
    elif kind == _NUMBERS:
        value = generic.ArrayObject(map(_number, hit[8].split()))
        for one in list.__iter__(value):
            one.container_ref = within
    elif kind == _REAL:
        value = _new_real(generic.FloatObject, hit[5].decode())
    elif kind == _NAME:
        value = _Name(_names.get(hit[1]) or _name(hit[1]))
    elif kind == _PLAIN_TEXT:
        value = generic.TextStringObject(hit[11].decode("ascii"))
        value.autodetected_encoding = generic.TextStringEncoding.PDF_DOC
    elif kind == _ESCAPED_TEXT:
        value = generic.pdf_string(_ESCAPE.sub(_unescaped, hit[12]))
    elif kind == _DIGITS:
        digits = hit[13].translate(None, _WHITE)
        value = generic.pdf_string(binascii.unhexlify(digits + b"0" * (len(digits) % 2)))
    elif kind == _WORD:
        is_null = hit[14] == b"null"
        value = generic.NullObject() if is_null else generic.BooleanObject(hit[14] == b"true")
    else:
        raise Ambiguous
    value.container_ref = within
    return value


def _number(said: bytes) -> Any:
    found = _NUMBER.fullmatch(said)
    if found is None:
        raise Ambiguous
    if found.lastindex == 1:
        return _new_integer(generic.NumberObject, said)
    return _new_real(generic.FloatObject, said.decode())


def _unescaped(hit: re.Match[bytes]) -> bytes:
    return bytes((int(hit[1], 8),)) if hit[1] else _LETTERS.get(hit[2], hit[2])


def _name(raw: bytes) -> generic.NameObject:
    """A name with its stroke, escapes resolved as pyHanko does."""
    try:
        found = generic._decode_name(raw[1:])  # noqa: SLF001  the library's own
    except PdfError as malformed:
        raise Ambiguous from malformed
    if len(_names) >= _NAMES_KEPT:
        _names.clear()
    _names[raw] = found
    return found
