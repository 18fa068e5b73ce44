"""Sentences that a code stands for: problems of a form, and the pages of what went wrong.

What lives here: one table per form (problem code to field and sentence) and one for the error
pages.  The sentences are message ids; they are translated when a page is rendered.  No sentence
says whether an account exists.  Must not import Flask or decide anything.

Source  architecture, "Pages"; register: impersonal or "Ông/Bà".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


def N_(sentence: str) -> str:  # noqa: N802 - the name that message extraction looks for
    """Mark a sentence for translation without translating it yet."""
    return sentence


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong in a form: the field that takes the focus (empty: none) and a sentence.

    `later` is the sentence when the moment to try again is known; it holds `%(time)s`, with the day
    where `is_days_away`.
    """

    field: str
    sentence: str
    later: str = ""
    is_days_away: bool = False


_TOO_MANY = FieldProblem(
    "",
    N_("Đã nhập sai quá số lần cho phép. Vui lòng thử lại sau ít phút."),
    later=N_("Đã nhập sai quá số lần cho phép. Vui lòng thử lại từ %(time)s."),
)

LOGIN_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "wrong_credentials": FieldProblem(
        "password", N_("Thông tin đăng nhập không đúng. Vui lòng kiểm tra và thử lại.")
    ),
    "too_many_attempts": _TOO_MANY,
    "identifier_missing": FieldProblem(
        "identifier", N_("Chưa nhập số định danh. Vui lòng nhập số định danh cá nhân.")
    ),
    "password_missing": FieldProblem("password", N_("Chưa nhập mật khẩu. Vui lòng nhập mật khẩu.")),
    "identifier_format": FieldProblem(
        "identifier",
        N_("Số định danh cá nhân phải gồm đúng 12 chữ số. Vui lòng kiểm tra lại."),
    ),
    "tax_format": FieldProblem(
        "identifier", N_("Mã số thuế không hợp lệ. Vui lòng kiểm tra lại từng chữ số.")
    ),
    "organisation_identifier": FieldProblem(
        "identifier",
        N_(
            "Đây là mã số của tổ chức. Vui lòng đăng nhập bằng số định danh của chính Ông/Bà,"
            " sau đó chọn tổ chức ở bước tiếp theo."
        ),
    ),
    "session_expired": FieldProblem(
        "", N_("Phiên làm việc đã hết hạn. Vui lòng đăng nhập lại để tiếp tục.")
    ),
    "passkey_refused": FieldProblem(
        "",
        N_(
            "Không đăng nhập được bằng khóa truy cập này. Vui lòng thử lại, hoặc dùng số định danh"
            " và mật khẩu."
        ),
    ),
}

OTP_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "wrong_code": FieldProblem(
        "otp", N_("Mã xác thực không đúng. Vui lòng nhập mã đang hiển thị trên ứng dụng.")
    ),
    "code_missing": FieldProblem("otp", N_("Chưa nhập mã. Vui lòng nhập mã gồm 6 chữ số.")),
    "code_used": FieldProblem(
        "otp", N_("Mã này đã được sử dụng. Vui lòng chờ ứng dụng hiển thị mã mới rồi nhập lại.")
    ),
    "wrong_sent_code": FieldProblem(
        "otp", N_("Mã xác thực không đúng. Vui lòng nhập mã trong tin nhắn mới nhất.")
    ),
    "wrong_recovery_code": FieldProblem(
        "otp", N_("Mã khôi phục không đúng hoặc đã được dùng. Vui lòng kiểm tra và nhập lại.")
    ),
    "code_gone": FieldProblem("otp", N_("Mã xác thực đã hết hiệu lực. Vui lòng yêu cầu mã mới.")),
    "sending_refused": FieldProblem(
        "",
        N_("Chưa gửi được mã mới. Vui lòng thử lại sau ít phút, hoặc chọn cách xác thực khác."),
        later=N_("Chưa gửi được mã mới. Vui lòng thử lại từ %(time)s."),
    ),
    "country_not_served": FieldProblem(
        "",
        N_(
            "Tại đây không gửi được tin nhắn đến số điện thoại của nước này. Vui lòng chọn cách xác"
            " thực khác; sau khi đăng nhập, có thể đổi sang số khác hoặc thêm ứng dụng xác thực."
        ),
    ),
    "passkey_refused": FieldProblem(
        "", N_("Không xác nhận được bằng khóa truy cập này. Vui lòng thử lại hoặc dùng cách khác.")
    ),
    "too_many_attempts": _TOO_MANY,
}

ACTIVATION_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "wrong_activation_code": FieldProblem(
        "activation_code", N_("Mã kích hoạt không đúng. Vui lòng kiểm tra và nhập lại.")
    ),
    "activation_code_expired": FieldProblem(
        "activation_code",
        N_("Mã kích hoạt đã hết hiệu lực. Vui lòng đề nghị bộ phận một cửa cấp mã mới."),
    ),
    "too_many_attempts": _TOO_MANY,
}

CAPACITY_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    "capacity_ended": FieldProblem(
        "", N_("Tư cách đã chọn không còn hiệu lực. Vui lòng chọn tư cách khác.")
    ),
}

FORM_PROBLEMS: Final[Mapping[str, Mapping[str, FieldProblem]]] = {
    "login": LOGIN_PROBLEMS,
    "otp": OTP_PROBLEMS,
    "activation": ACTIVATION_PROBLEMS,
    "capacity": CAPACITY_PROBLEMS,
}


DATA_LABELS: Final[Mapping[str, str]] = {
    "name": N_("Họ và tên"),
    "birthdate": N_("Ngày sinh"),
    "gender": N_("Giới tính"),
    "email": N_("Thư điện tử"),
    "phone_number": N_("Số điện thoại"),
    "address": N_("Địa chỉ"),
    "personal_id_number": N_("Số định danh cá nhân"),
    "legacy_id_9": N_("Số chứng minh nhân dân"),
    "passport_number": N_("Số hộ chiếu"),
    "nationality": N_("Quốc tịch"),
    "account_level": N_("Mức độ tài khoản"),
    "account_type": N_("Loại tài khoản"),
    "org": N_("Tổ chức mà Ông/Bà đại diện"),
    "vn_tech_id": N_("Mã kỹ thuật"),
    "TechID": N_("Mã kỹ thuật"),
    "LoaiTaiKhoan": N_("Loại tài khoản"),
    "HoVaTen": N_("Họ và tên"),
    "SoDinhDanh": N_("Số định danh cá nhân"),
    "SoCMND": N_("Số chứng minh nhân dân"),
    "HoChieu": N_("Số hộ chiếu"),
    "NgayThangNamSinh": N_("Ngày sinh"),
    "GioiTinh": N_("Giới tính"),
    "ThuDienTu": N_("Thư điện tử"),
    "SoDienThoai": N_("Số điện thoại"),
    "TrangThai": N_("Trạng thái tài khoản"),
    "MaSoDoanhNghiep": N_("Mã số doanh nghiệp"),
    "MaSoThue": N_("Mã số thuế"),
    "TenDoanhNghiep": N_("Tên doanh nghiệp"),
    "loAs": N_("Mức độ xác thực"),
    "IAL": N_("Mức độ tài khoản"),
    "offline_access": N_("Truy cập khi Ông/Bà không có mặt"),
    "family_name": N_("Họ"),
    "middle_name": N_("Tên đệm"),
    "given_name": N_("Tên"),
    "email_verified": N_("Thư điện tử đã được xác minh hay chưa"),
    "phone_number_verified": N_("Số điện thoại đã được xác minh hay chưa"),
    "locale": N_("Ngôn ngữ"),
    "zoneinfo": N_("Múi giờ"),
    "updated_at": N_("Thời điểm cập nhật hồ sơ"),
}
"""What a claim or scope is called on the pages that ask for consent or inform."""

SAID_WITH: Final[Mapping[str, str]] = {
    "family_name": "name",
    "middle_name": "name",
    "given_name": "name",
    "email_verified": "email",
    "phone_number_verified": "phone_number",
    "locale": "name",
    "zoneinfo": "name",
    "updated_at": "name",
}
"""Claims that need no row of their own beside another one."""

GENDERS: Final[Mapping[str, str]] = {"male": N_("Nam"), "female": N_("Nữ"), "other": N_("Khác")}
ACCOUNT_TYPES: Final[Mapping[str, str]] = {
    "citizen": N_("Người dân"),
    "foreigner": N_("Người nước ngoài"),
    "organisation": N_("Tổ chức"),
}


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error page in three sentences: what it is, what happened, what to do next."""

    title: str
    happened: str
    next: str


_BACK_TO_PORTAL = N_(
    "Vui lòng quay lại cổng dịch vụ và bắt đầu lại. Nếu vẫn gặp lỗi, hãy báo cho đơn vị quản lý"
    " cổng dịch vụ đó kèm mã tra cứu."
)

ERROR_TEXTS: Final[Mapping[str, ErrorText]] = {
    "unknown_client": ErrorText(
        N_("Cổng dịch vụ chưa được đăng ký"),
        N_("Trang web đã chuyển Ông/Bà đến đây không có trong danh sách cổng dịch vụ được phép."),
        N_(
            "Không nhập thông tin cá nhân trên trang web đó. Hãy kiểm tra lại địa chỉ của cổng"
            " dịch vụ, hoặc báo cho đơn vị quản lý kèm mã tra cứu."
        ),
    ),
    "redirect_uri_mismatch": ErrorText(
        N_("Không thể quay lại cổng dịch vụ"),
        N_("Địa chỉ quay lại mà cổng dịch vụ gửi đến không đúng với địa chỉ đã đăng ký."),
        N_(
            "Để bảo đảm an toàn, việc đăng nhập đã dừng lại. Hãy báo cho đơn vị quản lý cổng dịch"
            " vụ kèm mã tra cứu."
        ),
    ),
    "interaction_expired": ErrorText(
        N_("Lượt đăng nhập đã hết hạn"),
        N_("Trang này đã mở quá lâu, hoặc lượt đăng nhập đã hoàn tất ở một cửa sổ khác."),
        N_("Vui lòng quay lại cổng dịch vụ và bắt đầu lại. Thông tin của Ông/Bà vẫn an toàn."),
    ),
    "other_browser": ErrorText(
        N_("Lượt đăng nhập thuộc về một trình duyệt khác"),
        N_(
            "Liên kết này được mở ở một trình duyệt hoặc thiết bị khác với nơi đã bắt đầu đăng"
            " nhập, hoặc trình duyệt đang chặn cookie."
        ),
        N_(
            "Nếu có người gửi cho Ông/Bà liên kết này, hãy đóng trang và không nhập thông tin."
            " Nếu chính Ông/Bà đang đăng nhập, hãy quay lại cổng dịch vụ và bắt đầu lại trên"
            " cùng một trình duyệt, có cho phép cookie."
        ),
    ),
    "invalid_request": ErrorText(
        N_("Yêu cầu không hợp lệ"),
        N_("Yêu cầu gửi đến hệ thống thiếu thông tin hoặc sai định dạng."),
        _BACK_TO_PORTAL,
    ),
    "access_denied_level": ErrorText(
        N_("Mức độ xác thực chưa đủ"),
        N_("Dịch vụ này yêu cầu mức độ xác thực cao hơn mức Ông/Bà vừa thực hiện."),
        N_(
            "Vui lòng đăng nhập lại và hoàn tất bước xác thực bổ sung. Nếu chưa có ứng dụng xác"
            " thực, hãy đăng ký trước khi sử dụng dịch vụ."
        ),
    ),
    "account_level_too_low": ErrorText(
        N_("Cần tài khoản định danh mức độ 2"),
        N_("Dịch vụ này yêu cầu tài khoản định danh điện tử mức độ 2."),
        N_(
            "Vui lòng đến cơ quan công an nơi thuận tiện để đăng ký tài khoản định danh mức độ 2,"
            " sau đó đăng nhập lại."
        ),
    ),
    "capacity_unavailable": ErrorText(
        N_("Không có tư cách phù hợp"),
        N_(
            "Dịch vụ này dành cho tổ chức, nhưng tài khoản của Ông/Bà chưa được ghi nhận là người"
            " đại diện của tổ chức nào."
        ),
        N_(
            "Nếu Ông/Bà là người đại diện theo pháp luật, hãy đề nghị cơ quan đăng ký kinh doanh"
            " kiểm tra thông tin đăng ký. Sau khi thông tin được cập nhật, hãy đăng nhập lại."
        ),
    ),
    "sharing_restricted": ErrorText(
        N_("Ông/Bà đang hạn chế chia sẻ dữ liệu"),
        N_(
            "Ông/Bà đã yêu cầu hạn chế chia sẻ dữ liệu của mình, nên dịch vụ này chưa nhận được gì:"
            " dữ liệu mà dịch vụ cần chỉ được chia sẻ khi Ông/Bà đồng ý."
        ),
        N_(
            "Nếu muốn sử dụng dịch vụ, hãy bỏ hạn chế trên trang yêu cầu về dữ liệu của tài khoản,"
            " rồi đăng nhập lại từ dịch vụ. Nếu muốn giữ hạn chế, Ông/Bà không cần làm gì thêm."
        ),
    ),
    "csrf_failed": ErrorText(
        N_("Không xác nhận được biểu mẫu"),
        N_(
            "Biểu mẫu đã cũ, hoặc không được gửi từ trang này. Chưa có thay đổi nào được thực hiện."
        ),
        N_("Vui lòng quay lại trang trước, tải lại trang và thử lại."),
    ),
    "rate_limited": ErrorText(
        N_("Quá nhiều yêu cầu"),
        N_("Hệ thống vừa nhận quá nhiều yêu cầu từ kết nối mạng này."),
        N_("Vui lòng chờ ít phút rồi thử lại. Tài khoản của Ông/Bà không bị ảnh hưởng."),
    ),
    "storage_unavailable": ErrorText(
        N_("Hệ thống đang gián đoạn"),
        N_("Hệ thống tạm thời không xử lý được yêu cầu. Chưa có thông tin nào bị mất."),
        N_("Vui lòng thử lại sau ít phút. Không cần đăng ký lại hay đổi mật khẩu."),
    ),
    "not_found": ErrorText(
        N_("Không tìm thấy trang"),
        N_("Địa chỉ này không tồn tại hoặc đã được thay đổi."),
        N_("Vui lòng kiểm tra lại địa chỉ, hoặc bắt đầu từ cổng dịch vụ mà Ông/Bà đang sử dụng."),
    ),
    "method_not_allowed": ErrorText(
        N_("Không thực hiện được thao tác"),
        N_("Trang này không nhận cách gửi yêu cầu vừa rồi."),
        N_("Vui lòng quay lại cổng dịch vụ và bắt đầu lại."),
    ),
    "too_large": ErrorText(
        N_("Nội dung gửi lên quá lớn"),
        N_("Yêu cầu vượt quá kích thước cho phép nên không được xử lý."),
        _BACK_TO_PORTAL,
    ),
    "server_error": ErrorText(
        N_("Có lỗi xảy ra"),
        N_("Hệ thống gặp lỗi ngoài dự kiến và đã ghi nhận để khắc phục."),
        N_(
            "Vui lòng thử lại sau ít phút. Nếu vẫn gặp lỗi, hãy liên hệ bộ phận hỗ trợ và cung cấp"
            " mã tra cứu."
        ),
    ),
}
