"""BER into DER, as far as a signature needs it: one length for everything.

What lives here: `to_definite`, which gives lengths that were left open their value, and puts
together octets that were cut in pieces.  Nothing else is touched: sets keep the order in which they
were written, so that what was signed stays what it was.
Source: X.690 §8.1.3, §8.1.4, §8.1.5, §8.7.3, §10.1.
Not here: types.  NOTE: this is done by the service itself.  Whoever did it behind the walls could
hand back the signature of another document, and only these same steps would find out.
"""

from __future__ import annotations

from typing import Final

from signing.formats.der import OCTET_STRING, DerMalformed, header

_CONSTRUCTED: Final = 0x20
_PIECES: Final = OCTET_STRING | _CONSTRUCTED
_HIGH_TAG: Final = 0x1F
_OPEN: Final = 0x80
_DEEPEST: Final = 48
_MOST_ELEMENTS: Final = 250_000
MAX_BYTES: Final = 128 << 20


def to_definite(raw: bytes | memoryview) -> bytes:
    """The only element of `raw` with all lengths definite and as short as can be.

    Zeros behind it are left away: they end lengths that others left open.
    Raises  DerMalformed, also for more elements, or deeper ones, than a signature has.
    """
    if len(raw) > MAX_BYTES:
        raise DerMalformed
    reader = _Reader(memoryview(raw))
    parts: list[bytes | memoryview] = []
    _, end = reader.element(0, len(raw), parts, depth=0)
    if any(raw[end:]):
        raise DerMalformed
    return b"".join(parts)


def written_parts(raw: bytes | memoryview, *path: int, most: int) -> list[memoryview]:
    """What an element consists of, as it was written.

    Takes   path: to the element, by its number among those on its level, level by level;
            most: so many parts at most, what follows is left away.
    Raises  DerMalformed.
    """
    view = memoryview(raw)
    reader = _Reader(view)
    at, end = 0, len(view)
    for number in (0, *path):
        for _ in range(number):
            _, at = reader.element(at, end, [], depth=0)
        tag, size, start = reader.header(at, end)
        if not tag & _CONSTRUCTED:
            raise DerMalformed
        at, end = start, end if size is None else start + size
    found: list[memoryview] = []
    while len(found) < most and at < end and view[at]:
        _, after = reader.element(at, end, [], depth=0)
        found.append(view[at:after])
        at = after
    return found


def written_element(view: memoryview, at: int, end: int) -> tuple[int, bool, list[tuple[int, int]]]:
    """The constructed element at a place: tag, whether its length was left open, its children.

    Returns children as places, each from its header to behind its end.
    Raises  DerMalformed.
    """
    reader = _Reader(view)
    tag, size, start = reader.header(at, end)
    if not tag & _CONSTRUCTED:
        raise DerMalformed
    at, stop = start, end if size is None else start + size
    found: list[tuple[int, int]] = []
    while at < stop and not (size is None and not any(view[at : at + 2])):
        _, after = reader.element(at, stop, [], depth=0)
        found.append((at, after))
        at = after
    return tag, size is None, found


class _Reader:
    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._left = _MOST_ELEMENTS

    def element(
        self, at: int, end: int, into: list[bytes | memoryview], *, depth: int
    ) -> tuple[int, int]:
        """One element: its parts go to `into`.  Returns their size and where the next one is."""
        tag, size, start = self.header(at, end)
        stop = end if size is None else start + size
        if not tag & _CONSTRUCTED:
            if size is None:
                raise DerMalformed
            head = header(tag, size)
            into += (head, self._view[start:stop])
            return len(head) + size, stop
        if depth == _DEEPEST:
            raise DerMalformed
        place = len(into)
        into.append(b"")  # its header, once its size is known
        if tag == _PIECES:
            whole, after = self._pieces(start, stop, into, is_open=size is None, depth=depth + 1)
            tag = OCTET_STRING
        else:
            whole, after = self._children(start, stop, into, is_open=size is None, depth=depth + 1)
        head = header(tag, whole)
        into[place] = head
        return len(head) + whole, after

    def _children(
        self, at: int, end: int, into: list[bytes | memoryview], *, is_open: bool, depth: int
    ) -> tuple[int, int]:
        whole = 0
        while not self._is_over(at, end, is_open=is_open):
            size, at = self.element(at, end, into, depth=depth)
            whole += size
        return whole, at + 2 if is_open else at

    def _pieces(
        self, at: int, end: int, into: list[bytes | memoryview], *, is_open: bool, depth: int
    ) -> tuple[int, int]:
        """An OCTET STRING in pieces, which may be in pieces themselves: their contents."""
        if depth == _DEEPEST:
            raise DerMalformed
        whole = 0
        while not self._is_over(at, end, is_open=is_open):
            tag, size, start = self.header(at, end)
            if tag == OCTET_STRING and size is not None:
                into.append(self._view[start : start + size])
                whole, at = whole + size, start + size
            elif tag == _PIECES:
                stop = end if size is None else start + size
                inner, at = self._pieces(start, stop, into, is_open=size is None, depth=depth + 1)
                whole += inner
            else:
                raise DerMalformed
        return whole, at + 2 if is_open else at

    def _is_over(self, at: int, end: int, *, is_open: bool) -> bool:
        if not is_open:
            return at == end
        if at + 2 > end:
            raise DerMalformed
        return self._view[at] == 0 and self._view[at + 1] == 0

    def header(self, at: int, end: int) -> tuple[int, int | None, int]:
        """Tag, size (None when it is left open) and where the contents begin."""
        self._left -= 1
        if self._left < 0 or at + 2 > end:
            raise DerMalformed
        tag, size = self._view[at], self._view[at + 1]
        if tag & _HIGH_TAG == _HIGH_TAG or tag == 0:
            raise DerMalformed
        start = at + 2
        if size == _OPEN:
            return tag, None, start
        if size > _OPEN:
            octets = size & 0x7F
            if octets > 8 or start + octets > end:
                raise DerMalformed
            size = int.from_bytes(self._view[start : start + octets], "big")
            start += octets
        if start + size > end:
            raise DerMalformed
        return tag, size, start
