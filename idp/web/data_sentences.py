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

ASK_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "already_open": FieldProblem(
        "wish",
        N_("Ông/Bà đã có một yêu cầu như vậy đang được xử lý. Vui lòng chờ trả lời hoặc dừng nó."),
    ),
    "too_many": FieldProblem(
        "wish", N_("Ông/Bà đã gửi nhiều yêu cầu trong 30 ngày qua. Vui lòng thử lại sau.")
    ),
    "wish_missing": FieldProblem(
        "wish", N_("Chưa nêu nội dung. Vui lòng viết rõ dữ liệu nào và mong muốn điều gì.")
    ),
    "wish_too_long": FieldProblem("wish", N_("Nội dung quá dài. Vui lòng viết ngắn hơn.")),
    "not_open": FieldProblem("wish", N_("Yêu cầu này đã kết thúc, không dừng được nữa.")),
    "not_confirmed": FieldProblem(
        "understood", N_("Vui lòng đánh dấu vào ô xác nhận trước khi gửi yêu cầu xóa.")
    ),
}
