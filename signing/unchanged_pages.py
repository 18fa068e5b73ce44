"""Whether a document shows the same as before, once a signature is prepared in it.

What lives here: `check_unchanged`.  Whoever prepares a signature writes what is appended, and the
service cannot read it; a process in other hands could append something that is seen.  So another
process, which never prepares signatures, draws the pages before and after, and the service
compares them octet by octet, outside of where the signature itself is seen.
Source: docs/adr/0020; ISO 32000-2 §12.8 (what is signed is what is shown).
Not here: the drawing (`signing/parsing/grey_pages.py`).
"""

from __future__ import annotations

import secrets
from typing import Final

from signing.errors import ParsingFailed
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.page_images import DRAW_GREY, GreyAsked, GreyDrawn
from signing.messages.pdf_signature import Appearance

MOST_PAGES: Final = 16
"""Of a document with more, so many are compared, drawn by lot, and the page of the signature."""

_DOTS_PER_INCH: Final = 20
"""A pixel is 1.3 mm wide and has 255 shades: what changes none of them, nobody sees on the page."""
_MOST_PIXELS: Final = 500_000
_AT_ONCE: Final = 8
"""Pages in one job, which has an end of its own."""
_AROUND: Final = 2
"""Pixels around the place of the signature: the edge of what is drawn is spread over two."""


def check_unchanged(
    document: Blob,
    increment: bytes,
    *,
    pages: int,
    place: Appearance | None,
    isolation: Isolation,
) -> None:
    """The pages show the same with the increment, but for the place of the signature.

    Takes   pages: how many there are; place: None where nothing of the signature is seen;
            isolation: of somebody who prepares no signatures.
    Raises  ParsingFailed("contradiction"); DocumentRefused.
    """
    wanted = _choose(pages, place)
    for at in range(0, len(wanted), _AT_ONCE):
        asked = GreyAsked(
            wanted[at : at + _AT_ONCE],
            _DOTS_PER_INCH,
            _MOST_PIXELS,
            None if place is None else (place.page, *place.rectangle),
        )
        _check(asked, document, increment, pages=pages, isolation=isolation)


def _check(
    asked: GreyAsked, document: Blob, increment: bytes, *, pages: int, isolation: Isolation
) -> None:
    before, seen_before = _draw(asked, (document,), isolation=isolation)
    with Blob.of(increment) as appended:
        after, seen_after = _draw(asked, (document, appended), isolation=isolation)
    if (before.sizes, before.pages) != (after.sizes, after.pages) or before.pages != pages:
        raise ParsingFailed("contradiction")
    position = 0
    for at, (width, height) in zip(asked.pages, before.sizes, strict=True):
        end = position + width * height
        is_signed = asked.place is not None and asked.place[0] % pages == at
        _compare(
            seen_before[position:end],
            seen_after[position:end],
            width=width,
            box=before.box if is_signed else None,
        )
        position = end


def _choose(pages: int, place: Appearance | None) -> tuple[int, ...]:
    if pages <= MOST_PAGES:
        return tuple(range(pages))
    chosen = set(secrets.SystemRandom().sample(range(pages), MOST_PAGES))
    if place is not None:
        chosen.add(place.page % pages)
    return tuple(sorted(chosen))


def _draw(
    asked: GreyAsked, inputs: tuple[Blob, ...], *, isolation: Isolation
) -> tuple[GreyDrawn, bytes]:
    drawn, output = isolation.run(DRAW_GREY, asked, inputs=inputs)
    with output:
        size = sum(width * height for width, height in drawn.sizes)
        is_whole = len(drawn.sizes) == len(asked.pages) and output.size == size
        if not is_whole or not all(min(one) > 0 for one in drawn.sizes):
            raise ParsingFailed("contradiction")
        return drawn, output.read()


def _compare(
    before: bytes, after: bytes, *, width: int, box: tuple[int, int, int, int] | None
) -> None:
    if before == after:
        return
    if box is None:
        raise ParsingFailed("contradiction")
    left, top, right, bottom = box
    left, right = max(0, left - _AROUND), max(0, right + _AROUND)
    for row, start in enumerate(range(0, len(before), width)):
        was, shown = before[start : start + width], after[start : start + width]
        if top - _AROUND <= row <= bottom + _AROUND:
            was, shown = was[:left] + was[right:], shown[:left] + shown[right:]
        if was != shown:
            raise ParsingFailed("contradiction")
