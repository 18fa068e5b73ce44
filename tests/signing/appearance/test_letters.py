"""Every Vietnamese letter can be read, selected and searched, however it was typed."""

from __future__ import annotations

import subprocess
import unicodedata
from datetime import datetime
from pathlib import Path

import pypdfium2
import pytest

from signing.appearance.general import Details, draw_general
from signing.appearance.note import draw_note
from signing.isolation.task import Isolation
from signing.parsing.fonts import vietnamese_letters
from tests.support.appearance_pages import LAYOUTS, decision, show
from tests.support.signatory import Hand

_PAGE = LAYOUTS[0].page
_WORDS = " ".join(
    vietnamese_letters()[start : start + 8] for start in range(0, len(vietnamese_letters()), 8)
)


def _details(name: str, now: datetime) -> Details:
    return Details(
        name=name,
        signed_at=now,
        issuer="Ấn Tín",
        reason=_WORDS,
        verify_url="https://kiem-tra.example/v/1",
    )


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("kind", ["note", "general"])
def test_all_134_letters_are_extracted(
    form: str, kind: str, isolation: Isolation, hand: Hand, now: datetime, tmp_path: Path
) -> None:
    """By pdftotext, by mutool and by PDFium, from the signed document."""
    assert len(set(vietnamese_letters())) == 134
    words = unicodedata.normalize(form, _WORDS)
    if kind == "note":
        visible = draw_note(isolation, [words], page=_PAGE)
    else:
        visible = draw_general(isolation, _details(words, now), page=_PAGE)
    document = show(decision(LAYOUTS[0]), visible, isolation=isolation, hand=hand, now=now)
    file = tmp_path / "signed.pdf"
    file.write_bytes(document)
    for tool in (("pdftotext", file, "-"), ("mutool", "draw", "-q", "-F", "txt", file)):
        text = subprocess.run(tool, capture_output=True, check=True).stdout.decode()
        _check(text, by=str(tool[0]))
    with pypdfium2.PdfDocument(document) as opened:
        opened.init_forms()
        opened[0].flatten()
        _check(opened[0].get_textpage().get_text_range(), by="pdfium")


def test_composed_or_not_the_drawing_is_the_same(isolation: Isolation, now: datetime) -> None:
    made = {
        draw_general(
            isolation, _details(unicodedata.normalize(form, _WORDS), now), page=_PAGE
        ).drawing.read()
        for form in ("NFC", "NFD")
    }
    assert len(made) == 1


def test_letters_of_smaller_peoples_are_written_too(
    isolation: Isolation, now: datetime, tmp_path: Path
) -> None:
    """Marks that no composed letter has stand on their letter and stay with it."""
    name = "Y Kơ̆ Ƀuôn Yă H'Lê̆ Ñơr"
    for visible in (
        draw_general(isolation, _details(name, now), page=_PAGE),
        draw_note(isolation, [name], page=_PAGE),
    ):
        file = tmp_path / "drawn.pdf"
        file.write_bytes(visible.drawing.read())
        for tool in (("pdftotext", file, "-"), ("mutool", "draw", "-q", "-F", "txt", file)):
            text = subprocess.run(tool, capture_output=True, check=True).stdout.decode()
            assert unicodedata.normalize("NFC", name) in unicodedata.normalize("NFC", text)


def _check(text: str, *, by: str) -> None:
    found = " ".join(text.split())
    assert _WORDS in found, by
    assert unicodedata.is_normalized("NFC", found), by
