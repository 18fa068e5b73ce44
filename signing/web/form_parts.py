"""The parts of a form, read strictly and in large pieces.

What lives here: `read_parts`, for forms of browsers and of programs alike.  A form has one reading
or none: its boundary stands at the beginnings of lines and nowhere else, lines end with CR LF,
every part says once what it is, and nothing but an empty line comes before the first part or after
the last.  Files go into memory files without a name while they come in; what is held of them is a
piece of 1 MiB.
Source: RFC 7578 (multipart/form-data); RFC 2046 §5.1.1 (boundaries).
Not here: which parts somebody wants (`form_files.py`, `request_body.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, Final

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.wrappers import Request

from signing.errors import RequestRefused
from signing.isolation.blob import Blob

_PIECE: Final = 1 << 20
_MOST_HEAD: Final = 8 * 1024
"""Of all header fields of one part."""
_LINE: Final = b"\r\n"
_END_OF_HEAD: Final = b"\r\n\r\n"
_BOUNDARY: Final = re.compile(rb"[ -~]{0,199}[!-~]")
"""RFC 2046 §5.1.1: the last of them is no space.  The standard has fewer letters, and seventy at
most; programs are about that take others, or make theirs of a time and a random number."""
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*)")
_USUAL: Final = re.compile(r'form-data; name="([^"\\%]+)"(?:; filename="([^"\\%]*)")?')
"""What nearly everybody writes; names that are spelt in another way are left to werkzeug."""
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*+"')
_TWICE: Final = re.compile(r";[ \t]*(name|boundary)\b.*;[ \t]*\1\b", re.IGNORECASE)
"""However it is spelled (`name*=`, `name*0=`): who reads it first and who last differ."""
_CHARSETS: Final = frozenset({"ascii", "us-ascii", "utf-8", "iso-8859-1"})


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part: the text of a field, or a file with the name that it was given.

    Takes   content: of a file, closed by whoever holds the form.
    """

    name: str
    text: str = field(default="", repr=False)
    file_name: str = field(default="", repr=False)
    content: Blob | None = None


def read_parts(
    request: Request, *, max_bytes: int, most_text: int, most_parts: int, held: ExitStack
) -> tuple[FormPart, ...]:
    """The parts of a form in their order.

    Takes   max_bytes: of the whole body; most_text: of one field that is no file; held: closes the
            files.
    Raises  RequestRefused (malformed, length_required); RequestEntityTooLarge: of more bytes, parts
            or text.
    """
    size = request.content_length
    if size is None:
        raise RequestRefused("length_required")
    if size > max_bytes:
        raise RequestEntityTooLarge
    body = _Body(request.environ["wsgi.input"], size=size, boundary=_boundary(request))
    found: list[FormPart] = []
    while body.has_part():
        if len(found) == most_parts:
            raise RequestEntityTooLarge
        name, file_name, charset = _read_head(body.head())
        if file_name is None:
            found.append(FormPart(name, text=_text(body, charset=charset, most=most_text)))
        else:
            blob = held.enter_context(Blob.of_chunks(body.content()))
            found.append(FormPart(name, file_name=file_name, content=blob))
    return tuple(found)


class _Body:
    """A body between its boundaries.

    Every occurrence of the boundary is one, or the form is malformed: whoever makes a form chooses
    a boundary that its content does not have (RFC 2046 §5.1).
    """

    def __init__(self, stream: IO[bytes], *, size: int, boundary: bytes) -> None:
        self._stream = stream
        self._left = size
        self._dash = b"--" + boundary
        self._held = b""
        self._at = 0
        self._need(len(_LINE) + len(self._dash))
        if self._held.startswith(_LINE):  # in front of every boundary, for some
            self._at = len(_LINE)
        if not self._held.startswith(self._dash, self._at):
            raise RequestRefused("malformed")
        self._at += len(self._dash)

    def has_part(self) -> bool:
        """Whether a part begins where a boundary was read; the end is the end of the body."""
        self._need(len(_LINE))
        end = self._at + len(_LINE)
        after = self._held[self._at : end]
        self._at = end
        if after == _LINE:
            return True
        if after != b"--":
            raise RequestRefused("malformed")
        after_all = len(self._held) - self._at + self._left
        if after_all > len(_LINE):  # whatever it is, it is not read
            raise RequestRefused("malformed")
        self._need(after_all)
        if self._held[self._at :] not in {b"", _LINE}:
            raise RequestRefused("malformed")
        return False

    def head(self) -> bytes:
        """The header fields of a part, without the empty line that ends them."""
        while (end := self._held.find(_END_OF_HEAD, self._at, self._at + _MOST_HEAD)) < 0:
            if len(self._held) - self._at >= _MOST_HEAD:
                raise RequestEntityTooLarge
            self._more()
        head = self._held[self._at : end]
        self._at = end + len(_END_OF_HEAD)
        return head

    def content(self) -> Iterator[memoryview]:
        """What a part consists of, in pieces, up to the next boundary.

        What is given is to be used before the next one is asked for.
        """
        tail = len(self._dash) + len(_LINE) - 1
        self._need(len(self._dash))
        if self._held.startswith(self._dash, self._at):
            # the empty line is the end of the header and the line of the boundary at once
            self._at += len(self._dash)
            return
        while (found := self._held.find(self._dash, self._at)) < 0:
            safe = len(self._held) - tail
            if safe > self._at:
                yield memoryview(self._held)[self._at : safe]
                self._at = safe
            self._more()
        end = found - len(_LINE)
        if end < self._at or self._held[end:found] != _LINE:
            raise RequestRefused("malformed")
        yield memoryview(self._held)[self._at : end]
        self._at = found + len(self._dash)

    def _need(self, number: int) -> None:
        while len(self._held) - self._at < number:
            self._more()

    def _more(self) -> None:
        piece = self._stream.read(min(self._left, _PIECE)) if self._left else b""
        if not piece:
            raise RequestRefused("malformed")  # cut off
        self._left -= len(piece)
        rest = self._held[self._at :]
        self._held = rest + piece if rest else piece
        self._at = 0


def _boundary(request: Request) -> bytes:
    if _TWICE.search(_QUOTED.sub("", request.content_type or "")):
        raise RequestRefused("malformed")
    try:
        boundary = request.mimetype_params.get("boundary", "").encode("ascii")
    except UnicodeEncodeError as malformed:
        raise RequestRefused("malformed") from malformed
    if _BOUNDARY.fullmatch(boundary) is None:
        raise RequestRefused("malformed")
    return boundary


def _read_head(head: bytes) -> tuple[str, str | None, str]:
    """Name, name of the file where it is one, and charset.  RFC 7578 §4.2, §4.4, §5.1.2."""
    fields: dict[bytes, str] = {}
    for line in head.split(_LINE):
        matched = _FIELD.fullmatch(line)
        if matched is None:
            raise RequestRefused("malformed")
        name, value = matched[1].lower(), matched[2]
        if name in fields:
            raise RequestRefused("malformed")
        try:
            fields[name] = value.decode()
        except UnicodeDecodeError as malformed:
            raise RequestRefused("malformed") from malformed
    disposition = fields.get(b"content-disposition", "")
    usual = _USUAL.fullmatch(disposition)
    if usual is not None:
        field_name, file_name = usual[1], usual[2]
    else:
        kind, given = parse_options_header(disposition)
        is_twice = _TWICE.search(_QUOTED.sub("", disposition)) is not None
        if is_twice or kind.lower() != "form-data" or not given.get("name"):
            raise RequestRefused("malformed")
        field_name, file_name = given["name"], given.get("filename")
    charset = ""
    media_type = fields.get(b"content-type", "")
    if "charset" in media_type.lower():
        charset = parse_options_header(media_type)[1].get("charset", "").lower()
    return field_name, file_name, charset if charset in _CHARSETS else "utf-8"


def _text(body: _Body, *, charset: str, most: int) -> str:
    held = bytearray()
    for piece in body.content():
        held += piece
        if len(held) > most:
            raise RequestEntityTooLarge
    try:
        return held.decode(charset)
    except UnicodeDecodeError as malformed:
        raise RequestRefused("malformed") from malformed
