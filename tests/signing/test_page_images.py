"""Pictures of pages: what is drawn, how large, and what is not believed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image

from signing.errors import DocumentRefused, ParsingFailed
from signing.isolation.blob import Blob
from signing.isolation.pool import IsolationPool
from signing.messages.page_images import PageDrawn
from signing.page_images import MOST_PIXELS, ImageFormat, PageImage, draw_page
from tests.support.handmade_pdf import plain_document
from tests.support.hostile_pdfs import encrypted
from tests.support.pdf_programs import NAMES

_BLACK = "0 0 0 rg"


def _draw(walls: IsolationPool, content: bytes, **asked: Any) -> PageImage:
    with Blob.of(content) as document:
        return draw_page(walls, document=document, **{"page": 0, "width": 300, **asked})


def _picture(drawn: PageImage) -> Image.Image:
    return Image.open(io.BytesIO(drawn.content)).convert("RGB")


def _painted(rectangle: str, *, page: str = "", box: str = "0 0 400 200") -> bytes:
    """A page with one black rectangle."""
    made = plain_document(page=page, box=box)
    made.put(4, f"<< /Length {len(_BLACK) + len(rectangle) + 7} >>\nstream\n"
                f"{_BLACK} {rectangle} re f\nendstream")  # fmt: skip
    return made.classic()


@pytest.mark.parametrize("name", NAMES)
def test_pages_of_every_program_are_drawn(walls, pdf_programs, name: str) -> None:
    drawn = _draw(walls, pdf_programs[name].content)
    assert drawn.width == 300
    assert _picture(drawn).size == (drawn.width, drawn.height)
    is_blank = len(set(_picture(drawn).resize((60, 60)).tobytes())) == 1
    assert is_blank == (name in {"pdfium-blank", "libreoffice-form"})


@pytest.mark.parametrize("image_format", ImageFormat)
def test_a_picture_is_in_the_format_that_was_asked_for(walls, image_format: ImageFormat) -> None:
    drawn = _draw(walls, plain_document().classic(), image_format=image_format)
    assert drawn.media_type == image_format.value
    opened = Image.open(io.BytesIO(drawn.content))
    assert opened.get_format_mimetype() == image_format.value


def test_a_page_is_drawn_turned_and_cropped_as_a_reader_shows_it(walls) -> None:
    # in the left lower quarter of what is shown; turned clockwise it comes to the left upper one
    content = _painted("100 50 50 25", page="/CropBox [100 50 200 100] /Rotate 90")
    picture = _picture(_draw(walls, content, width=100))
    assert picture.size == (100, 200)
    assert [picture.getpixel(at) for at in ((10, 20), (90, 20), (10, 180), (90, 180))] == [
        (0, 0, 0),
        (255, 255, 255),
        (255, 255, 255),
        (255, 255, 255),
    ]


def test_what_was_filled_into_a_form_is_drawn(walls) -> None:
    made = plain_document(
        catalog="/AcroForm << /Fields [6 0 R] /DR << /Font << /F1 3 0 R >> >> >>",
        page="/Annots [6 0 R]",
    )
    made.add(
        "<< /FT /Tx /T (name) /V (XXXXXX) /DA (/F1 40 Tf 0 g) /Subtype /Widget "
        "/Rect [100 600 400 660] /F 4 /AP << /N 7 0 R >> >>"
    )
    appearance = b"BT /F1 40 Tf 5 15 Td (XXXXXX) Tj ET"
    resources = "/Resources << /Font << /F1 3 0 R >> >>"
    made.add_stream(appearance, f"/Type /XObject /Subtype /Form /BBox [0 0 300 60] {resources}")
    picture = _picture(_draw(walls, made.classic(), width=595))
    field = picture.crop((100, 842 - 660, 400, 842 - 600))
    assert min(field.convert("L").tobytes()) < 100


def test_a_page_behind_the_last_is_refused(walls) -> None:
    content = plain_document(pages=2).classic()
    assert _draw(walls, content, page=1).pages == 2
    for page in (2, -1):
        with pytest.raises(DocumentRefused) as refusal:
            _draw(walls, content, page=page)
        assert refusal.value.reason == "no_such_page"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "damaged"), (b"GIF89a", "damaged"), (encrypted(user_word="b"), "encrypted")],
    ids=["nothing", "no PDF", "encrypted"],
)
def test_what_cannot_be_drawn_is_refused(walls, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        _draw(walls, content)
    assert refusal.value.reason == reason


def test_a_picture_is_never_larger_than_allowed(walls) -> None:
    for box in ("0 0 100 14400", "0 0 14400 100", "0 0 1 14400"):
        drawn = _draw(walls, plain_document(box=box).classic(), width=4_000)
        assert drawn.width * drawn.height <= MOST_PIXELS * 1.01
    assert _draw(walls, plain_document().classic(), width=10_000_000).width <= 4_000
    assert _draw(walls, plain_document().classic(), width=0).width == 1


class _Says:
    def __init__(self, drawn: PageDrawn, content: bytes) -> None:
        self._answer = drawn, content

    def run(self, _task: Any, _asked: Any, *, inputs: Sequence[Blob] = ()) -> Any:
        drawn, content = self._answer
        return drawn, Blob.of(content)


@pytest.mark.parametrize(
    ("drawn", "content"),
    [
        (PageDrawn(300, 400, 1), b"<script>"),
        (PageDrawn(300, 400, 1), b""),
        (PageDrawn(30_000, 400, 1), b"RIFF....WEBP"),
        (PageDrawn(300, -1, 1), b"RIFF....WEBP"),
        (PageDrawn(300, 400, 0), b"RIFF....WEBP"),
    ],
)
def test_what_is_no_such_picture_is_a_contradiction(drawn: PageDrawn, content: bytes) -> None:
    with Blob.of(b"a") as document, pytest.raises(ParsingFailed) as failure:
        draw_page(_Says(drawn, content), document=document, page=0, width=300)
    assert failure.value.reason == "contradiction"
