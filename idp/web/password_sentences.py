"""What the page says when a new password is not taken.

What lives here: a sentence per reason of `PasswordUnusable` and per way of filling in the form
wrongly, in Vietnamese; English is in the catalogue.  Not here: when
(`idp/accounts/password_rules.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import LOGIN_PROBLEMS, N_, FieldProblem

_NEW: Final = "new_password"

PASSWORD_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "current_missing": FieldProblem("current_password", N_("Chưa nhập mật khẩu hiện tại.")),
    "current_wrong": FieldProblem(
        "current_password", N_("Mật khẩu hiện tại không đúng. Vui lòng kiểm tra và nhập lại.")
    ),
    "too_many_attempts": LOGIN_PROBLEMS["too_many_attempts"],
    "new_missing": FieldProblem(_NEW, N_("Chưa nhập mật khẩu mới.")),
    "not_the_same": FieldProblem(
        "new_password_again", N_("Hai lần nhập mật khẩu mới không giống nhau. Vui lòng nhập lại.")
    ),
    "malformed": FieldProblem(_NEW, N_("Mật khẩu mới có ký tự không dùng được.")),
    "too_long": FieldProblem(_NEW, N_("Mật khẩu mới quá dài.")),
    "too_short": FieldProblem(_NEW, N_("Mật khẩu mới quá ngắn. Cần ít nhất 8 ký tự.")),
    "personal": FieldProblem(
        _NEW,
        N_(
            "Mật khẩu mới chứa tên, ngày sinh hoặc số của Ông/Bà nên dễ bị đoán. Vui lòng chọn mật"
            " khẩu khác."
        ),
    ),
    "breached": FieldProblem(
        _NEW,
        N_(
            "Mật khẩu này nằm trong danh sách mật khẩu đã bị lộ hoặc quá phổ biến. Vui lòng chọn"
            " mật khẩu khác."
        ),
    ),
    "weak": FieldProblem(
        _NEW,
        N_("Mật khẩu mới còn dễ đoán. Hãy thêm vài từ không liên quan với nhau."),
    ),
    "same": FieldProblem(_NEW, N_("Mật khẩu mới phải khác mật khẩu hiện tại.")),
}
