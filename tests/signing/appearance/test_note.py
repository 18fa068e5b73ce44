"""Attachments and copies: text alone, 10 pt, upper right corner of page 1."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signing.appearance.geometry import Rectangle, points
from signing.appearance.note import attachment_lines, copy_lines, draw_note, time_text
from signing.appearance.rules import ATTACHMENT, COPY, CopyForm
from signing.errors import DocumentRefused
from signing.isolation.task import Isolation
from tests.support.appearance_pages import (
    HEIGHT,
    LAYOUTS,
    WIDTH,
    Layout,
    black,
    decision,
    picture,
    show,
)
from tests.support.signatory import Hand

_PLAIN = LAYOUTS[0]
_SIGNED_AT = datetime(2026, 11, 22, 17, 0, 5, 999_999, tzinfo=UTC)
_NUMBER = "30/2026/QĐ-UBND"


def test_the_time_is_written_as_the_decree_orders_it() -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.8b: day month year; hour minute second; zone (ISO 8601)."""
    assert time_text(_SIGNED_AT) == "23/11/2026; 00:00:05; +07:00"


def test_the_words_are_those_of_the_decree() -> None:
    time = time_text(_SIGNED_AT)
    assert attachment_lines(_NUMBER, signed_at=_SIGNED_AT) == (_NUMBER, time)
    made = copy_lines(CopyForm.EXTRACT, agency="Sở Mẫu", signed_at=_SIGNED_AT)
    assert made == ("Trích sao", "Sở Mẫu", time)


def test_the_text_is_black_upright_10_pt_at_the_upper_right(
    each_layout: Layout, isolation: Isolation, hand: Hand, now: datetime, tmp_path: Path
) -> None:
    """NĐ 30/2020/NĐ-CP Annex I II.8b, III.1d: seen, and as another program extracts it."""
    lines = attachment_lines(_NUMBER, signed_at=_SIGNED_AT)
    note = draw_note(isolation, lines, page=each_layout.page)
    document = show(decision(each_layout), note, isolation=isolation, hand=hand, now=now)
    corner = Rectangle(WIDTH / 2, HEIGHT - points(20), WIDTH, HEIGHT)
    ink = black(picture(document), within=corner)
    assert WIDTH - ink.right == pytest.approx(points(ATTACHMENT.from_right_mm), abs=1.5)
    assert points(ATTACHMENT.from_top_mm) - 1 <= HEIGHT - ink.top <= points(10)
    assert ink.bottom > HEIGHT - points(20), "the upper margin is left"
    found = _extracted(document, tmp_path)
    assert [text for text, *_ in found[-2:]] == list(lines)
    for _, size, right, direction in found[-2:]:
        assert size == pytest.approx(10, abs=0.05)
        assert WIDTH - right == pytest.approx(points(ATTACHMENT.from_right_mm), abs=1)
        assert direction == "1 0"


def test_a_second_note_stands_where_the_first_one_does_not(isolation: Isolation) -> None:
    page, signed_at = _PLAIN.page, _SIGNED_AT
    first = draw_note(isolation, attachment_lines(_NUMBER, signed_at=signed_at), page=page)
    words = copy_lines(CopyForm.DUPLICATE, agency="Ủy ban nhân dân xã Mẫu", signed_at=signed_at)
    second = draw_note(isolation, words, page=page, taken=[first.seen], rule=COPY)
    assert not second.seen.covers(first.seen)
    heading = Rectangle(250, 750, 560, 782)
    third = draw_note(isolation, words, page=page, taken=[first.seen], avoided=[heading], rule=COPY)
    assert not third.seen.covers(first.seen)
    assert not third.seen.covers(heading)


def test_a_long_name_is_wrapped_and_never_cut(
    isolation: Isolation, hand: Hand, now: datetime, tmp_path: Path
) -> None:
    agency = "Ban Quản lý dự án đầu tư xây dựng công trình giao thông và nông nghiệp huyện Mẫu " * 2
    words = copy_lines(CopyForm.RE_ISSUE, agency=agency, signed_at=_SIGNED_AT)
    note = draw_note(isolation, words, page=_PLAIN.page, rule=COPY)
    assert note.seen.width <= points(COPY.most_width_mm)
    document = show(decision(_PLAIN), note, isolation=isolation, hand=hand, now=now)
    text = " ".join(text for text, *_ in _extracted(document, tmp_path))
    assert agency.strip() in text


def test_a_word_longer_than_a_line_is_wrapped_too(isolation: Isolation, tmp_path: Path) -> None:
    word = "Ấ" * 90
    note = draw_note(isolation, [word], page=_PLAIN.page)
    file = tmp_path / "note.pdf"
    file.write_bytes(note.drawing.read())
    text = subprocess.run(
        ("pdftotext", file, "-"), capture_output=True, check=True, text=True
    ).stdout
    assert "".join(text.split()) == word


def test_a_field_that_was_there_before_is_kept(isolation: Isolation) -> None:
    field = Rectangle(300, 780, 560, 830)
    note = draw_note(isolation, ["Sao y"], page=_PLAIN.page, field=field)
    assert note.seen == field


@pytest.mark.parametrize(
    "line", ["", " \n ", "tên \u202e đảo", "không\u0000", "\ue000", "株式会社"]
)
def test_what_cannot_be_written_is_refused(line: str, isolation: Isolation) -> None:
    with pytest.raises(DocumentRefused, match="appearance_letter_unknown"):
        draw_note(isolation, [line], page=_PLAIN.page)


@pytest.mark.parametrize("lines", [["dài " * 5_000], ["dài"] * 80])
def test_more_than_a_page_is_refused(lines: list[str], isolation: Isolation) -> None:
    with pytest.raises(DocumentRefused, match="appearance_text_too_long"):
        draw_note(isolation, lines, page=_PLAIN.page)


def test_a_field_too_small_for_its_text_is_refused(isolation: Isolation) -> None:
    with pytest.raises(DocumentRefused, match="appearance_text_too_long"):
        draw_note(isolation, ["Sao y"], page=_PLAIN.page, field=Rectangle(300, 780, 560, 785))


def _extracted(document: bytes, folder: Path) -> list[tuple[str, float, float, str]]:
    """Each line of page 1 as mutool sees it: text, size, right edge, direction."""
    file = folder / "signed.pdf"
    file.write_bytes(document)
    out = subprocess.run(
        ("mutool", "draw", "-q", "-F", "stext", file, "1"), capture_output=True, check=True
    ).stdout
    found = []
    for line in ET.fromstring(out.decode()).iter("line"):  # noqa: S314  from our own tool
        text = "".join(char.get("c", "") for char in line.iter("char")).strip()
        size = float(next(line.iter("font")).get("size", "0"))
        right = float(line.get("bbox", "").split()[2])
        found.append((text, size, right, line.get("dir", "")))
    return found
