"""What a reader sees of a signed revision and of the document as it is, compared.

What lives here: `compare_pictures`.  Pages are drawn behind the walls, small and in grey, and
compared here, octet by octet; where a difference is explained (a later signature, a field that was
filled) its place is left out, and it is looked at what it hides.
Source: ISO 32000-2 §12.8 (what is signed is what is shown); Mainka, Mladenov, Rohlmann, "Shadow
Attacks" (2021).
Not here: which pages, and what is explained (`pdf_changes`); drawing (`signing/parsing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from signing.errors import DocumentRefused, ParsingFailed
from signing.isolation.blob import Blob
from signing.isolation.task import READERS_OF_CHECKS, Isolation, for_pictures
from signing.messages.pdf_changes import DRAW_PAGES, MOST_DRAWN, DrawAsked, Spot

_DOTS_PER_INCH: Final = 40
_MOST_PIXELS: Final = 500_000
_MOST_DRAWN: Final = 1_000
"""Pages of all revisions of one document: some seconds."""
_AROUND: Final = 3
"""Pixels around a spot: the edge of what is drawn is spread over two."""
_INK: Final = bytes(1 if grey < 160 else 0 for grey in range(256))
_LEAST_INK: Final = 24
_MOST_HIDDEN: Final = 0.5
_LARGE_SHARE: Final = 0.3

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """A page: `rows` has a byte for each pixel."""

    width: int
    height: int
    rows: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """What comparing came to.

    Takes   differing: pages from 0 that are others outside of every spot; hiding: pages of which a
            spot covers much, and what stood there; covering: spots, by where they stand among those
            that were asked about, that hide what stood there.
    """

    differing: tuple[int, ...] = ()
    hiding: tuple[int, ...] = ()
    covering: tuple[int, ...] = ()


class Pictures:
    """Draws pages of revisions of one document, those of the document as it is only once.

    Whoever draws never reads a document: what it is taken over by cannot speak about others.
    """

    def __init__(self, document: Blob, *, isolation: Isolation) -> None:
        self._document, self._isolation = document, for_pictures(isolation, READERS_OF_CHECKS)
        self._drawn: dict[tuple[int, int], Picture] = {}
        self._is_hopeless = False
        self._left = _MOST_DRAWN

    def compare(self, end: int, *, pages: Sequence[int], spots: Sequence[Spot]) -> Seen:
        """The revision that ends there, and the document as it is.

        Raises  DocumentRefused, ParsingFailed: one of them cannot be drawn.
        """
        boxes = self._draw(end, pages, spots)
        self._draw(self._document.size, pages, ())
        differing: list[int] = []
        hiding: dict[int, None] = {}
        covering: list[int] = []
        for page in pages:
            before, after = self._drawn[end, page], self._drawn[self._document.size, page]
            if (before.width, before.height) != (after.width, after.height):
                differing.append(page)
                continue
            if before.rows == after.rows:
                continue
            around = {at: _widened(box, before) for at, box in boxes.get(page, {}).items()}
            if _differ(before, after, list(around.values())):
                differing.append(page)
            for at, box in around.items():
                if not _hides(before, after, box):
                    continue
                if _area(box) > _LARGE_SHARE * before.width * before.height:
                    hiding[page] = None
                else:
                    covering.append(at)
        return Seen(tuple(differing), tuple(hiding), tuple(covering))

    def _draw(
        self, end: int, pages: Sequence[int], spots: Sequence[Spot]
    ) -> Mapping[int, Mapping[int, Box]]:
        """Draw what is not drawn yet; where the spots are, by page and by their own number."""
        boxes: dict[int, dict[int, Box]] = {}
        missing = [page for page in pages if (end, page) not in self._drawn or spots]
        self._left -= len(missing)
        if self._left < 0:
            raise ParsingFailed("too_slow")
        for at in range(0, len(missing), MOST_DRAWN):
            several = tuple(missing[at : at + MOST_DRAWN])
            numbers = [number for number, spot in enumerate(spots) if spot[0] in several]
            here = tuple(spots[number] for number in numbers)
            asked = DrawAsked(end, several, _DOTS_PER_INCH, _MOST_PIXELS, here)
            answered, written = self._isolation.run(DRAW_PAGES, asked, inputs=(self._document,))
            with written:
                rows = written.read()
            wanted = sum(width * height for width, height in answered.sizes)
            sizes = answered.sizes
            if (
                len(sizes) != len(several)
                or wanted != len(rows)
                or len(here) != len(answered.boxes)
            ):
                raise ParsingFailed("contradiction")
            start = 0
            for page, (width, height) in zip(several, sizes, strict=True):
                if min(width, height) <= 0:
                    raise ParsingFailed("contradiction")
                picture = Picture(width, height, rows[start : start + width * height])
                self._drawn[end, page] = picture
                start += width * height
            for number, box in zip(numbers, answered.boxes, strict=True):
                boxes.setdefault(spots[number][0], {})[number] = box
        return boxes

    def try_compare(self, end: int, *, pages: Sequence[int], spots: Sequence[Spot]) -> Seen | None:
        """As `compare`; None where one of them cannot be drawn.

        A document that brought somebody down who draws is drawn no more: each attempt takes time.
        """
        if self._is_hopeless:
            return None
        try:
            return self.compare(end, pages=pages, spots=spots)
        except DocumentRefused:
            return None
        except ParsingFailed:
            self._is_hopeless = True
            return None


def _widened(box: Box, picture: Picture) -> Box:
    left, top, right, bottom = box
    return (
        max(0, left - _AROUND),
        max(0, top - _AROUND),
        min(picture.width, right + _AROUND),
        min(picture.height, bottom + _AROUND),
    )


def _differ(before: Picture, after: Picture, boxes: Sequence[Box]) -> bool:
    for row in range(before.height):
        start = row * before.width
        was, shown = (bytearray(one.rows[start : start + before.width]) for one in (before, after))
        if was == shown:
            continue
        for left, top, right, bottom in boxes:
            if top <= row < bottom and left < right:
                was[left:right] = shown[left:right] = bytes(right - left)
        if was != shown:
            return True
    return False


def _hides(before: Picture, after: Picture, box: Box) -> bool:
    """Whether much of what was drawn there is no longer seen."""
    ink, hidden = 0, 0
    for was, shown in _in_rows(before, after, box):
        dark = was.translate(_INK)
        ink += dark.count(1)
        if was != shown:
            pairs = zip(dark, was, shown, strict=True)
            hidden += sum(1 for is_ink, one, other in pairs if is_ink and abs(one - other) > 16)
    return hidden >= _LEAST_INK and hidden >= _MOST_HIDDEN * ink


def _in_rows(before: Picture, after: Picture, box: Box) -> Iterator[tuple[bytes, bytes]]:
    left, top, right, bottom = box
    for row in range(top, bottom):
        start = row * before.width
        yield (
            before.rows[start + left : start + right],
            after.rows[start + left : start + right],
        )


def _area(box: Box) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])
