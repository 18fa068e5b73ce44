"""Documents for an office program to print: a letter, a form and a drawing, as flat text.

Source: OpenDocument 1.3 part 3 (OASIS).  Nobody in them is real.
"""

from __future__ import annotations

from typing import Final

_SPACES: Final = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{space}:1.0"'
    for name, space in {
        "office": "office",
        "text": "text",
        "draw": "drawing",
        "svg": "svg-compatible",
        "style": "style",
        "fo": "xsl-fo-compatible",
    }.items()
)


def _flat(kind: str, body: str, styles: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_SPACES} office:version="1.3" '
        f'office:mimetype="application/vnd.oasis.opendocument.{kind}">{styles}'
        f"<office:body>{body}</office:body></office:document>"
    )


def _paragraphs(*lines: str) -> str:
    return "".join(f"<text:p>{line}</text:p>" for line in lines)


LETTER: Final = _flat(
    "text",
    "<office:text>"
    + _paragraphs(
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "QUYẾT ĐỊNH",
        *(f"Điều {number}. Quyết định này có hiệu lực kể từ ngày ký." for number in range(1, 60)),
    )
    + "</office:text>",
)
"""Two pages of text."""

FORM: Final = (
    '<!doctype html><html lang="vi"><head><meta charset="utf-8"></head><body><p>Đơn đề nghị</p>'
    '<form action="#"><input type="text" name="applicant" size="30">'
    '<input type="checkbox" name="agreed"></form></body></html>'
)
"""A page with a field to fill in and one to tick."""

SKETCH: Final = _flat(
    "graphics",
    '<office:drawing><draw:page draw:name="page1" draw:master-page-name="Default">'
    '<draw:rect svg:x="3cm" svg:y="3cm" svg:width="8cm" svg:height="5cm">'
    "<text:p>Sơ đồ</text:p></draw:rect></draw:page></office:drawing>",
    "<office:automatic-styles>"
    '<style:page-layout style:name="layout"><style:page-layout-properties fo:page-width="21cm" '
    'fo:page-height="29.7cm"/></style:page-layout></office:automatic-styles><office:master-styles>'
    '<style:master-page style:name="Default" style:page-layout-name="layout"/>'
    "</office:master-styles>",
)
"""A drawing of one page."""
