"""The general appearance: who, when, why, and a code that leads to the verification page."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import segno

from signing.appearance.general import Details, draw_general
from signing.appearance.geometry import Page, Rectangle, points
from signing.appearance.surroundings import look_around
from signing.errors import DocumentRefused
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from tests.support.appearance_pages import HEIGHT, LAYOUTS, Layout, decision, picture, show
from tests.support.signatory import Hand

_PLAIN = LAYOUTS[0]
_DETAILS = Details(
    name="Nguyễn Thị Lấp Lánh Ánh",
    signed_at=datetime(2026, 11, 22, 2, 0, 5, tzinfo=UTC),
    issuer="Ấn Tín",
    verify_url="https://kiem-tra.example/verify/3f9c2b1a7d",
    reason="Phê duyệt hồ sơ",
    on_behalf_of="Công ty Mây Suối",
)
_CODE_MM = 21
_PADDING_PT = 4


def test_the_code_on_the_page_is_that_of_the_address(
    each_layout: Layout, isolation: Isolation, hand: Hand, now: datetime
) -> None:
    """Each module of the QR code, looked up in a picture of the signed page."""
    card = draw_general(isolation, _DETAILS, page=each_layout.page)
    document = show(decision(each_layout), card, isolation=isolation, hand=hand, now=now)
    image = picture(document, dpi=300).convert("L").point([255 * (v > 127) for v in range(256)])
    rows = list(segno.make(_DETAILS.verify_url, error="m", micro=False).matrix)
    module = points(_CODE_MM) / (len(rows) + 8)
    scale = image.height / HEIGHT
    left = card.seen.left + _PADDING_PT + 4 * module
    top = card.seen.centre[1] + points(_CODE_MM) / 2 - 4 * module
    for index, row in enumerate(rows):
        for at, is_dark in enumerate(row):
            place = (left + (at + 0.5) * module, HEIGHT - top + (index + 0.5) * module)
            found = image.getpixel((int(place[0] * scale), int(place[1] * scale)))
            assert found == (0 if is_dark else 255), (index, at)


def test_everything_that_is_said_can_be_read(isolation: Isolation, tmp_path: Path) -> None:
    file = tmp_path / "card.pdf"
    file.write_bytes(draw_general(isolation, _DETAILS, page=_PLAIN.page).drawing.read())
    text = subprocess.run(("pdftotext", file, "-"), capture_output=True, check=True).stdout.decode()
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines[1:6] == [
        "Nguyễn Thị Lấp Lánh Ánh",
        "Thay mặt: Công ty Mây Suối",
        "Thời gian ký: 22/11/2026; 09:00:05; +07:00",
        "Lý do: Phê duyệt hồ sơ",
        "Tổ chức cấp chứng thư: Ấn Tín",
    ]


def test_what_is_not_known_is_not_said(isolation: Isolation, tmp_path: Path) -> None:
    file = tmp_path / "card.pdf"
    details = replace(_DETAILS, reason=None, on_behalf_of=None)
    file.write_bytes(draw_general(isolation, details, page=_PLAIN.page).drawing.read())
    text = subprocess.run(("pdftotext", file, "-"), capture_output=True, check=True).stdout.decode()
    assert "Lý do" not in text
    assert "Thay mặt" not in text


def test_several_cards_stand_beside_each_other(isolation: Isolation) -> None:
    page = _PLAIN.page
    taken: list[Rectangle] = []
    for _ in range(7):
        seen = draw_general(isolation, _DETAILS, page=page, taken=taken).seen
        assert page.view.holds(seen)
        assert not any(seen.covers(other) for other in taken)
        taken.append(seen)


def test_lines_of_text_are_left_readable(isolation: Isolation) -> None:
    document, page = decision(_PLAIN), _PLAIN.page
    with Blob.of(document) as blob:
        lines = look_around(isolation, [blob], page=page).lines
    assert len(lines) > 10
    taken: list[Rectangle] = []
    for _ in range(4):
        seen = draw_general(isolation, _DETAILS, page=page, taken=taken, avoided=lines).seen
        assert not any(seen.covers(line) for line in lines)
        taken.append(seen)


def test_a_full_page_has_no_room_for_another(isolation: Isolation) -> None:
    page = _PLAIN.page
    with pytest.raises(DocumentRefused, match="appearance_no_room"):
        draw_general(isolation, _DETAILS, page=page, taken=[page.view])


def test_a_page_too_small_for_a_card_is_refused(isolation: Isolation) -> None:
    small = Rectangle(0, 0, 100, 100)
    with pytest.raises(DocumentRefused, match="appearance_no_room"):
        draw_general(isolation, _DETAILS, page=Page(0, small, small))


def test_a_box_that_was_given_is_filled(isolation: Isolation) -> None:
    box = Rectangle(100, 100, 320, 190)
    assert draw_general(isolation, _DETAILS, page=_PLAIN.page, box=box).seen == box


def test_long_words_shrink_before_they_are_refused(isolation: Isolation, tmp_path: Path) -> None:
    box = Rectangle(100, 100, 320, 190)
    reason = "Xác nhận đã đọc và đồng ý với toàn bộ nội dung của văn bản này"
    details = replace(_DETAILS, reason=reason)
    file = tmp_path / "card.pdf"
    file.write_bytes(draw_general(isolation, details, page=_PLAIN.page, box=box).drawing.read())
    text = subprocess.run(("pdftotext", file, "-"), capture_output=True, check=True).stdout.decode()
    assert reason in " ".join(text.split())
    with pytest.raises(DocumentRefused, match="appearance_text_too_long"):
        draw_general(isolation, replace(_DETAILS, reason=reason * 15), page=_PLAIN.page, box=box)


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        (Rectangle(500, 100, 720, 190), "appearance_off_page"),
        (Rectangle(100, 100, 130, 110), "appearance_no_room"),
        (Rectangle(320, 100, 100, 190), "appearance_no_room"),
    ],
)
def test_a_box_that_cannot_be_is_refused(box: Rectangle, reason: str, isolation: Isolation) -> None:
    with pytest.raises(DocumentRefused, match=reason):
        draw_general(isolation, _DETAILS, page=_PLAIN.page, box=box)
