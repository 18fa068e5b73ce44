"""Whether a document shows the same as before, once a signature is prepared in it.

What lives here: `check_unchanged`.  Whoever prepares a signature writes what is appended, and the
service cannot read it; a process in other hands could append something that is seen.  So another
process, which never prepares signatures, tells which pages can look different and draws these
before and after, and the service compares them octet by octet, outside of where the signature
itself is seen.  A signature that is seen nowhere may leave no page to be drawn.
Source: docs/adr/0020, 0027, 0042; ISO 32000-2 §12.8 (what is signed is what is shown).
Not here: which pages can (`signing/parsing/pdf_reach.py`), the drawing (`grey_pages.py` beside it).
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from typing import Final

from signing.errors import ParsingFailed
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.page_images import DRAW_GREY, GreyAsked, GreyDrawn
from signing.messages.pdf_signature import Appearance

MOST_PAGES: Final = 16
"""Where any page can differ, so many are compared, drawn by lot, and that of the signature."""

_DOTS_PER_INCH: Final = 20
"""A pixel is 1.3 mm wide and has 255 shades: what changes none of them, nobody sees on the page."""
_MOST_PIXELS: Final = 500_000
_SMALL_BYTES: Final = 1 << 17
"""So much goes along with what is asked; a memory file would cost more."""
_AT_ONCE: Final = 4
"""Pages in one job, twice each; a job has an end of its own."""
_LOT_BYTES: Final = 8
"""So much larger than any number of pages that each is as likely."""
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
    is_small = len(increment) <= _SMALL_BYTES
    with ExitStack() as held:
        inputs = [document]
        if not is_small:
            inputs.append(held.enter_context(Blob.of(increment)))
        for at in range(0, len(wanted), _AT_ONCE):
            asked = GreyAsked(
                wanted[at : at + _AT_ONCE],
                _DOTS_PER_INCH,
                _MOST_PIXELS,
                None if place is None else (place.page, *place.rectangle),
                looks=at == 0,
                increment=increment if is_small else b"",
            )
            drawn, output = isolation.run(DRAW_GREY, asked, inputs=inputs)
            with output:
                _check(asked, drawn, output, pages=pages)
            if drawn.is_told:
                break


def _check(asked: GreyAsked, drawn: GreyDrawn, output: Blob, *, pages: int) -> None:
    """What was drawn is what was asked for, and shows the same twice."""
    signed = None if asked.place is None else asked.place[0] % pages
    is_asked = drawn.drawn == asked.pages
    if drawn.is_unseen:
        is_asked = asked.looks and asked.place is None and drawn.is_told and not drawn.drawn
    elif drawn.is_told:
        is_few = 0 < len(set(drawn.drawn)) == len(drawn.drawn) <= len(asked.pages)
        is_asked = asked.looks and is_few and (signed is None or signed in drawn.drawn)
    sizes = drawn.sizes_before
    size = sum(width * height for width, height in sizes)
    if (
        not is_asked
        or (drawn.pages_before, drawn.pages_after) != (pages, pages)
        or len(sizes) != len(drawn.drawn)
        or sizes != drawn.sizes_after
        or not all(
            0 <= at < pages and min(one) > 0 for at, one in zip(drawn.drawn, sizes, strict=True)
        )
        or output.size != 2 * size
    ):
        raise ParsingFailed("contradiction")
    seen = output.read() if size else b""
    position = 0
    for at, (width, height) in zip(drawn.drawn, sizes, strict=True):
        end = position + width * height
        _compare(
            seen[position:end],
            seen[size + position : size + end],
            width=width,
            box=drawn.box if at == signed else None,
        )
        position = end


def _choose(pages: int, place: Appearance | None) -> tuple[int, ...]:
    if pages <= MOST_PAGES:
        return tuple(range(pages))
    chosen: set[int] = set()
    while len(chosen) < MOST_PAGES:
        lots = memoryview(secrets.token_bytes(MOST_PAGES * _LOT_BYTES)).cast("Q")
        chosen |= {lot % pages for lot in lots[: MOST_PAGES - len(chosen)]}
    if place is not None:
        chosen.add(place.page % pages)
    return tuple(sorted(chosen))


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
