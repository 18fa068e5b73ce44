"""Sentences of the signing journey: what happened, whether anything was signed, what to do next.

What lives here: one table from the codes and reasons of `signing/errors.py` to sentences, the
reasons of a refusal, and `problem_of_signing`, which finds the key for an exception.  The sentences
are message ids; they are translated when a page is rendered.
Source: architecture, J3; register: impersonal or "Ông/Bà".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.certificate_sentences import CERTIFICATE_PROBLEMS
from idp.web.data_sentences import ASK_PROBLEMS, DATA_PROBLEMS
from idp.web.factor_sentences import CONTACT_PROBLEMS, FACTOR_PROBLEMS
from idp.web.mandate_sentences import MANDATE_PROBLEMS
from idp.web.official_sentences import (
    COUNTER_PROBLEMS,
    FIRST_PASSWORD_PROBLEMS,
    HELPDESK_PROBLEMS,
)
from idp.web.opening_sentences import NUMBER_PROBLEMS, OPENING_PROBLEMS
from idp.web.passkey_sentences import PASSKEY_PROBLEMS
from idp.web.password_sentences import PASSWORD_PROBLEMS
from idp.web.reset_sentences import FORGOT_PROBLEMS, SECOND_PROBLEMS, SENT_PROBLEMS
from idp.web.sentences import FORM_PROBLEMS, N_, FieldProblem
from idp.web.signature_image_sentences import SIGNATURE_IMAGE_PROBLEMS
from idp.web.verify_sentences import VERIFY_PROBLEMS
from signing.errors import SigningError
from signing.messages.appearance import AppearanceRefusal

UNKNOWN: Final = "signing_failed"
"""The key for whatever has no sentence of its own."""

_AGAIN = N_(
    "Không thực hiện được việc ký số. Tài liệu chưa được ký. Vui lòng thử lại sau ít phút; nếu vẫn"
    " gặp lỗi, hãy báo cho bộ phận hỗ trợ kèm mã tra cứu."
)
_UNREADABLE = N_(
    "Hệ thống không đọc được tài liệu này nên không thể ký. Tài liệu không thay đổi. Hãy đề nghị"
    " cổng dịch vụ gửi lại tài liệu."
)
_BUSY = N_(
    "Hệ thống đang xử lý nhiều tài liệu. Tài liệu chưa được ký. Vui lòng thử lại sau ít phút."
)
_NO_KEY = N_(
    "Khóa ký của chứng thư này không dùng được nữa. Tài liệu chưa được ký. Hãy chọn chứng thư khác"
    " hoặc đề nghị cấp chứng thư mới."
)
_CLOSED = N_(
    "Thời gian xác nhận đã hết. Tài liệu chưa được ký. Nếu vẫn muốn ký, hãy bấm “Tiếp tục để ký”."
)
_INTERRUPTED = N_(
    "Lần xác nhận trước bị gián đoạn. Tài liệu chưa được ký. Vui lòng bấm “Tiếp tục để ký” và xác"
    " nhận lại."
)

_NO_FACTOR = N_(
    "Tài khoản chưa có ứng dụng xác thực hoặc khóa truy cập dùng được cho việc ký số. Tài liệu chưa"
    " được ký. Hãy đăng ký ứng dụng xác thực tại bộ phận một cửa."
)
_TOO_YOUNG = N_(
    "Ứng dụng xác thực mới được đăng ký nên chưa dùng để ký được. Tài liệu chưa được ký. Vì an"
    " toàn, vui lòng chờ đủ 72 giờ kể từ khi đăng ký. Nếu sau đó vẫn chưa ký được, vui lòng đến nơi"
    " đã xác minh danh tính để nhận mã kích hoạt mới."
)
_OTHER_WAY = N_("Không dùng được cách xác nhận này. Vui lòng chọn lại cách xác nhận.")

_NO_PLACE = N_(
    "Không đặt được hình chữ ký vào vị trí mà cổng dịch vụ yêu cầu. Tài liệu chưa được ký. Hãy đề"
    " nghị cổng dịch vụ gửi lại yêu cầu."
)
_NO_IMAGE = N_(
    "Chưa có hình chữ ký hoặc hình con dấu dùng được nên không ký theo mẫu mà cổng dịch vụ yêu cầu."
    " Tài liệu chưa được ký. Hãy liên hệ nơi quản lý tài khoản để bổ sung hình."
)

_OF_CONFIRMING: Final[Mapping[str, FieldProblem]] = {
    "wrong_code": FieldProblem(
        "otp",
        N_(
            "Mã xác nhận không đúng hoặc đã được sử dụng. Tài liệu chưa được ký. Vui lòng chờ ứng"
            " dụng hiển thị mã mới rồi nhập lại."
        ),
    ),
    "code_used": FieldProblem(
        "otp",
        N_(
            "Mã này đã được sử dụng. Tài liệu chưa được ký. Vui lòng chờ ứng dụng hiển thị mã mới"
            " rồi nhập lại."
        ),
    ),
    "code_missing": FieldProblem("otp", N_("Chưa nhập mã. Vui lòng nhập mã gồm 6 chữ số.")),
    "too_many": FieldProblem(
        "",
        N_("Đã nhập sai quá số lần cho phép. Tài liệu chưa được ký. Vui lòng thử lại sau ít phút."),
    ),
    "window_closed": FieldProblem("", _CLOSED),
    "activation_expired": FieldProblem("", _CLOSED),
    "window_changed": FieldProblem(
        "",
        N_(
            "Yêu cầu này vừa được mở để ký ở một cửa sổ khác. Tài liệu chưa được ký. Vui lòng kiểm"
            " tra lại thông tin rồi xác nhận."
        ),
    ),
    "interrupted": FieldProblem("", _INTERRUPTED),
    "activation_spent": FieldProblem("", _INTERRUPTED),
    "another_confirmation": FieldProblem(
        "",
        N_(
            "Một lần xác nhận khác của yêu cầu này đang được xử lý. Vui lòng chờ ít phút rồi tải"
            " lại trang."
        ),
    ),
    "mandate_ended": FieldProblem(
        "",
        N_(
            "Tài khoản hoặc thẩm quyền ký thay tổ chức của Ông/Bà không còn hiệu lực. Tài liệu chưa"
            " được ký. Hãy liên hệ người đại diện theo pháp luật của tổ chức."
        ),
    ),
    "passkey_foreign": FieldProblem(
        "",
        N_(
            "Khóa truy cập này không thuộc chứng thư đã chọn. Tài liệu chưa được ký. Vui lòng chọn"
            " lại chứng thư."
        ),
    ),
    "evidence_refused": FieldProblem(
        "",
        N_(
            "Xác nhận bằng khóa truy cập không hợp lệ. Tài liệu chưa được ký. Vui lòng bấm “Tiếp"
            " tục để ký” và xác nhận lại."
        ),
    ),
    "passkey_missing": FieldProblem(
        "",
        N_(
            "Chưa nhận được xác nhận từ khóa truy cập. Tài liệu chưa được ký. Vui lòng bấm nút xác"
            " nhận và làm theo hướng dẫn của thiết bị."
        ),
    ),
    "no_authenticator": FieldProblem("", _NO_FACTOR),
    "no_second_factor": FieldProblem("", _NO_FACTOR),
    "authenticator_too_young": FieldProblem("", _TOO_YOUNG),
    "second_factor_too_young": FieldProblem("", _TOO_YOUNG),
    "passkey_unknown": FieldProblem("", _OTHER_WAY),
    "passkey_needed": FieldProblem("", _OTHER_WAY),
    "code_needed": FieldProblem("", _OTHER_WAY),
}

_OF_CERTIFICATES: Final[Mapping[str, FieldProblem]] = {
    "credential_missing": FieldProblem(
        "credential", N_("Chưa chọn chứng thư. Vui lòng chọn một chứng thư để ký.")
    ),
    "revoked": FieldProblem(
        "",
        N_(
            "Chứng thư chữ ký số đã bị thu hồi. Tài liệu chưa được ký. Hãy chọn chứng thư khác hoặc"
            " đề nghị cấp chứng thư mới."
        ),
    ),
    "expired": FieldProblem(
        "",
        N_(
            "Chứng thư chữ ký số đã hết hạn. Tài liệu chưa được ký. Hãy chọn chứng thư khác hoặc đề"
            " nghị cấp chứng thư mới."
        ),
    ),
    "personal_key_suspended": FieldProblem(
        "",
        N_(
            "Khóa ký của Ông/Bà đang bị tạm dừng. Tài liệu chưa được ký. Hãy liên hệ nơi cấp chứng"
            " thư để biết lý do."
        ),
    ),
    "personal_key_unknown": FieldProblem("", _NO_KEY),
    "personal_key_destroyed": FieldProblem("", _NO_KEY),
    "certificate_refused": FieldProblem(
        "",
        N_(
            "Chứng thư này không dùng để ký được ở thời điểm hiện tại. Tài liệu chưa được ký. Hãy"
            " chọn chứng thư khác."
        ),
    ),
    "signature_foreign": FieldProblem("", _AGAIN),
    "account_ended": FieldProblem("", N_("Tài khoản không còn hoạt động nên không ký số được.")),
    "level_too_low": FieldProblem(
        "",
        N_(
            "Cần tài khoản định danh điện tử mức độ 2 để được cấp chứng thư. Vui lòng đến cơ quan"
            " công an nơi thuận tiện để đăng ký, sau đó mở lại trang này."
        ),
    ),
    "not_proofed": FieldProblem(
        "",
        N_(
            "Chưa có hồ sơ định danh của tài khoản nên chưa cấp được chứng thư. Vui lòng đến bộ"
            " phận một cửa để bổ sung."
        ),
    ),
    "certificate_suspended": FieldProblem(
        "",
        N_(
            "Chứng thư hoặc khóa ký đang bị tạm dừng. Tài liệu chưa được ký. Hãy liên hệ nơi cấp"
            " chứng thư để biết lý do."
        ),
    ),
    "too_many_keys": FieldProblem(
        "", N_("Đã tạo quá nhiều khóa ký trong thời gian ngắn. Vui lòng thử lại vào ngày mai.")
    ),
    "not_issued": FieldProblem(
        "",
        N_(
            "Khóa ký đã được tạo nhưng chưa cấp được chứng thư. Vui lòng mở lại trang này sau ít"
            " phút; không cần xác nhận lại."
        ),
    ),
}

_OF_SERVICES: Final[Mapping[str, FieldProblem]] = {
    "signer_away": FieldProblem(
        "",
        N_(
            "Dịch vụ giữ khóa ký đang gián đoạn. Tài liệu chưa được ký và yêu cầu vẫn còn hiệu lực."
            " Vui lòng thử lại sau ít phút."
        ),
    ),
    "second_factor_unavailable": FieldProblem(
        "",
        N_(
            "Dịch vụ kiểm tra mã xác nhận đang gián đoạn. Tài liệu chưa được ký, mã chưa được sử"
            " dụng. Vui lòng thử lại sau ít phút."
        ),
    ),
    "timestamp_unavailable": FieldProblem(
        "",
        N_(
            "Chưa lấy được dấu thời gian. Tài liệu chưa được ký hoàn tất. Vui lòng thử lại sau ít"
            " phút."
        ),
    ),
    "status_unavailable": FieldProblem(
        "",
        N_(
            "Chưa kiểm tra được tình trạng của chứng thư. Tài liệu chưa được ký hoàn tất. Vui lòng"
            " thử lại sau ít phút."
        ),
    ),
    "busy": FieldProblem("", _BUSY),
    "not_started": FieldProblem("", _BUSY),
    "parsing_failed": FieldProblem("", _UNREADABLE),
    "walls_missing": FieldProblem("", _AGAIN),
    "request_not_waiting": FieldProblem(
        "", N_("Yêu cầu này không còn chờ Ông/Bà ký. Trạng thái hiện tại được ghi ở trang này.")
    ),
    UNKNOWN: FieldProblem("", _AGAIN),
}

_OF_DOCUMENTS: Final[Mapping[str, FieldProblem]] = {
    code: FieldProblem("", sentence)
    for code, sentence in {
        **{
            one.value: _NO_IMAGE if one.startswith(("image_", "seal_")) else _NO_PLACE
            for one in AppearanceRefusal
        },
        "no_such_page": _NO_PLACE,
        "no_new_visible_field": _NO_PLACE,
        "timestamp_too_large": N_(
            "Dấu thời gian lớn hơn chỗ dành cho nó trong tài liệu. Tài liệu chưa được ký. Hãy đề"
            " nghị cổng dịch vụ gửi lại yêu cầu."
        ),
        "document_refused": _UNREADABLE,
        "document_changed": N_(
            "Tài liệu không còn giống với tài liệu đã gửi đến. Để bảo đảm an toàn, việc ký đã dừng"
            " lại. Hãy đề nghị cổng dịch vụ gửi lại yêu cầu."
        ),
        "document_gone": N_(
            "Tài liệu đã quá thời hạn lưu giữ nên không còn ở đây. Hãy đề nghị cổng dịch vụ gửi lại"
            " yêu cầu."
        ),
        "empty": N_("Tài liệu không có nội dung. Hãy đề nghị cổng dịch vụ gửi lại."),
        "too_large": N_("Tài liệu quá lớn nên không ký được ở đây."),
        "expands_too_much": N_(
            "Tài liệu nở ra quá lớn khi mở, có thể là tệp gây hại. Việc ký đã dừng lại."
        ),
        "takes_too_long": N_(
            "Tài liệu quá phức tạp, không mở được trong thời gian cho phép. Việc ký đã dừng lại."
        ),
        "media_type_differs": N_("Tài liệu không đúng với loại tệp đã khai báo."),
        "not_a_pdf": N_("Tệp này không phải là tài liệu PDF."),
        "truncated": N_("Tài liệu PDF bị thiếu phần cuối. Hãy đề nghị cổng dịch vụ gửi lại."),
        "damaged": N_("Tài liệu PDF bị hỏng. Hãy đề nghị cổng dịch vụ gửi lại."),
        "encrypted": N_("Tài liệu PDF có mật khẩu hoặc bị mã hóa nên không ký được."),
        "too_many_pages": N_("Tài liệu có quá nhiều trang nên không ký được ở đây."),
        "javascript": N_(
            "Tài liệu PDF chứa chương trình (JavaScript), nội dung hiển thị có thể thay đổi sau khi"
            " ký. Vì vậy tài liệu không được ký."
        ),
        "launch_action": N_(
            "Tài liệu PDF chứa lệnh mở chương trình khác. Vì an toàn, tài liệu không được ký."
        ),
        "xfa_form": N_("Tài liệu PDF chứa biểu mẫu XFA, loại không ký được ở đây."),
        "rich_media": N_(
            "Tài liệu PDF chứa phim, âm thanh hoặc nội dung 3D nên không ký được ở đây."
        ),
        "no_further_signature": N_("Tài liệu đã được ký và người ký trước không cho phép ký thêm."),
        "no_such_field": N_("Tài liệu không có ô chữ ký mà cổng dịch vụ yêu cầu."),
        "field_filled": N_("Ô chữ ký mà cổng dịch vụ yêu cầu đã có chữ ký."),
        "field_locked": N_("Ô chữ ký mà cổng dịch vụ yêu cầu đã bị khóa."),
        "field_demands_more": N_(
            "Ô chữ ký trong tài liệu đặt ra điều kiện mà hệ thống không đáp ứng được."
        ),
        "not_xml": N_("Tệp này không phải là tài liệu XML."),
        "encoding_unknown": N_("Tài liệu XML dùng bảng mã không được hỗ trợ."),
        "doctype": N_("Tài liệu XML chứa khai báo DOCTYPE. Vì an toàn, tài liệu không được ký."),
        "too_many_elements": N_("Tài liệu XML có quá nhiều phần tử nên không ký được ở đây."),
    }.items()
}

SIGN_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    **_OF_DOCUMENTS,
    **_OF_CERTIFICATES,
    **_OF_SERVICES,
    **_OF_CONFIRMING,
}

REFUSAL_REASONS: Final[Mapping[str, str]] = {
    "content_wrong": N_("Nội dung tài liệu chưa đúng"),
    "not_expected": N_("Tôi không đề nghị thực hiện việc này"),
    "wrong_person": N_("Người ký phải là người khác"),
    "other": N_("Lý do khác"),
}
"""Why somebody does not sign: codes that the portal reads, so no free text leaves."""

_WAITING_FOR: Final[Mapping[str, str]] = {
    "timestamp_unavailable": N_(
        "Dấu thời gian. Hệ thống tự thử lại; Ông/Bà không cần xác nhận lại."
    ),
    "status_unavailable": N_(
        "Kết quả kiểm tra chứng thư. Hệ thống tự thử lại; Ông/Bà không cần xác nhận lại."
    ),
}
_WAITING: Final = N_("Hệ thống đang bận và tự thử lại; Ông/Bà không cần xác nhận lại.")

WITHDRAWN: Final = N_("Cổng dịch vụ đã rút lại yêu cầu này.")


def problem_of_signing(error: SigningError) -> str:
    """The key of `SIGN_PROBLEMS` for an exception: by its reason, else by its kind."""
    reason = getattr(error, "reason", "")
    if reason in SIGN_PROBLEMS:
        return str(reason)
    return error.code if error.code in SIGN_PROBLEMS else UNKNOWN


def sentence_of_reason(reason: str) -> str:
    """What a request's stored reason says to its signer; empty for none."""
    if not reason:
        return ""
    if reason == "withdrawn":
        return WITHDRAWN
    if reason in REFUSAL_REASONS:
        return REFUSAL_REASONS[reason]
    return SIGN_PROBLEMS.get(reason, SIGN_PROBLEMS[UNKNOWN]).sentence


def sentence_of_waiting(reason: str) -> str:
    """What a request that was confirmed still waits for; empty while it is just being done."""
    return _WAITING_FOR.get(reason, _WAITING) if reason else ""


FORMS: Final = {
    **FORM_PROBLEMS,
    "sign": SIGN_PROBLEMS,
    "certificate": CERTIFICATE_PROBLEMS,
    "passkey": PASSKEY_PROBLEMS,
    "factor": FACTOR_PROBLEMS,
    "contact": CONTACT_PROBLEMS,
    "password": PASSWORD_PROBLEMS,
    "opening": OPENING_PROBLEMS,
    "number": NUMBER_PROBLEMS,
    "counter": COUNTER_PROBLEMS,
    "first_password": FIRST_PASSWORD_PROBLEMS,
    "helpdesk": HELPDESK_PROBLEMS,
    "data": DATA_PROBLEMS,
    "mandate": MANDATE_PROBLEMS,
    "forgot": FORGOT_PROBLEMS,
    "forgot_sent": SENT_PROBLEMS,
    "forgot_second": SECOND_PROBLEMS,
    "data_ask": ASK_PROBLEMS,
    "verify": VERIFY_PROBLEMS,
    "signature_image": SIGNATURE_IMAGE_PROBLEMS,
}
"""The tables of all forms, with those of signing and of checking."""
