"""What the pages say when a passkey is not taken.

What lives here: a sentence per reason of `PasskeyRefused`, in Vietnamese; English is in the
catalogue.  Not here: when (`idp/accounts/passkeys.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.factor_sentences import LAST_FACTOR
from idp.web.password_sentences import PASSWORD_PROBLEMS
from idp.web.sentences import N_, FieldProblem

_AGAIN: Final = FieldProblem(
    "", N_("Khóa truy cập chưa được đăng ký. Vui lòng thử lại từ đầu trên trang này.")
)
_UNFIT: Final = FieldProblem(
    "", N_("Thiết bị này không tạo được loại khóa truy cập cần dùng ở đây.")
)

PASSKEY_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "passkey_challenge": FieldProblem(
        "",
        N_("Đã quá thời gian hoặc trang đã được mở ở nơi khác. Vui lòng thử lại trên trang này."),
    ),
    "passkey_malformed": _AGAIN,
    "passkey_response": _AGAIN,
    "passkey_origin": _AGAIN,
    "passkey_cross_origin": _AGAIN,
    "passkey_attestation": _UNFIT,
    "passkey_public_key": _UNFIT,
    "passkey_rp_id": _AGAIN,
    "passkey_known": FieldProblem("", N_("Khóa truy cập này đã được đăng ký.")),
    "passkey_too_many": FieldProblem(
        "", N_("Đã có quá nhiều khóa truy cập. Vui lòng gỡ bớt khóa không còn dùng.")
    ),
    "passkey_gone": FieldProblem(
        "", N_("Khóa truy cập này đã được gỡ ở một trình duyệt khác. Không còn gì để thay đổi.")
    ),
    "passkey_last": LAST_FACTOR,
    "passkey_current_missing": PASSWORD_PROBLEMS["current_missing"],
    "passkey_current_wrong": PASSWORD_PROBLEMS["current_wrong"],
    "passkey_too_many_attempts": FieldProblem(
        "current_password",
        N_("Đã nhập sai mật khẩu quá số lần cho phép. Vui lòng thử lại sau ít phút."),
    ),
    "passkey_name": FieldProblem(
        "name", N_("Vui lòng đặt tên gọi cho khóa truy cập, dài không quá 60 ký tự.")
    ),
}
