"""What the pages of certificates say when something is not done, and why one was revoked.

What lives here: a sentence per code; English is in the catalogue.  Not here: when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from idp.web.sentences import N_, FieldProblem
from keystore.pki.model import RevocationReason

UNKNOWN: Final = "certificate_failed"
"""The key for whatever has no sentence of its own."""

_AGAIN: Final = N_(
    "Không thực hiện được. Chứng thư không thay đổi. Vui lòng thử lại sau ít phút; nếu vẫn gặp lỗi,"
    " hãy báo cho bộ phận hỗ trợ."
)
_CLOSED: Final = N_("Thời gian xác nhận đã hết. Chưa có gì thay đổi. Vui lòng làm lại từ đầu.")
_INTERRUPTED: Final = N_(
    "Lần xác nhận trước bị gián đoạn. Vui lòng xem lại tình trạng chứng thư rồi làm lại nếu cần."
)
_NO_FACTOR: Final = N_(
    "Tài khoản chưa có ứng dụng xác thực hoặc khóa truy cập dùng được cho việc ký số. Hãy đăng ký"
    " khóa truy cập, hoặc đăng ký ứng dụng xác thực tại bộ phận một cửa."
)
_TOO_YOUNG: Final = N_(
    "Ứng dụng xác thực mới được đăng ký nên chưa dùng để ký được. Vì an toàn, vui lòng chờ đủ 72"
    " giờ kể từ khi đăng ký rồi thử lại."
)
_OTHER_WAY: Final = N_("Không dùng được cách xác nhận này. Vui lòng chọn lại cách xác nhận.")
_NOT_RIGHT: Final = N_(
    "Xác nhận bằng khóa truy cập không hợp lệ. Chưa có gì thay đổi. Vui lòng làm lại từ đầu."
)
_SIGNER_AWAY: Final = N_(
    "Bộ phận giữ khóa ký đang bận. Chưa có gì thay đổi. Vui lòng thử lại sau ít phút."
)
_ENDED: Final = N_(
    "Tài khoản hoặc thẩm quyền thay mặt tổ chức của Ông/Bà không còn hiệu lực. Hãy liên hệ người"
    " đại diện theo pháp luật của tổ chức."
)
_HELD: Final = N_(
    "Chứng thư này không do Ông/Bà tạm dừng nên Ông/Bà không tự cho dùng lại được. Hãy liên hệ bộ"
    " phận một cửa."
)

CERTIFICATE_PROBLEMS: Final[Mapping[str, FieldProblem]] = {
    code: FieldProblem(field, sentence)
    for code, (field, sentence) in {
        "wrong_code": (
            "otp",
            N_(
                "Mã xác nhận không đúng hoặc đã được sử dụng. Vui lòng chờ ứng dụng hiển thị mã"
                " mới rồi nhập lại."
            ),
        ),
        "code_used": (
            "otp",
            N_("Mã này đã được sử dụng. Vui lòng chờ ứng dụng hiển thị mã mới rồi nhập lại."),
        ),
        "code_missing": ("otp", N_("Chưa nhập mã. Vui lòng nhập mã gồm 6 chữ số.")),
        "too_many": (
            "",
            N_("Đã nhập sai quá số lần cho phép. Vui lòng thử lại sau ít phút."),
        ),
        "window_closed": ("", _CLOSED),
        "activation_expired": ("", _CLOSED),
        "window_changed": (
            "",
            N_(
                "Việc này vừa được mở lại ở một cửa sổ khác. Chưa có gì thay đổi. Vui lòng kiểm tra"
                " lại rồi xác nhận."
            ),
        ),
        "interrupted": ("", _INTERRUPTED),
        "activation_spent": ("", _INTERRUPTED),
        "evidence_refused": ("", _NOT_RIGHT),
        "activation_foreign": ("", _NOT_RIGHT),
        "passkey_missing": (
            "",
            N_(
                "Chưa nhận được xác nhận từ khóa truy cập. Vui lòng bấm nút xác nhận và làm theo"
                " hướng dẫn của thiết bị."
            ),
        ),
        "passkey_unknown": ("", _OTHER_WAY),
        "passkey_needed": ("", _OTHER_WAY),
        "code_needed": ("", _OTHER_WAY),
        "no_authenticator": ("", _NO_FACTOR),
        "no_second_factor": ("", _NO_FACTOR),
        "authenticator_too_young": ("", _TOO_YOUNG),
        "second_factor_too_young": ("", _TOO_YOUNG),
        "mandate_ended": ("", _ENDED),
        "account_ended": ("", _ENDED),
        "level_too_low": (
            "",
            N_(
                "Ký số cần tài khoản định danh điện tử mức độ 2. Hãy đến bộ phận một cửa để nâng"
                " mức độ tài khoản."
            ),
        ),
        "not_proofed": (
            "",
            N_(
                "Chưa có hồ sơ định danh mức độ 2 của tài khoản này. Hãy đến bộ phận một cửa để"
                " được xác minh."
            ),
        ),
        "certificate_suspended": (
            "",
            N_(
                "Đang có chứng thư bị tạm dừng nên chưa cấp chứng thư mới được. Hãy cho dùng lại"
                " hoặc thu hồi chứng thư đó trước."
            ),
        ),
        "too_many_keys": (
            "",
            N_(
                "Đã có nhiều khóa ký, hoặc nhiều khóa vừa được tạo trong ngày. Vui lòng thu hồi"
                " chứng thư không dùng nữa hoặc thử lại vào ngày mai."
            ),
        ),
        "not_issued": (
            "",
            N_(
                "Khóa ký đã được tạo nhưng chưa cấp được chứng thư. Hệ thống sẽ cấp khi Ông/Bà mở"
                " lại trang này; không cần xác nhận lại."
            ),
        ),
        "signer_away": ("", _SIGNER_AWAY),
        "signer_unavailable": ("", _SIGNER_AWAY),
        "second_factor_unavailable": (
            "",
            N_(
                "Chưa kiểm tra được mã xác nhận. Chưa có gì thay đổi. Vui lòng thử lại sau ít phút."
            ),
        ),
        "not_in_force": (
            "",
            N_("Chứng thư này đã tạm dừng hoặc đã hết hiệu lực từ trước, có thể từ cửa sổ khác."),
        ),
        "not_suspended": ("", N_("Chứng thư này hiện không bị tạm dừng.")),
        "ended": ("", N_("Chứng thư này đã hết hiệu lực hoặc đã bị thu hồi từ trước.")),
        "held_by_others": ("", _HELD),
        "representative_only": (
            "",
            N_(
                "Chỉ người đại diện theo pháp luật của tổ chức được thu hồi chứng thư này. Nếu cần"
                " dừng ngay, Ông/Bà có thể tạm dừng chứng thư."
            ),
        ),
        "reason_missing": ("reason", N_("Chưa chọn lý do. Vui lòng chọn một lý do thu hồi.")),
        UNKNOWN: ("", _AGAIN),
    }.items()
}

REVOCATION_REASONS: Final[Mapping[RevocationReason, str]] = {
    RevocationReason.KEY_COMPROMISE: N_("Có người khác dùng được hoặc biết được phương tiện ký"),
    RevocationReason.SUPERSEDED: N_("Đã có chứng thư khác thay thế"),
    RevocationReason.AFFILIATION_CHANGED: N_("Thông tin hoặc nơi công tác ghi trên chứng thư đổi"),
    RevocationReason.CESSATION_OF_OPERATION: N_("Không cần dùng chứng thư này nữa"),
    RevocationReason.UNSPECIFIED: N_("Lý do khác"),
    RevocationReason.PRIVILEGE_WITHDRAWN: N_("Quyền ghi trên chứng thư đã bị rút"),
    RevocationReason.CA_COMPROMISE: N_("Tổ chức cấp chứng thư gặp sự cố"),
}
"""RFC 5280 §5.3.1 in plain words."""

USE_CONFIRMED: Final[Mapping[str, str]] = {
    "webauthn": N_("Xác nhận bằng khóa truy cập"),
    "statement": N_("Xác nhận bằng mã OTP"),
}

_USE_REFUSED: Final[Mapping[str, str]] = {
    "evidence_refused": N_("Xác nhận không hợp lệ"),
    "personal_key_suspended": N_("Khóa đang tạm dừng"),
    "personal_key_destroyed": N_("Khóa đã bị hủy"),
    "activation_expired": N_("Quá thời gian xác nhận"),
    "activation_spent": N_("Lần xác nhận này đã được dùng"),
}
_USE_REFUSED_ELSE: Final = N_("Yêu cầu không hợp lệ")


def use_refused(code: str) -> str:
    """Why a key did not sign, in a few words."""
    return _USE_REFUSED.get(code, _USE_REFUSED_ELSE)
