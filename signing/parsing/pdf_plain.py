"""A PDF of which there is one reading: one revision, one table, and nothing beside its objects.

What lives here: `read_plain`, which finds objects in such a document, and `check_whole`, which goes
through all of it: each object ends before the next one begins, each stream where it says and where
its keyword stands, and nothing is named that is not there.  Whatever is not so is `Odd`, though
most readers would mend it: what is left looks the same to all of them.
Source: ISO 32000-2 §7.3 (objects), §7.5.2 to §7.5.5 (header, body, table, trailer).
Not here: documents with several revisions or with object streams (`pdf_sections`, `pdf_lax`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from signing.parsing.pdf_sections import Odd, last_section

_HEADER: Final = re.compile(rb"%PDF-(1\.[0-7]|2\.0)[\r\n]+(?:%[^\r\n]*[\r\n]+)*")
_TABLE: Final = re.compile(
    rb"xref ?(?:\r\n|\r|\n)0 (\d{1,7}) ?(?:\r\n|\r|\n)"
    rb"(0000000000 65535 f(?: \n| \r|\r\n)(?:\d{10} \d{5} [nf](?: \n| \r|\r\n))+)"
)
_ROW_BYTES: Final = 20
_MOST_OBJECTS: Final = 100_000
"""Some tenths of a second."""
_ROW: Final = re.compile(rb"(\d{10}) (\d{5}) ([nf])..", re.DOTALL)
_OBJECT: Final = re.compile(rb"(\d{1,10}) 0 obj(?![^\t\n\r \[<(/])")
_DELIMITED: Final = rb"(?=[\t\n\r ()<>\[\]/]|\Z)"
_TOKEN: Final = re.compile(
    rb"(?:[\t\n\r ]|%[0-9 ]*+[\r\n])*+(?:(?P<open><<)|(?P<close>>>)|(?P<array>\[)|(?P<end>\])"
    rb"|(?P<name>/[!\"$&'*+,\-.0-9:;=?@A-Z\\^_`a-z|~]+)" + _DELIMITED + rb"|(?P<value>(?:\d{1,10}"
    rb"[\t\n\r ]+0[\t\n\r ]+R|[+-]?(?:\d+\.?\d*|\.\d+)|true|false|null)" + _DELIMITED + rb""
    rb"|<[0-9A-Fa-f]*>|\([^()\\\r\n%\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]*\)))"
)
_DEEPEST: Final = 32
_STREAM: Final = re.compile(rb"stream\r?\n")
_LENGTH: Final = re.compile(
    rb"/Length[\t\n\r ]+(\d{1,10})(?:[\t\n\r ]+(0)[\t\n\r ]+R)?" + _DELIMITED
)
_STREAM_END: Final = re.compile(rb"[\t\n\r ]*(endstream)[\t\n\r ]+endobj[\t\n\r ]*")
_NUMBER: Final = re.compile(rb"\d{1,10} 0 obj[\t\n\r ]+(\d{1,10})[\t\n\r ]+endobj")
_SPACE_OCTETS: Final = b"\t\n\r "
_STRING: Final = re.compile(rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+(\)?)", re.DOTALL)
"""Also one that is not closed, so that its octets are gone through once."""
_DIGITS: Final = re.compile(rb"(<<|>>)|<[0-9A-Fa-f\t\n\r ]*>")
_COMMENT: Final = re.compile(rb"%[0-9 ]*+(?=[\r\n])")
"""A number, as some write beside a page; whatever else stands in a comment is thought about."""
_ESCAPED: Final = re.compile(rb"#(?!2[0-9A-Fa-f])")
"""An escape of a letter or a digit: what it escapes besides these is no part of a name of ours."""
_TEXT: Final = b"()"
"""What is left of a string."""
_BETWEEN: Final = b"\x01"
"""Between two objects; where it stands in one as well, both pieces have to be values."""
_NAME, _VALUE = b"\x02", b"\x03"
"""What is left of a name, and of any other value."""
_ANY_NAME: Final = re.compile(
    rb"/[!\"#$&'*+,\-.0-9:;=?@A-Z\\^_`a-z|~]++(?=[\t\n\r()<>\[\]/\x01 ]|\Z)"
)
_SCALAR: Final = re.compile(
    rb"(?:\d{1,7}[\t\n\r ]++0[\t\n\r ]++R|[+-]?(?:\d++\.?\d*+|\.\d++)|true|false|null)"
    rb"(?=[\t\n\r()<>\[\]/\x01\x02 ]|\Z)|\(\)"
)
_INNERMOST: Final = re.compile(rb"\[[\x02\x03]*+\]|<<(?:\x02[\x02\x03])*+>>")


@dataclass(frozen=True, slots=True)
class PlainPdf:
    """Where the objects of such a document stand.

    Takes   version: of the header; start: of the table; trailer: its entries as they stand; size:
            one more than the highest number; root: the number of the catalogue; rows: of the table.
    """

    data: bytes
    version: bytes
    start: int
    trailer: Mapping[str, bytes]
    size: int
    root: int
    rows: bytes

    def place(self, number: int) -> int:
        """Where an object begins that is there.  Raises Odd."""
        row = _ROW.match(self.rows, _ROW_BYTES * number)
        if row is None or row[3] != b"n" or row[2] != b"00000":
            raise Odd
        place = int(row[1])
        header = _OBJECT.match(self.data, place)
        if header is None or int(header[1]) != number:
            raise Odd
        return place

    def octets(self, number: int) -> bytes:
        """An object that is no stream, between its header and its end.  Raises Odd."""
        place = self.place(number)
        start = self.data.index(b"obj", place) + 3
        end = self.data.find(b"endobj", start)
        if end < 0:
            raise Odd
        return self.data[start:end].strip(_SPACE_OCTETS)

    def entries(self, number: int) -> Mapping[str, bytes]:
        """What stands in a dictionary that is an object.  Raises Odd."""
        return strict_entries(self.octets(number))


class Whole(NamedTuple):
    """How many objects there are; what stands in them, strings empty, and without streams."""

    objects: int
    inside: bytes


def read_plain(data: bytes) -> PlainPdf:
    """A document of which there is one reading, as far as its tables say.

    Raises  Odd.
    """
    header = _HEADER.match(data)
    section = last_section(data)
    table = _TABLE.match(data, section.start)
    if header is None or section.is_stream or table is None or "/Prev" in section.trailer:
        raise Odd
    size = int(table[1])
    if size > _MOST_OBJECTS or size != section.size or len(table[2]) != _ROW_BYTES * size:
        raise Odd
    if not data.startswith(b"trailer", table.end()):
        raise Odd
    return PlainPdf(
        data, header[1], section.start, section.trailer, size, section.root, rows=table[2]
    )


def strict_entries(octets: bytes) -> Mapping[str, bytes]:
    """The entries of a dictionary as they stand, each key once, read without a guess.

    Raises  Odd: also for names with escapes, strings with any, and comments with words.
    """
    found: dict[str, bytes] = {}
    inside: list[bool] = []
    wants_key = is_over = False
    at = begin = 0
    key = ""
    while not is_over:
        hit = _TOKEN.match(octets, at)
        if hit is None:
            raise Odd
        kind, at = hit.lastgroup, hit.end()
        if wants_key and kind == "name":
            if len(inside) == 1:
                key, begin = hit["name"].decode(), at
            wants_key = False
            continue
        if kind in {"open", "array"}:
            if wants_key or len(inside) > _DEEPEST or (not inside and kind == "array"):
                raise Odd
            inside.append(kind == "open")
            wants_key = inside[-1]
            continue
        if kind in {"close", "end"}:
            # a dictionary ends where a key could stand, an array anywhere
            if not inside or inside.pop() != (kind == "close") or wants_key != (kind == "close"):
                raise Odd
            is_over = not inside
        elif not inside or wants_key:
            raise Odd
        wants_key = bool(inside) and inside[-1]
        if len(inside) == 1:
            if key in found:
                raise Odd
            found[key] = octets[begin:at].strip(_SPACE_OCTETS)
    if at != len(octets):
        raise Odd
    return found


def check_whole(document: PlainPdf) -> Whole:
    """All of it, octet for octet: a header, objects one behind the other, the table.

    1. Each object that the table names begins where the one before it ended, and nothing else is
       there; so there is no other that somebody else may find.
    2. What is read of one object ends in it: a dictionary, an array or a string that stays open,
       or a stream that is longer than its object, would go on in whatever is appended.
    3. Names say what they say without their escapes; nothing stands in comments, and no value is
       spelled in a way that some take for a reference (`7.0 0 R`, `7 +0 R`, `7 0R`).

    Raises  Odd.
    """
    data = document.data
    rows = [row for row in enumerate(_ROW.findall(document.rows)) if row[1][2] == b"n"]
    places = sorted((int(place), number) for number, (place, _, _) in rows)
    header = _HEADER.match(data)
    # 1
    if header is None or not places or header.end() != places[0][0]:
        raise Odd
    if any(generation != b"00000" for _, (_, generation, _) in rows):
        raise Odd
    ends = [place for place, _ in places[1:]] + [document.start]
    heads = [
        _head(document, place, end, number)
        for (place, number), end in zip(places, ends, strict=True)
    ]
    # 2
    inside = _COMMENT.sub(b"", _BETWEEN.join(heads))
    if _has_digits(inside):
        inside = _COMMENT.sub(b"", _BETWEEN.join([_without_digits(head) for head in heads]))
    _check_values(inside)
    # 3
    is_text_over = inside.count(b"(") == inside.count(_TEXT) == inside.count(b")")
    if not is_text_over or b"%" in inside or _ESCAPED.search(inside):
        raise Odd
    return Whole(len(heads), inside)


def _head(document: PlainPdf, place: int, end: int, number: int) -> bytes:
    """An object between its header and its end, or its stream; strings are empty."""
    data = document.data
    header = _OBJECT.match(data, place, end)
    if header is None or int(header[1]) != number:
        raise Odd
    start = header.end()
    stream = data.find(b"stream", start, end)
    if stream >= 0:
        head = data[start:stream]
        if b"(" not in head:
            _check_stream(document, head, stream, end)
            return head
    head = data[start:end].rstrip(_SPACE_OCTETS)
    if b"(" in head:
        head = _STRING.sub(rb"(\1", head)
    if not head.endswith(b"endobj") or head.count(b"endobj") > 1 or b"stream" in head:
        raise Odd
    return head[:-6]


def _has_digits(head: bytes) -> bool:
    """Whether a bracket in it is of something else than what nests."""
    return 2 * head.count(b"<<") != head.count(b"<") or 2 * head.count(b">>") != head.count(b">")


def _without_digits(head: bytes) -> bytes:
    """Without strings of hexadecimal digits."""
    return _DIGITS.sub(lambda hit: hit[1] or _TEXT, head) if _has_digits(head) else head


def _check_stream(document: PlainPdf, head: bytes, at: int, end: int) -> None:
    data = document.data
    opening = _STREAM.match(data, at)
    said = _LENGTH.findall(head)
    if opening is None or len(said) != 1 or not head.rstrip(_SPACE_OCTETS).endswith(b">>"):
        raise Odd
    length, is_elsewhere = said[0]
    if is_elsewhere:
        number = _NUMBER.match(data, document.place(int(length)))
        if number is None:
            raise Odd
        length = number[1]
    closing = _STREAM_END.match(data, opening.end() + int(length), end)
    if closing is None or closing.end() != end:
        raise Odd
    if data.find(b"endstream", opening.end()) != closing.start(1):
        raise Odd


def _check_values(inside: bytes) -> None:
    # of a word that is none, or a key without a value, readers make what they like, and some go on
    # in what follows
    if _NAME in inside or _VALUE in inside or _has_digits(inside):
        raise Odd
    plain = _SCALAR.sub(_VALUE, _ANY_NAME.sub(_NAME, inside)).translate(None, _SPACE_OCTETS)
    shapes = _BETWEEN.join(set(plain.split(_BETWEEN)))
    for _ in range(_DEEPEST):
        if _INNERMOST.search(shapes) is None:
            break
        shapes = _INNERMOST.sub(_VALUE, shapes)
    if not set(shapes.split(_BETWEEN)) <= {_NAME, _VALUE}:
        raise Odd
