"""What the pages of factors and addresses say when something is not taken.

What lives here: a sentence per reason, in Vietnamese; English is in the catalogue.
Not here: when (`idp/accounts/contacts.py`, `authenticators.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import N_, FieldProblem

_TOO_MANY: Final = FieldProblem(
    "",
    N_("Đã nhập sai quá số lần cho phép. Vui lòng thử lại sau ít phút."),
    later=N_("Đã nhập sai quá số lần cho phép. Vui lòng thử lại từ %(time)s."),
)
LAST_FACTOR: Final = FieldProblem(
    "",
    N_(
        "Đây là cách xác thực thứ hai duy nhất đang dùng được, mà Ông/Bà đã chọn luôn yêu cầu xác"
        " thực hai yếu tố. Hãy thêm một cách khác trước, hoặc tắt lựa chọn đó."
    ),
)
_OVERTAKEN: Final = FieldProblem(
    "",
    N_(
        "Thông tin này vừa được thay đổi ở một trình duyệt khác. Chưa có thay đổi nào được thực"
        " hiện ở đây. Vui lòng xem lại thông tin bên dưới rồi thử lại nếu vẫn cần."
    ),
)

FACTOR_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "name": FieldProblem("name", N_("Vui lòng đặt tên gọi, dài không quá 60 ký tự.")),
    "too_many": FieldProblem(
        "", N_("Đã có quá nhiều ứng dụng xác thực. Vui lòng gỡ bớt ứng dụng không còn dùng.")
    ),
    "last_factor": LAST_FACTOR,
    "overtaken": _OVERTAKEN,
    "unverified": FieldProblem(
        "", N_("Hãy xác minh số điện thoại hoặc địa chỉ thư này trước khi dùng để nhận mã.")
    ),
    "gone": FieldProblem(
        "", N_("Ứng dụng này đã được gỡ ở một trình duyệt khác. Không còn gì để thay đổi.")
    ),
    "no_factor": FieldProblem(
        "", N_("Việc này cần ít nhất một cách xác thực thứ hai đang dùng được.")
    ),
    "lapsed": FieldProblem("", N_("Việc đăng ký ứng dụng đã quá thời gian. Vui lòng bắt đầu lại.")),
    "code_missing": FieldProblem("otp", N_("Chưa nhập mã. Vui lòng nhập mã gồm 6 chữ số.")),
    "wrong_code": FieldProblem(
        "otp", N_("Mã xác thực không đúng. Vui lòng nhập mã đang hiển thị trên ứng dụng.")
    ),
    "too_many_attempts": _TOO_MANY,
}

CONTACT_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "malformed_sms": FieldProblem(
        "phone", N_("Số điện thoại không hợp lệ. Vui lòng nhập số di động gồm 10 chữ số.")
    ),
    "malformed_email": FieldProblem(
        "email", N_("Địa chỉ thư điện tử không hợp lệ. Vui lòng kiểm tra lại.")
    ),
    "unchanged": FieldProblem("", N_("Đây là thông tin đang dùng và đã được xác minh.")),
    "nothing_pending": FieldProblem(
        "", N_("Không còn thay đổi nào đang chờ mã. Vui lòng nhập lại từ đầu.")
    ),
    "code_missing": FieldProblem("otp", N_("Chưa nhập mã. Vui lòng nhập mã gồm 6 chữ số.")),
    "wrong_sent_code": FieldProblem(
        "otp", N_("Mã xác thực không đúng. Vui lòng nhập mã trong tin nhắn mới nhất.")
    ),
    "code_gone": FieldProblem("otp", N_("Mã xác thực đã hết hiệu lực. Vui lòng yêu cầu mã mới.")),
    "sending_refused": FieldProblem(
        "",
        N_("Chưa gửi được mã mới. Vui lòng thử lại sau ít phút."),
        later=N_("Chưa gửi được mã mới. Vui lòng thử lại từ %(time)s."),
    ),
    "country_not_served": FieldProblem(
        "phone",
        N_(
            "Tại đây không gửi được tin nhắn đến số điện thoại của nước này. Vui lòng nhập số của"
            " nước khác, hoặc dùng thư điện tử, ứng dụng xác thực hay khóa truy cập."
        ),
    ),
    "switched_off": FieldProblem(
        "",
        N_(
            "Việc nhận mã qua tin nhắn hoặc thư vừa được tắt, nên chưa đổi được. Vui lòng thử lại"
            " sau vài ngày."
        ),
        later=N_(
            "Việc nhận mã qua tin nhắn hoặc thư vừa được tắt. Để bảo vệ tài khoản, thông tin này"
            " chỉ đổi được từ %(time)s."
        ),
        is_days_away=True,
    ),
    "overtaken": _OVERTAKEN,
    "last_factor": LAST_FACTOR,
    "too_many_attempts": _TOO_MANY,
}
