"""What is prepared shows what was seen, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from signing.errors import ParsingFailed
from signing.formats.pades import PadesParties, PdfSignature, prepare_pades
from signing.intake import Intake
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool
from signing.messages.page_images import GreyDrawn
from signing.messages.pdf_signature import Appearance
from signing.parsing.pdf_reach import reached_pages
from signing.unchanged_pages import MOST_PAGES, check_unchanged
from tests.support.handmade_pdf import plain_document
from tests.support.hostile_pdfs import many_pages, redrawn
from tests.support.pdf_increments import append_objects
from tests.support.pdf_programs import NAMES
from tests.support.signatory import SIGNING_TIME, SigningPki

_INK = "0 0 0 rg 0 0 150 60 re f"


def _ink() -> bytes:
    made = plain_document(box="0 0 150 60")
    made.put(4, f"<< /Length {len(_INK)} >>\nstream\n{_INK}\nendstream")
    return made.classic()


def _prepared(
    walls: IsolationPool, pki: SigningPki, content: bytes, place: Appearance | None
) -> tuple[bytes, int]:
    """The increment of a signature, and how many pages there are."""
    with Blob.of(content) as document, Blob.of(_ink()) as ink:
        pages = len(Intake(walls).look_at_pdf(document).pages)
        prepared = prepare_pades(
            document,
            parties=PadesParties(walls),
            signatory=pki.citizen.signatory,
            now=SIGNING_TIME,
            signature=PdfSignature(place=place),
            drawn=None if place is None else ink,
        )
        return prepared.increment, pages


def _check(walls: Any, content: bytes, increment: bytes, pages: int, place: Any = None) -> None:
    with Blob.of(content) as document:
        check_unchanged(document, increment, pages=pages, place=place, isolation=walls)


@pytest.mark.parametrize("name", NAMES)
def test_a_signature_changes_nothing_but_its_own_place(
    walls: IsolationPool, pdf_programs, signing_pki: SigningPki, name: str
) -> None:
    content = pdf_programs[name].content
    for place in (None, Appearance(page=-1, rectangle=(50, 50, 200, 110))):
        increment, pages = _prepared(walls, signing_pki, content, place)
        _check(walls, content, increment, pages, place)
        reached = reached_pages(content, increment)
        assert reached is None or (0 if place is None else pages - 1) in reached
    with pytest.raises(ParsingFailed, match="contradiction"):
        _check(walls, content, increment, pages)  # it is seen, and was not to be
    elsewhere = Appearance(page=-1, rectangle=(50, 120, 200, 180))
    with pytest.raises(ParsingFailed, match="contradiction"):
        _check(walls, content, increment, pages, elsewhere)


def test_a_page_that_is_drawn_anew_is_noticed(walls: IsolationPool) -> None:
    """What a process in other hands would append for a document of somebody else."""
    content = plain_document().classic()
    increment = redrawn(content, "0 g 10 10 50 50 re f")
    with pytest.raises(ParsingFailed, match="contradiction"):
        _check(walls, content, increment, 1)


@pytest.mark.parametrize(
    "painting", ["0 g 100 100 0.5 4 re f", "0.2 w 100 100 m 102 100 l S", "0.8 g 100 100 1 1 re f"]
)
def test_a_stroke_of_a_digit_is_noticed(walls: IsolationPool, painting: str) -> None:
    """Pixels are larger than letters, and every shade of one counts."""
    blank = plain_document()
    blank.put(4, "<< /Length 3 >>\nstream\nq Q\nendstream")
    content = blank.classic()
    for room in ("", " " * 200_000):  # what is large comes by another way
        _check(walls, content, redrawn(content, f"q Q{room}"), 1)
        with pytest.raises(ParsingFailed, match="contradiction"):
            _check(walls, content, redrawn(content, f"{painting}{room}"), 1)


def test_of_many_pages_some_are_compared(walls: IsolationPool, signing_pki: SigningPki) -> None:
    content = many_pages(200)
    place = Appearance(page=100, rectangle=(0, 0, 10, 10))
    increment, pages = _prepared(walls, signing_pki, content, place)
    assert pages > MOST_PAGES
    _check(walls, content, increment, pages, place)


def test_one_changed_page_of_many_is_found(walls: IsolationPool) -> None:
    """It can be told which one that is, and nothing is left to chance."""
    content = many_pages(200)
    page = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Annots [205 0 R] >>"
    square = b"<< /Type /Annot /Subtype /Square /Rect [60 300 360 380] /IC [0.5] /F 4 >>"
    with pytest.raises(ParsingFailed, match="contradiction"):
        _check(walls, content, append_objects(content, {150: page, 205: square}), 200)


class _Says:
    """Answers as it was told, the last answer again and again."""

    def __init__(self, drawn: GreyDrawn, octets: bytes, *others: tuple[GreyDrawn, bytes]) -> None:
        self._said = [(drawn, octets), *others]

    def run(self, _task: Any, _asked: Any, *, inputs: Sequence[Blob] = ()) -> Any:
        drawn, octets = self._said.pop(0) if len(self._said) > 1 else self._said[0]
        return drawn, Blob.of(octets)


_SAID = GreyDrawn((0,), ((2, 2),), ((2, 2),), 1, 1)
_TOLD = GreyDrawn((2,), ((2, 2),), ((2, 2),), 3, 3, is_told=True)
_UNSEEN = GreyDrawn((), (), (), 1, 1, is_told=True, is_unseen=True)
_HIGH = Appearance(page=0, rectangle=(0, 0, 9, 9))


@pytest.mark.parametrize(
    ("drawn", "octets"),
    [
        (replace(_SAID, drawn=()), b""),
        (replace(_SAID, drawn=(1,)), b"abcdabcd"),
        (_SAID, b"abcdabc"),
        (_SAID, b"abcd"),
        (_SAID, b"abcdabce"),
        (replace(_SAID, pages_after=2), b"abcdabcd"),
        (replace(_SAID, pages_before=2, pages_after=2), b"abcdabcd"),
        (replace(_SAID, sizes_before=((-2, -2),), sizes_after=((-2, -2),)), b"abcdabcd"),
        (replace(_SAID, sizes_after=((4, 1),)), b"abcdabcd"),
        (replace(_SAID, sizes_before=((2, 2), (2, 2))), b"abcdabcd"),
        (replace(_UNSEEN, pages_after=2), b""),
        (replace(_UNSEEN, is_told=False), b""),
        (_UNSEEN, b"ab"),
        (replace(_UNSEEN, drawn=(0,), sizes_before=((2, 2),), sizes_after=((2, 2),)), b"abcdabcd"),
    ],
)
def test_pages_that_cannot_be_are_a_contradiction(drawn: GreyDrawn, octets: bytes) -> None:
    _check(_Says(_SAID, b"abcdabcd"), b"%PDF", b"", 1)
    with pytest.raises(ParsingFailed, match="contradiction"):
        _check(_Says(drawn, octets), b"%PDF", b"", 1)


@pytest.mark.parametrize(
    ("drawn", "octets"),
    [
        (replace(_TOLD, drawn=(), sizes_before=(), sizes_after=()), b""),
        (replace(_TOLD, drawn=(3,)), b"abcdabcd"),
        (
            replace(_TOLD, drawn=(2, 2), sizes_before=((1, 1),) * 2, sizes_after=((1, 1),) * 2),
            b"aaaa",
        ),
        (replace(_TOLD, is_told=False), b"abcdabcd"),
    ],
)
def test_pages_that_are_told_are_among_those_there_are(drawn: GreyDrawn, octets: bytes) -> None:
    _check(_Says(_TOLD, b"abcdabcd"), b"%PDF", b"", 3)
    with pytest.raises(ParsingFailed, match="contradiction"):
        _check(_Says(drawn, octets), b"%PDF", b"", 3)


def test_which_pages_can_differ_is_told_at_once_or_not_at_all() -> None:
    first = replace(
        _SAID, drawn=(0, 1, 2, 3), sizes_before=((1, 1),) * 4, sizes_after=((1, 1),) * 4
    )
    first = replace(first, pages_before=5, pages_after=5)
    last = replace(_SAID, drawn=(4,), pages_before=5, pages_after=5)
    _check(_Says(first, b"aaaaaaaa", (last, b"abcdabcd")), b"%PDF", b"", 5)
    late = replace(last, is_told=True)
    with pytest.raises(ParsingFailed, match="contradiction"):
        _check(_Says(first, b"aaaaaaaa", (late, b"abcdabcd")), b"%PDF", b"", 5)


def test_a_page_is_left_undrawn_only_where_nothing_of_the_signature_is_seen() -> None:
    _check(_Says(_UNSEEN, b""), b"%PDF", b"", 1)
    with pytest.raises(ParsingFailed, match="contradiction"):
        _check(_Says(_UNSEEN, b""), b"%PDF", b"", 1, _HIGH)


def test_the_page_of_a_signature_that_is_seen_is_always_drawn() -> None:
    with pytest.raises(ParsingFailed, match="contradiction"):
        _check(_Says(_TOLD, b"abcdabcd"), b"%PDF", b"", 3, _HIGH)
