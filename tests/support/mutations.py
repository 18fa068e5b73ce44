"""What may become of a file on its way: small damages that parsers stumble over.

What lives here: `Damage` and `damages`, which draws some.  A damage says where by shares of the
file, so that one and the same fits any file; or goes on inside of one of its parts.
Not here: attacks that mean something (`pdf_attacks.py`, `xades_hands.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from tests.support.parts_of_files import parts_of

_TOKEN: Final = re.compile(rb"(?<![0-9A-Fa-f])[0-9]{1,10}(?![0-9A-Fa-f])")
_MOST_NUMBER: Final = (1 << 40) - 1
_NUMBERS: Final = (
    b"0", b"-1", b"1e9", b"2147483648", b"4294967295", b"18446744073709551616", b"9" * 400, b"",
)  # fmt: skip
_BINARY: Final = (
    b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x80", b"\x84\xff\xff\xff\xff", b"\x7f", b"\x1f",
)  # fmt: skip
_NESTS: Final = (
    (b"<<", b">>"), (b"[", b"]"), (b"(", b")"), (b"<a>", b"</a>"), (b"0\x80", b"\0\0"),
    (b"$\x80", b"\0\0"), (b"{", b"}"), (b"&a;", b""), (b"<!--", b""), (b"q ", b"Q "),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is done to a file.

    Takes   kind: a name of `KINDS`; at, to: places, as shares of the file; number: what else there
            is to choose.
    """

    kind: str
    at: float
    to: float
    number: int

    def do(self, raw: bytes, *, other: bytes) -> bytes:
        """The file with that done to it.

        Takes   other: a file to take from.
        """
        first, second = self.places(raw)
        if self.kind == "splice":
            start, end = self.places(other)
            return raw[:first] + other[start:end] + raw[second if self.number % 2 else first :]
        if self.kind == "inside":
            return self._inside(raw, other=other)
        return KINDS[self.kind](self, raw, first, second)

    def places(self, raw: bytes) -> tuple[int, int]:
        """From where to where."""
        first, second = sorted((int(self.at * len(raw)), int(self.to * len(raw))))
        return first, second

    def _inside(self, raw: bytes, *, other: bytes) -> bytes:
        """Something to a part of it; what has none is damaged as it is."""
        parts = parts_of(raw)
        kinds = (*KINDS, "inside", "inside", "inside") if parts else tuple(KINDS)
        left, which = divmod(self.number, len(kinds))
        left, chosen = divmod(left, max(len(parts), 1))
        inner = Damage(kinds[which], self.to, self.at, left)
        if not parts:
            return inner.do(raw, other=other)
        content, put = parts[chosen]
        return put(inner.do(content, other=other))


def _flip(one: Damage, raw: bytes, at: int, _to: int) -> bytes:
    if not raw:
        return raw
    at = min(at, len(raw) - 1)
    return raw[:at] + bytes([raw[at] ^ 1 << one.number % 8]) + raw[at + 1 :]


def _blow_up(one: Damage, raw: bytes, at: int, _to: int) -> bytes:
    found = _TOKEN.search(raw, at) or _TOKEN.search(raw)
    if found is None:
        return raw
    return raw[: found.start()] + _NUMBERS[one.number % len(_NUMBERS)] + raw[found.end() :]


def _overwrite(one: Damage, raw: bytes, at: int, _to: int) -> bytes:
    put = _BINARY[one.number % len(_BINARY)]
    return raw[:at] + put + raw[at + len(put) :]


def _nest(one: Damage, raw: bytes, at: int, to: int) -> bytes:
    opening, closing = _NESTS[one.number % len(_NESTS)]
    times = 10 ** (one.number % 5)
    return raw[:at] + opening * times + raw[at:to] + closing * times + raw[to:]


def _exchange(_one: Damage, raw: bytes, at: int, to: int) -> bytes:
    size = min(16, to - at, len(raw) - to)
    return (
        raw[:at]
        + raw[to : to + size]
        + raw[at + size : to]
        + raw[at : at + size]
        + raw[to + size :]
    )


KINDS: Final[Mapping[str, Callable[[Damage, bytes, int, int], bytes]]] = {
    "flip": _flip,
    "cut off": lambda _one, raw, at, _to: raw[:at],
    "cut out": lambda _one, raw, at, to: raw[:at] + raw[to:],
    "double": lambda _one, raw, at, to: raw[:to] + raw[at:to] + raw[to:],
    "blow up": _blow_up,
    "overwrite": _overwrite,
    "nest": _nest,
    "exchange": _exchange,
}


def damages() -> st.SearchStrategy[list[Damage]]:
    """One to three of them, one after the other."""
    shares = st.floats(0, 1, width=32)
    kinds = st.sampled_from((*KINDS, "splice", *["inside"] * len(KINDS)))
    return st.lists(
        st.builds(Damage, kinds, shares, shares, st.integers(0, _MOST_NUMBER)),
        min_size=1,
        max_size=3,
    )
