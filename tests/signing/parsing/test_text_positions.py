"""Lines are found whole, wherever the file has their letters."""

from __future__ import annotations

import io

import pytest
from reportlab.pdfgen.canvas import Canvas

from signing.errors import DocumentRefused
from signing.messages.text_positions import FindText, FoundText
from signing.parsing.text_positions import find_text
from tests.support.appearance_pages import LAYOUTS, TITLE, Extra, centred, decision


def _find(*wanted: str, extra: Extra | None = None, page: int = 0) -> FoundText:
    document = decision(LAYOUTS[0], extra=extra)
    middle = len(document) // 2
    parts = [memoryview(document)[:middle], memoryview(document)[middle:]]
    return find_text(FindText(page, wanted), parts, io.BytesIO())


def test_a_name_within_a_sentence_is_not_the_line() -> None:
    found = _find("Nguyễn Thị Lấp Lánh Ánh", "Điều 3. Giao bà Nguyễn Thị Lấp Lánh Ánh thi hành.")
    assert [len(places) for places in found.found] == [1, 1]


def test_columns_on_one_height_are_lines_of_their_own() -> None:
    assert [len(places) for places in _find("Nơi nhận:", TITLE, f"Nơi nhận: {TITLE}").found] == [
        1,
        1,
        0,
    ]


def test_letters_in_any_order_of_the_file_are_one_line() -> None:
    def scattered(canvas: Canvas) -> None:
        canvas.setFont("Plain", 13)
        for across, word in ((240, "ĐỐC"), (150, "PHÓ"), (184, "GIÁM")):
            canvas.drawString(across, 150, word)

    assert len(_find("Phó giám đốc", extra=scattered).found[0]) == 1


def test_every_place_is_told() -> None:
    def again(canvas: Canvas) -> None:
        centred(canvas, 150, 150, TITLE)

    assert len(_find(TITLE, extra=again).found[0]) == 2


def test_all_lines_of_the_page_are_told() -> None:
    lines = _find().lines
    assert len(lines) == 3 + 12 + 3
    assert all(line.left < line.right and line.bottom < line.top for line in lines)


def test_a_page_that_is_not_there_is_refused() -> None:
    for page in (1, -2):
        with pytest.raises(DocumentRefused, match="no_such_page"):
            _find(TITLE, page=page)
    assert len(_find(TITLE, page=-1).found[0]) == 1


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="damaged"):
        find_text(FindText(0, ("x",)), [memoryview(b"nothing")], io.BytesIO())


def test_more_text_than_a_person_can_sign_is_refused() -> None:
    def much(canvas: Canvas) -> None:
        canvas.setFont("Plain", 1)
        for up in range(100, 700, 6):
            for across in range(10, 580, 12):
                canvas.drawString(across, up, ".")

    with pytest.raises(DocumentRefused, match="too_much_text"):
        _find(TITLE, extra=much)
