"""The room between a title and a name is found where there is one, and never guessed."""

from __future__ import annotations

import unicodedata

import pytest
from reportlab.pdfgen.canvas import Canvas

from signing.appearance.anchors import Anchor, find_anchor
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from tests.support.appearance_pages import (
    LAYOUTS,
    MIDDLE,
    NAME,
    NAME_LINE,
    TITLE,
    TITLE_LINE,
    Extra,
    Layout,
    centred,
    decision,
)

_PLAIN = LAYOUTS[0]


def _find(
    isolation: Isolation,
    *,
    layout: Layout = _PLAIN,
    title: str = TITLE,
    name: str = NAME,
    extra: Extra | None = None,
    written: str = NAME,
) -> Anchor:
    with Blob.of(decision(layout, extra=extra, name=written)) as document:
        return find_anchor(isolation, [document], title=title, name=name, page=layout.page)


def test_title_and_name_are_found_on_every_kind_of_page(
    each_layout: Layout, isolation: Isolation
) -> None:
    anchor = _find(isolation, layout=each_layout)
    assert anchor.title.centre[0] == pytest.approx(MIDDLE, abs=1)
    assert anchor.name.centre[0] == pytest.approx(MIDDLE, abs=1)
    assert anchor.title.bottom == pytest.approx(TITLE_LINE, abs=4)
    assert anchor.name.bottom == pytest.approx(NAME_LINE, abs=4)
    assert anchor.room.top < anchor.title.bottom
    assert anchor.room.bottom > anchor.name.top


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_composed_or_not_capital_or_small_spaced_or_not(
    form: str, typed: str, isolation: Isolation
) -> None:
    anchor = _find(
        isolation,
        title=unicodedata.normalize(form, "  chủ  tịch "),
        name=unicodedata.normalize(form, "NGUYỄN THỊ LẤP LÁNH ÁNH"),
        written=unicodedata.normalize(typed, NAME),
    )
    assert anchor.name.centre[0] == pytest.approx(MIDDLE, abs=8)


def test_a_title_over_two_lines_is_found_as_one(isolation: Isolation) -> None:
    def two_lines(canvas: Canvas) -> None:
        centred(canvas, MIDDLE, TITLE_LINE + 32, "TM. ỦY BAN NHÂN DÂN")
        centred(canvas, MIDDLE, TITLE_LINE + 16, "KT. CHỦ TỊCH")

    anchor = _find(isolation, title="TM. ỦY BAN NHÂN DÂN KT. CHỦ TỊCH CHỦ TỊCH", extra=two_lines)
    assert anchor.title.bottom == pytest.approx(TITLE_LINE, abs=4)
    assert anchor.title.top > TITLE_LINE + 32


def test_a_hint_below_the_title_stays_readable(isolation: Isolation) -> None:
    def hint(canvas: Canvas) -> None:
        centred(canvas, MIDDLE, TITLE_LINE - 16, "(Ký, ghi rõ họ tên)")

    assert _find(isolation, extra=hint).room.top < TITLE_LINE - 18


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("GIÁM ĐỐC", NAME),
        (TITLE, "Trần Văn Sương Khói"),
        (TITLE, "Nguyễn Thị Lấp Lánh"),  # a part of the line is another name
        (NAME, TITLE),  # the wrong way round
        ("ỦY BAN NHÂN DÂN", NAME),  # in the other column
    ],
)
def test_what_is_not_there_is_refused(title: str, name: str, isolation: Isolation) -> None:
    with pytest.raises(DocumentRefused, match="appearance_anchor_missing"):
        _find(isolation, title=title, name=name)


def test_between_two_places_nobody_guesses(isolation: Isolation) -> None:
    def second(canvas: Canvas) -> None:
        centred(canvas, 150, 180, TITLE)
        centred(canvas, 150, 100, NAME)

    with pytest.raises(DocumentRefused, match="appearance_anchor_ambiguous"):
        _find(isolation, extra=second)


def test_two_signers_in_one_column_are_told_apart(isolation: Isolation) -> None:
    def below(canvas: Canvas) -> None:
        centred(canvas, MIDDLE, 160, TITLE)
        centred(canvas, MIDDLE, 80, "Trần Văn Sương Khói")

    anchor = _find(isolation, name="Trần Văn Sương Khói", extra=below)
    assert anchor.title.bottom == pytest.approx(160, abs=4)


def test_no_room_between_the_lines_is_refused(isolation: Isolation) -> None:
    def hints(canvas: Canvas) -> None:
        for up in range(236, 296, 12):
            centred(canvas, MIDDLE, up, "…")
            centred(canvas, MIDDLE, up, "(đã ký)")

    with pytest.raises(DocumentRefused, match="appearance_no_room"):
        _find(isolation, extra=hints)
