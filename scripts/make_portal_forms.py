"""Make the two documents that the demo portals have signed: a form and a decision.

Run `.venv/bin/python scripts/make_portal_forms.py FOLDER`; they are kept in
`clients/portals/documents`, and a test makes them again and compares.  Layout after Decree
30/2020/ND-CP, Annex I; places and numbers are invented, and both say that they are samples.
"""

from __future__ import annotations

import sys
from pathlib import Path

import font_source_serif_pro
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

_LEFT, _RIGHT, _TOP = 30 * mm, A4[0] - 15 * mm, A4[1] - 20 * mm
_WIDTH = _RIGHT - _LEFT
_HALF = _WIDTH / 2

_FORM = (
    "Kính gửi: Sở Xây dựng (mô phỏng)",
    "1. Chủ đầu tư: người ký số đơn này; họ tên và chứng thư có trong chữ ký số.",
    "2. Địa điểm xây dựng: lô đất số 12, đường Mẫu, phường Mẫu, tỉnh Mẫu; diện tích 96 m².",
    (
        "3. Nội dung đề nghị cấp phép: nhà ở riêng lẻ, cấp công trình: cấp III; diện tích xây dựng"
        " tầng một 72 m²; tổng diện tích sàn 216 m²; chiều cao công trình 11,4 m; số tầng: 3."
    ),
    "4. Dự kiến thời gian hoàn thành công trình: 10 tháng kể từ ngày khởi công.",
    (
        "5. Cam kết: tôi xin cam đoan làm theo đúng giấy phép được cấp; nếu sai, tôi xin hoàn toàn"
        " chịu trách nhiệm và bị xử lý theo quy định của pháp luật."
    ),
    "Đơn mẫu dùng để thử việc ký số; không có giá trị giải quyết thủ tục.",
)
_DECISION = (
    "<b>NGƯỜI ĐẠI DIỆN THEO PHÁP LUẬT</b>",
    "Căn cứ Luật Doanh nghiệp ngày 17 tháng 6 năm 2020;",
    "Căn cứ Luật Giao dịch điện tử ngày 22 tháng 6 năm 2023;",
    "Căn cứ Điều lệ của doanh nghiệp,",
    "<b>QUYẾT ĐỊNH:</b>",
    (
        "<b>Điều 1.</b> Ban hành kèm theo Quyết định này Quy chế quản lý và sử dụng chữ ký số của"
        " doanh nghiệp."
    ),
    (
        "<b>Điều 2.</b> Văn bản điện tử do người có thẩm quyền ký số và được ký số của doanh"
        " nghiệp có giá trị như văn bản giấy đã ký và đóng dấu."
    ),
    (
        "<b>Điều 3.</b> Quyết định này có hiệu lực kể từ ngày ký. Các bộ phận có liên quan chịu"
        " trách nhiệm thi hành Quyết định này./."
    ),
    "Quyết định mẫu dùng để thử việc ký số của người có thẩm quyền và của tổ chức.",
)
_CENTRED = {_DECISION[0], _DECISION[4], _FORM[0]}


def main(folder: Path) -> None:
    """Write both into `folder`."""
    fonts = font_source_serif_pro.font_files_ttf
    for name, source in (
        ("Serif", "SourceSerifPro"),
        ("Serif-Bold", "SourceSerifProBold"),
    ):
        pdfmetrics.registerFont(TTFont(name, fonts[source]))
    # NOTE: the italic of this family lacks most Vietnamese letters
    pdfmetrics.registerFontFamily("Serif", normal="Serif", bold="Serif-Bold")
    _form(folder / "don-de-nghi.pdf")
    _decision(folder / "quyet-dinh.pdf")


def _form(file: Path) -> None:
    canvas = _canvas(file, title="Đơn đề nghị cấp giấy phép xây dựng")
    below = _motto(canvas, left=_LEFT, width=_WIDTH, top=_TOP)
    heading = (
        "<b>ĐƠN ĐỀ NGHỊ CẤP GIẤY PHÉP XÂY DỰNG</b>",
        "<b>(Sử dụng cho nhà ở riêng lẻ)</b>",
    )
    for line in heading:
        below = _write(canvas, line, top=below - 3 * mm, size=14, align=TA_CENTER)
    below = _body(canvas, _FORM, top=below - 5 * mm)
    _signer(canvas, top=below - 6 * mm, words=("<b>NGƯỜI ĐỀ NGHỊ</b>", "(Ký số)"))
    canvas.save()


def _decision(file: Path) -> None:
    canvas = _canvas(file, title="Quyết định ban hành Quy chế sử dụng chữ ký số")
    for at, line in enumerate(("<b>DOANH NGHIỆP MẪU</b>", "Số: 01/QĐ-DNM")):
        _write(canvas, line, top=_TOP - at * 7 * mm, width=_HALF - 8 * mm, align=TA_CENTER)
    below = _motto(canvas, left=_LEFT + _HALF - 8 * mm, width=_HALF + 8 * mm, top=_TOP)
    heading = ("<b>QUYẾT ĐỊNH</b>", "<b>Về việc ban hành Quy chế quản lý và sử dụng chữ ký số</b>")
    for line in heading:
        below = _write(canvas, line, top=below - 3 * mm, size=14, align=TA_CENTER)
    below = _body(canvas, _DECISION, top=below - 5 * mm)
    _signer(canvas, top=below - 6 * mm, words=("<b>NGƯỜI ĐẠI DIỆN</b>", "<b>THEO PHÁP LUẬT</b>"))
    receivers = ("<b>Nơi nhận:</b>", "- Như Điều 3;", "- Lưu: VT.")
    below -= 6 * mm
    for line in receivers:
        below = _write(canvas, line, top=below, size=11, width=_HALF)
    canvas.save()


def _canvas(file: Path, *, title: str) -> Canvas:
    canvas = Canvas(str(file), pagesize=A4, invariant=1, pageCompression=1, lang="vi-VN")
    canvas.setTitle(title)
    canvas.setAuthor("Ấn Tín")
    return canvas


def _motto(canvas: Canvas, *, left: float, width: float, top: float) -> float:
    """The name of the country and its motto, underlined; returns where they end."""
    lines = (
        ("<b>CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM</b>", 12),
        ("<b>Độc lập - Tự do - Hạnh phúc</b>", 13),
    )
    for line, size in lines:
        top = _write(canvas, line, top=top, left=left, width=width, size=size, align=TA_CENTER)
    middle = left + width / 2
    canvas.line(middle - 24 * mm, top - 1 * mm, middle + 24 * mm, top - 1 * mm)
    return top - 8 * mm


def _body(canvas: Canvas, words: tuple[str, ...], *, top: float) -> float:
    for line in words:
        align = TA_CENTER if line in _CENTRED else TA_JUSTIFY
        top = _write(canvas, line, top=top, align=align) - 2.5 * mm
    return top


def _signer(canvas: Canvas, *, top: float, words: tuple[str, ...]) -> None:
    for line in words:
        top = _write(canvas, line, top=top, left=_LEFT + _HALF, width=_HALF, align=TA_CENTER)


def _write(
    canvas: Canvas,
    words: str,
    *,
    top: float,
    left: float = _LEFT,
    width: float = _WIDTH,
    size: float = 13,
    align: int = TA_JUSTIFY,
) -> float:
    """Write a paragraph below `top`; returns where it ends."""
    style = ParagraphStyle(
        "one", fontName="Serif", fontSize=size, leading=size * 1.35, alignment=align
    )
    paragraph = Paragraph(words, style)
    _, height = paragraph.wrap(width, top)
    paragraph.drawOn(canvas, left, top - height)
    return float(top - height)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
