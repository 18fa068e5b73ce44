"""What the pages of opening an account say when something is not taken.

What lives here: a sentence for each way in which a step can fail, in Vietnamese; English is in the
catalogue.  Each says what happened and what to do next; none says what a register holds.
Source: NĐ 69/2024/NĐ-CP Art. 7, 12, 14(2).  Not here: when (`idp/accounts/opening*.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.password_sentences import PASSWORD_PROBLEMS
from idp.web.sentences import LOGIN_PROBLEMS, N_, FieldProblem

_NUMBER: Final = "identifier"

_SENDING_REFUSED: Final = FieldProblem(
    "",
    N_("Đã gửi nhiều mã trong thời gian ngắn. Vui lòng thử lại sau ít phút."),
    later=N_("Đã gửi nhiều mã trong thời gian ngắn. Vui lòng thử lại từ %(time)s."),
)
REGISTER_AWAY: Final = FieldProblem(
    "",
    N_(
        "Cơ sở dữ liệu quốc gia về dân cư đang gián đoạn nên chưa đối chiếu được. Thông tin vừa"
        " nhập không được lưu lại và không có gì thay đổi. Vui lòng thử lại sau ít phút."
    ),
)

OPENING_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "address_malformed": FieldProblem(
        "address",
        N_("Địa chỉ thư điện tử hoặc số điện thoại chưa đúng. Vui lòng kiểm tra và nhập lại."),
    ),
    "address_unreached": FieldProblem(
        "address",
        N_(
            "Tại đây chưa gửi được mã bằng cách này. Vui lòng nhập địa chỉ thư điện tử thay cho số "
            "điện thoại, hoặc ngược lại."
        ),
    ),
    "address_country": FieldProblem(
        "address",
        N_(
            "Tại đây không gửi được tin nhắn đến số điện thoại của nước này. Vui lòng nhập địa chỉ"
            " thư điện tử hoặc số của nước khác."
        ),
    ),
    "sending_refused": _SENDING_REFUSED,
    "code_missing": FieldProblem("otp", N_("Chưa nhập mã. Vui lòng nhập mã gồm 6 chữ số.")),
    "wrong_code": FieldProblem(
        "otp", N_("Mã không đúng. Vui lòng kiểm tra tin nhắn hoặc thư mới nhất và nhập lại.")
    ),
    "code_gone": FieldProblem(
        "otp", N_("Mã không còn hiệu lực. Vui lòng bấm “Gửi lại mã” để nhận mã mới.")
    ),
    "number_missing": FieldProblem(
        _NUMBER, N_("Chưa nhập số định danh. Vui lòng nhập số định danh cá nhân.")
    ),
    "number_format": FieldProblem(
        _NUMBER, N_("Số định danh cá nhân phải gồm đúng 12 chữ số. Vui lòng kiểm tra lại.")
    ),
    "old_number": FieldProblem(
        _NUMBER,
        N_(
            "Đây là số chứng minh nhân dân cũ. Vui lòng nhập số định danh cá nhân gồm 12 chữ số"
            " trên thẻ căn cước."
        ),
    ),
    "organisation": FieldProblem(
        _NUMBER,
        N_(
            "Đây là mã số của tổ chức. Vui lòng mở tài khoản bằng số định danh của chính Ông/Bà;"
            " việc thay mặt tổ chức được thực hiện sau khi đăng nhập."
        ),
    ),
    "foreigner": FieldProblem(
        _NUMBER,
        N_(
            "Người nước ngoài dùng hộ chiếu chưa mở tài khoản trực tuyến được. Vui lòng mang hộ"
            " chiếu và thẻ thường trú hoặc tạm trú đến bộ phận một cửa để đăng ký."
        ),
    ),
    "name_missing": FieldProblem("full_name", N_("Chưa nhập họ và tên.")),
    "name_format": FieldProblem(
        "full_name", N_("Họ và tên chỉ gồm chữ cái. Vui lòng nhập như trên thẻ căn cước.")
    ),
    "birthdate_missing": FieldProblem("birthdate", N_("Chưa nhập ngày sinh.")),
    "birthdate_format": FieldProblem(
        "birthdate",
        N_(
            "Ngày sinh chưa đúng. Vui lòng nhập ngày/tháng/năm, ví dụ 08/03/1999, hoặc chỉ năm sinh"
            " nếu giấy tờ không ghi ngày."
        ),
    ),
    "under_age": FieldProblem(
        "birthdate",
        N_(
            "Người dưới 14 tuổi không tự mở tài khoản được: cần có sự đồng ý của cha, mẹ hoặc người"
            " giám hộ (Điều 14 Nghị định 69/2024/NĐ-CP). Vui lòng cùng người đó thực hiện trên ứng"
            " dụng VNeID hoặc tại bộ phận một cửa."
        ),
    ),
    "consent_missing": FieldProblem(
        "consent",
        N_(
            "Cần có sự đồng ý của Ông/Bà để đối chiếu thông tin. Nếu không đồng ý, Ông/Bà có thể"
            " đăng ký trực tiếp tại bộ phận một cửa."
        ),
    ),
    "contradicts": FieldProblem(
        "",
        N_(
            "Thông tin không khớp với Cơ sở dữ liệu quốc gia về dân cư, nên chưa mở tài khoản."
            " Vui lòng kiểm tra số định danh, họ tên và ngày sinh theo thẻ căn cước. Nếu thông tin"
            " trên thẻ đúng, hãy đề nghị Công an nơi cư trú kiểm tra, điều chỉnh dữ liệu."
        ),
    ),
    "too_many_attempts": FieldProblem(
        "",
        N_("Đã đối chiếu quá số lần cho phép. Vui lòng thử lại sau ít phút."),
        later=N_("Đã đối chiếu quá số lần cho phép. Vui lòng thử lại từ %(time)s."),
    ),
    "exists": FieldProblem(
        "",
        N_(
            "Số định danh này đã có tài khoản. Vui lòng đăng nhập; nếu quên mật khẩu, hãy đặt lại ở"
            " trang đăng nhập. Nếu Ông/Bà chưa từng mở tài khoản, hãy đến bộ phận một cửa để được"
            " giúp đỡ."
        ),
    ),
    "nothing_begun": FieldProblem(
        "", N_("Việc mở tài khoản đã quá thời gian hoặc chưa bắt đầu. Vui lòng làm lại từ đầu.")
    ),
    "register_away": REGISTER_AWAY,
    **{
        reason: PASSWORD_PROBLEMS[reason]
        for reason in (
            *("new_missing", "not_the_same", "malformed", "too_long", "too_short"),
            *("personal", "breached", "weak"),
        )
    },
}

NUMBER_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "number_format": OPENING_PROBLEMS["number_format"],
    "unchanged": FieldProblem(
        _NUMBER, N_("Đây là số định danh mà tài khoản đang dùng. Không có gì cần thay đổi.")
    ),
    "no_data": FieldProblem(
        "",
        N_(
            "Tài khoản chưa có đủ thông tin để đối chiếu. Vui lòng mang thẻ căn cước đến bộ"
            " phận một cửa để được cập nhật."
        ),
    ),
    "not_confirmed": FieldProblem(
        _NUMBER,
        N_(
            "Cơ sở dữ liệu quốc gia về dân cư chưa xác nhận số này thay cho số cũ của Ông/Bà. Số"
            " của tài khoản được giữ nguyên. Vui lòng kiểm tra lại; nếu họ tên hoặc ngày sinh cũng"
            " thay đổi, hãy mang thẻ căn cước đến bộ phận một cửa."
        ),
    ),
    "taken": FieldProblem(
        "",
        N_(
            "Số mới đã có một tài khoản khác. Vui lòng mang thẻ căn cước đến bộ phận một cửa để"
            " được xử lý."
        ),
    ),
    "too_many_attempts": LOGIN_PROBLEMS["too_many_attempts"],
    "register_away": REGISTER_AWAY,
}
