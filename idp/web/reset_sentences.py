"""What the pages of the forgotten password say when something is not right.

What lives here: sentences per problem, in Vietnamese; English is in the catalogue.
Not here: when (`idp/accounts/password_reset.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import LOGIN_PROBLEMS, N_, FieldProblem

FORGOT_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    **{
        name: LOGIN_PROBLEMS[name]
        for name in (
            "identifier_missing",
            "identifier_format",
            "tax_format",
            "organisation_identifier",
        )
    },
    "too_many_attempts": FieldProblem(
        "",
        N_("Đã gửi quá nhiều lần. Vui lòng thử lại sau ít phút."),
        later=N_("Đã gửi quá nhiều lần. Vui lòng thử lại từ %(time)s."),
    ),
}

SENT_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "wrong_code": FieldProblem(
        "otp",
        N_("Mã không đúng hoặc đã hết hạn. Vui lòng kiểm tra lại, hoặc yêu cầu mã mới."),
    ),
}

SECOND_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "app_wrong": FieldProblem(
        "app-otp", N_("Mã xác thực không đúng. Vui lòng nhập mã đang hiển thị trên ứng dụng.")
    ),
    "other_wrong": FieldProblem(
        "other-otp",
        N_("Mã không đúng hoặc đã hết hạn. Vui lòng kiểm tra lại, hoặc yêu cầu mã mới."),
    ),
    "recovery_wrong": FieldProblem(
        "recovery_code", N_("Mã khôi phục không đúng hoặc đã được dùng. Vui lòng kiểm tra lại.")
    ),
    "activation_wrong": FieldProblem(
        "activation_code", N_("Mã kích hoạt không đúng, đã hết hạn hoặc đã được dùng ở đây.")
    ),
    "passkey_wrong": FieldProblem(
        "", N_("Không xác nhận được bằng khóa truy cập này. Vui lòng thử lại hoặc dùng cách khác.")
    ),
    "away": FieldProblem(
        "", N_("Chưa kiểm tra được mã của ứng dụng. Vui lòng thử lại sau ít phút.")
    ),
    "too_many_attempts": LOGIN_PROBLEMS["too_many_attempts"],
}
