"""Pages on which somebody signs, and what can be measured on them once it is drawn.

What lives here: a decision with title and name at known places, on a page that is turned, cropped
or scaled; `show`, which signs it with a visible signature; pictures of a page and the box of all
ink of one colour on it.
Not here: signatures and seals themselves (`seals`).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Final

import pypdfium2
from PIL import Image, ImageChops
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from signing.appearance.geometry import Page, Rectangle
from signing.appearance.visible import Visible
from signing.formats.pades import PadesParties, PdfSignature, finish_pades, join, prepare_pades
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.pdf_intake import PageShape
from tests.support.signatory import Hand

WIDTH: Final = 595.0
HEIGHT: Final = 842.0
MIDDLE: Final = 420.0
"""Across: the middle of title and name."""
TITLE: Final = "CHỦ TỊCH"
NAME: Final = "Nguyễn Thị Lấp Lánh Ánh"
TITLE_LINE: Final = 302.0
NAME_LINE: Final = 222.0
DPI: Final = 200
_SIZE: Final = 13
_ORIGIN: Final = (37.0, 53.0)
_AROUND: Final = 100.0

Extra = Callable[[Canvas], None]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file writes a page that looks the same each time: A4, upright."""

    name: str
    rotation: int = 0
    is_cropped: bool = False
    user_unit: float = 1.0

    @property
    def shape(self) -> PageShape:
        """Its facts as intake gives them."""
        page = self.page
        seen = page.visible
        return PageShape(
            seen.left, seen.bottom, seen.right, seen.top, page.rotation, page.user_unit
        )

    @property
    def page(self) -> Page:
        """Its facts, written down by hand."""
        across, up = (HEIGHT, WIDTH) if self.rotation in {90, 270} else (WIDTH, HEIGHT)
        across, up = across / self.user_unit, up / self.user_unit
        if not self.is_cropped:
            box = Rectangle(0, 0, across, up)
            return Page(0, box, box, self.rotation, self.user_unit)
        left, bottom = _ORIGIN
        return Page(
            0,
            Rectangle(0, 0, across + _AROUND, up + _AROUND),
            Rectangle(left, bottom, left + across, bottom + up),
            self.rotation,
            self.user_unit,
        )


LAYOUTS: Final = (
    Layout("plain"),
    Layout("turned-90", rotation=90),
    Layout("turned-180", rotation=180),
    Layout("turned-270", rotation=270),
    Layout("cropped", is_cropped=True),
    Layout("cropped-turned-90", rotation=90, is_cropped=True),
    Layout("cropped-turned-270", rotation=270, is_cropped=True),
    Layout("scaled", user_unit=2.0),
)


def decision(layout: Layout, *, extra: Extra | None = None, name: str = NAME) -> bytes:
    """A decision of an agency that nobody signed yet.

    Takes   extra: draws more on it, in points as they are seen.
    """
    _register_fonts()
    page = layout.page
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(page.media.width, page.media.height), invariant=1)
    canvas.translate(page.crop.left, page.crop.bottom)
    canvas.scale(1 / layout.user_unit, 1 / layout.user_unit)
    match layout.rotation:
        case 90:
            canvas.transform(0, 1, -1, 0, HEIGHT, 0)
        case 180:
            canvas.transform(-1, 0, 0, -1, WIDTH, HEIGHT)
        case 270:
            canvas.transform(0, -1, 1, 0, 0, WIDTH)
    _write(canvas, name)
    if extra is not None:
        extra(canvas)
    canvas.showPage()
    canvas.save()
    return _with_facts(out.getvalue(), page)


def centred(canvas: Canvas, across: float, up: float, text: str) -> None:
    """A bold line around a place."""
    _register_fonts()
    canvas.setFont("Bold", _SIZE)
    canvas.drawCentredString(across, up, text)


def show(
    document: bytes, visible: Visible, *, isolation: Isolation, hand: Hand, now: datetime
) -> bytes:
    """The document, signed with a signature that is seen."""
    parties = PadesParties(isolation)
    with Blob.of(document) as blob, visible.drawing as drawn:
        prepared = prepare_pades(
            blob,
            parties=parties,
            signatory=hand.signatory,
            now=now,
            signature=PdfSignature(place=visible.place, field_name=visible.field_name),
            drawn=drawn,
        )
        value = hand.sign(prepared.to_be_signed.digest)
        increments = finish_pades(prepared, blob, signature=value, parties=parties, now=now)
        with join(blob, increments) as signed:
            return signed.read()


def picture(document: bytes, *, dpi: int = DPI) -> Image.Image:
    """Page 1 as it is seen, with all signatures."""
    with pypdfium2.PdfDocument(document) as opened:
        opened.init_forms()
        return opened[0].render(scale=dpi / 72).to_pil().convert("RGB")


def blue(image: Image.Image) -> Rectangle:
    """The box of everything blue, in points from the lower left corner."""
    red_part, _, blue_part = image.split()
    return _box(ImageChops.subtract(blue_part, red_part), image)


def red(image: Image.Image) -> Rectangle:
    """The box of everything red."""
    red_part, green_part, _ = image.split()
    return _box(ImageChops.subtract(red_part, green_part), image)


def black(image: Image.Image, *, within: Rectangle) -> Rectangle:
    """The box of everything dark in a part of the picture."""
    scale = image.height / HEIGHT
    area = (
        round(within.left * scale),
        round((HEIGHT - within.top) * scale),
        round(within.right * scale),
        round((HEIGHT - within.bottom) * scale),
    )
    mask = Image.new("L", image.size, 0)
    mask.paste(ImageChops.invert(image.convert("L")).crop(area), area)
    return _box(mask, image)


def _box(strength: Image.Image, image: Image.Image) -> Rectangle:
    found = strength.point([0] * 96 + [255] * 160).getbbox()
    assert found is not None, "nothing of that colour"
    scale = HEIGHT / image.height
    left, upper, right, lower = (edge * scale for edge in found)
    return Rectangle(left, HEIGHT - lower, right, HEIGHT - upper)


def _write(canvas: Canvas, name: str) -> None:
    centred(canvas, 160, 770, "ỦY BAN NHÂN DÂN")
    centred(canvas, 400, 770, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM")
    centred(canvas, 400, 752, "Độc lập - Tự do - Hạnh phúc")
    canvas.setFont("Plain", _SIZE)
    for index in range(12):
        canvas.drawString(85, 680 - index * 22, f"Điều {index + 1}. Giao bà {NAME} thi hành.")
    canvas.drawString(85, TITLE_LINE, "Nơi nhận:")
    centred(canvas, MIDDLE, TITLE_LINE, TITLE)
    centred(canvas, MIDDLE, NAME_LINE, name)


def _with_facts(document: bytes, page: Page) -> bytes:
    """Boxes and turn, which reportlab does not write all."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    reference = writer.root["/Pages"]["/Kids"].raw_get(0)
    content = reference.get_object()
    for key, box in (("/MediaBox", page.media), ("/CropBox", page.crop)):
        edges = (box.left, box.bottom, box.right, box.top)
        content[key] = generic.ArrayObject(map(generic.FloatObject, edges))
    content["/Rotate"] = generic.NumberObject(page.rotation)
    content["/UserUnit"] = generic.FloatObject(page.user_unit)
    writer.mark_update(reference)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _register_fonts() -> None:
    if "Plain" in pdfmetrics.getRegisteredFontNames():
        return
    folder = files("font_source_serif_pro") / "files"
    pdfmetrics.registerFont(TTFont("Plain", str(folder / "SourceSerifPro-Regular.ttf")))
    pdfmetrics.registerFont(TTFont("Bold", str(folder / "SourceSerifPro-Bold.ttf")))
