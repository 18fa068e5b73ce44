"""What the page of a signature on paper says when a photograph is not taken.

What lives here: a sentence per reason, in Vietnamese; English is in the catalogue.  Not here: when
(`signing/parsing/signature_photo.py`, `idp/web/account/signature_image.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import N_, FieldProblem

_AGAIN: Final = N_(
    "Không đọc được ảnh này. Vui lòng chụp lại hoặc chọn một ảnh khác, dạng JPEG hoặc PNG."
)

SIGNATURE_IMAGE_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "nothing_chosen": FieldProblem(
        "photo", N_("Chưa chọn ảnh. Vui lòng chụp hoặc chọn ảnh chữ ký.")
    ),
    "too_large": FieldProblem(
        "photo", N_("Ảnh lớn hơn 12 MB. Vui lòng chụp lại với kích thước nhỏ hơn.")
    ),
    "photo_too_large": FieldProblem(
        "photo", N_("Ảnh có quá nhiều điểm ảnh. Vui lòng chụp lại với kích thước nhỏ hơn.")
    ),
    "photo_too_small": FieldProblem(
        "photo", N_("Ảnh quá nhỏ nên chữ ký sẽ không rõ. Vui lòng chụp lại gần hơn.")
    ),
    "photo_not_a_photo": FieldProblem(
        "photo", N_("Tệp này không phải ảnh JPEG hoặc PNG. Vui lòng chọn một ảnh.")
    ),
    "photo_damaged": FieldProblem("photo", _AGAIN),
    "malformed": FieldProblem("photo", _AGAIN),
    "photo_nothing_on_it": FieldProblem(
        "photo",
        N_(
            "Không tìm thấy chữ ký trong ảnh. Vui lòng ký bằng bút đậm trên giấy trắng rồi chụp"
            " lại ở nơi đủ sáng."
        ),
    ),
    "photo_too_much_on_it": FieldProblem(
        "photo",
        N_(
            "Trong ảnh có nhiều thứ khác ngoài chữ ký. Vui lòng chụp lại sao cho ảnh chỉ có chữ"
            " ký trên giấy trắng."
        ),
    ),
    "too_many": FieldProblem(
        "", N_("Đã gửi quá nhiều ảnh trong một giờ. Vui lòng thử lại sau một giờ.")
    ),
    "busy": FieldProblem(
        "", N_("Hệ thống đang xử lý nhiều ảnh. Chưa có gì thay đổi; vui lòng thử lại sau ít phút.")
    ),
}
