"""What the pages about a person's data say when something is not done.

What lives here: a sentence per reason, in Vietnamese; English is in the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import N_, FieldProblem

DATA_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "too_many_exports": FieldProblem(
        "form",
        N_(
            "Hôm nay Ông/Bà đã tải dữ liệu đủ số lần cho phép. Vui lòng thử lại vào ngày mai, hoặc"
            " dùng tệp đã tải."
        ),
    ),
}
