"""A report as pages that can be printed, kept and handed on.

What lives here: `draw_report`, which has the pages drawn behind the walls.  They are sealed
afterwards like any other PDF of the service (`signing/at_once`).
Not here: the words (`idp/web/verify`), the key (`idp/report_seal`).
"""

from __future__ import annotations

from typing import Final

from signing.errors import ParsingFailed
from signing.isolation.blob import Blob
from signing.isolation.task import Isolation
from signing.messages.report_pages import DRAW_REPORT, DrawReport, Pair, Tone, Words

__all__ = ["Pair", "ReportPages", "Tone", "Words", "draw_report"]

ReportPages = DrawReport
"""The words of a report, in the order in which they stand."""

_MOST_BYTES: Final = 16 << 20


def draw_report(isolation: Isolation, *, pages: ReportPages) -> Blob:
    """The pages as a PDF, not sealed; the caller closes it.

    Raises  DocumentRefused(report_too_long); ParsingFailed.
    """
    drawn, output = isolation.run(DRAW_REPORT, pages)
    with output.view() as view:
        is_pdf = bytes(view[:5]) == b"%PDF-" and bytes(view[-6:]) == b"%%EOF\n"
    if drawn.pages < 1 or not is_pdf or output.size > _MOST_BYTES:
        output.close()
        raise ParsingFailed("contradiction")
    return output
