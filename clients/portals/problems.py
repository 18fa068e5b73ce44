"""What a portal says when a sign-in, or asking for a signature, did not work.

What lives here: one sentence and one next step per kind of problem, in Vietnamese and English,
and which error of the SDK is which kind.  Details go to the portal's log, never to the page.
"""

from __future__ import annotations

from dataclasses import dataclass

from clients.sdk import (
    AuthorizationRefused,
    IdTokenInvalid,
    LoginExpired,
    ProviderUnavailable,
    ResponseMalformed,
    SdkError,
    SigningAnswerMalformed,
    SigningRefused,
    StateMismatch,
    TokenRequestRefused,
)

_ACR_STEP = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A page: HTTP status, heading, sentence and next step, each in both languages."""

    name: str
    status: int
    title: tuple[str, str]
    sentence: tuple[str, str]
    next_step: tuple[str, str]

    @property
    def leads_home(self) -> bool:
        """Whether signing in again is not the next step."""
        return self.next_step is _HOME


_AGAIN = ("Đăng nhập lại", "Sign in again")
_HOME = ("Về trang chủ", "Go to the home page")

DENIED = Problem(
    name="access_denied",
    status=403,
    title=("Chưa đăng nhập", "Not signed in"),
    sentence=(
        (
            "Ông/Bà đã không đồng ý chia sẻ thông tin, nên chưa thể đăng nhập vào cổng dịch vụ."
            " Không có thông tin nào được chia sẻ."
        ),
        (
            "You chose not to share your information, so the portal could not sign you in. Nothing"
            " was shared."
        ),
    ),
    next_step=_AGAIN,
)
LOGIN_REQUIRED = Problem(
    name="login_required",
    status=403,
    title=("Cần đăng nhập", "Please sign in"),
    sentence=(
        "Phiên đăng nhập của Ông/Bà đã kết thúc, hoặc cần Ông/Bà xác nhận thêm.",
        "Your session has ended, or something still needs your confirmation.",
    ),
    next_step=_AGAIN,
)
LEVEL = Problem(
    name="level_too_low",
    status=403,
    title=("Cần xác thực hai yếu tố", "Two factors are needed"),
    sentence=(
        (
            "Dịch vụ này yêu cầu đăng nhập bằng mật khẩu và mã xác thực một lần. Nếu chưa có"
            " ứng dụng tạo mã, Ông/Bà cần kích hoạt trước."
        ),
        (
            "This service asks for your password and a one-time code. If you have no code app yet,"
            " activate one first."
        ),
    ),
    next_step=_AGAIN,
)
UNAVAILABLE = Problem(
    name="provider_unavailable",
    status=503,
    title=("Hệ thống đăng nhập đang gián đoạn", "Sign-in is not available"),
    sentence=(
        "Hệ thống xác thực chưa phản hồi. Vui lòng thử lại sau ít phút.",
        "The sign-in service does not answer. Please try again in a few minutes.",
    ),
    next_step=("Thử lại", "Try again"),
)
NOT_THIS_BROWSER = Problem(
    name="not_this_browser",
    status=400,
    title=("Không thể tiếp tục lần đăng nhập này", "This sign-in cannot go on"),
    sentence=(
        "Lần đăng nhập này đã quá thời hạn, đã được sử dụng, hoặc được bắt đầu ở trình duyệt khác.",
        "This sign-in is too old, already used, or was started in another browser.",
    ),
    next_step=_AGAIN,
)
UNTRUSTED = Problem(
    name="answer_refused",
    status=502,
    title=("Chưa đăng nhập được", "Sign-in did not work"),
    sentence=(
        (
            "Phản hồi của hệ thống xác thực không qua được bước kiểm tra, nên cổng dịch vụ đã từ"
            " chối. Nếu tình trạng này lặp lại, vui lòng báo cho cổng dịch vụ."
        ),
        (
            "The answer of the sign-in service did not pass our checks, so we refused it. If this"
            " happens again, please tell us."
        ),
    ),
    next_step=_AGAIN,
)
FORM_TOO_OLD = Problem(
    name="form_too_old",
    status=400,
    title=("Trang đã cũ", "This page is out of date"),
    sentence=(
        "Trang này không còn thuộc phiên đăng nhập hiện tại. Vui lòng mở lại trang chủ.",
        "This page no longer belongs to your session. Please open the home page again.",
    ),
    next_step=_HOME,
)

SIGNED_OUT_HERE = Problem(
    name="signed_out_here",
    status=503,
    title=("Chỉ mới đăng xuất khỏi cổng này", "Signed out of this portal only"),
    sentence=(
        (
            "Đã đăng xuất khỏi cổng này, nhưng hệ thống xác thực chưa phản hồi. Vui lòng đóng"
            " trình duyệt để bảo đảm an toàn."
        ),
        (
            "You are signed out of this portal, but the sign-in service does not answer. Please"
            " close the browser to be safe."
        ),
    ),
    next_step=_HOME,
)
NOT_FOUND = Problem(
    name="not_found",
    status=404,
    title=("Không tìm thấy trang này", "No such page"),
    sentence=("Địa chỉ này không có trong cổng dịch vụ.", "This portal has no such address."),
    next_step=_HOME,
)

NOTHING_TO_SIGN = Problem(
    name="nothing_to_sign",
    status=403,
    title=("Chưa thể ký", "There is nothing to sign yet"),
    sentence=(
        (
            "Chỉ ký được quyết định khi Ông/Bà đăng nhập thay mặt một tổ chức. Hãy đăng nhập lại và"
            " chọn tổ chức."
        ),
        "A decision is signed for an organisation: sign in again and choose one.",
    ),
    next_step=_AGAIN,
)
SIGNING_REFUSED = Problem(
    name="signing_refused",
    status=502,
    title=("Không gửi ký được", "The signing service refused"),
    sentence=(
        (
            "Hệ thống ký số không nhận yêu cầu này. Tài liệu chưa được ký. Nếu tình trạng này lặp"
            " lại, vui lòng báo cho cổng dịch vụ."
        ),
        (
            "The signing service did not take this request. Nothing was signed. If this happens"
            " again, please tell us."
        ),
    ),
    next_step=_HOME,
)
SIGNER_UNKNOWN = Problem(
    name="signer_unknown",
    status=403,
    title=("Ông/Bà chưa được ký tài liệu này", "You may not sign this"),
    sentence=(
        (
            "Hệ thống ký số không thấy Ông/Bà có quyền ký với tư cách này. Tài liệu chưa được ký."
            " Hãy kiểm tra tư cách đại diện rồi đăng nhập lại."
        ),
        (
            "The signing service does not find that you may sign in this capacity. Nothing was"
            " signed. Please check for whom you may act, then sign in again."
        ),
    ),
    next_step=_AGAIN,
)
NOT_SIGNED_YET = Problem(
    name="not_signed_yet",
    status=409,
    title=("Tài liệu chưa ký xong", "Not signed yet"),
    sentence=(
        "Tài liệu này chưa được ký xong nên chưa tải về được.",
        "This document is not signed, so there is nothing to download.",
    ),
    next_step=_HOME,
)
SIGNING_UNAVAILABLE = Problem(
    name="signing_unavailable",
    status=503,
    title=("Hệ thống ký số đang gián đoạn", "Signing is not available"),
    sentence=(
        "Hệ thống ký số chưa phản hồi. Vui lòng thử lại sau ít phút.",
        "The signing service does not answer. Please try again in a few minutes.",
    ),
    next_step=_HOME,
)
DOCUMENT_GONE = Problem(
    name="document_gone",
    status=410,
    title=("Tài liệu không còn ở hệ thống ký số", "The document is no longer kept"),
    sentence=(
        "Đã quá thời hạn tải tài liệu đã ký từ hệ thống ký số. Vui lòng ký lại nếu cần.",
        "The time to fetch the signed document is over. Please sign again if you need it.",
    ),
    next_step=_HOME,
)

_BY_SIGNING_ERROR = {
    "signer_unknown": SIGNER_UNKNOWN,
    "request_unknown": NOT_FOUND,
    "request_not_waiting": NOT_SIGNED_YET,
    "not_signed": NOT_SIGNED_YET,
    "document_gone": DOCUMENT_GONE,
}
_BY_PROTOCOL_ERROR = {
    "access_denied": DENIED,
    "login_required": LOGIN_REQUIRED,
    "interaction_required": LOGIN_REQUIRED,
    "consent_required": LOGIN_REQUIRED,
    "account_selection_required": LOGIN_REQUIRED,
    "unmet_authentication_requirements": LEVEL,
    "server_error": UNAVAILABLE,
    "temporarily_unavailable": UNAVAILABLE,
}


def problem_of(error: SdkError) -> Problem:
    """Return the page for an error of the SDK."""
    match error:
        case AuthorizationRefused():
            return _BY_PROTOCOL_ERROR.get(error.error, UNTRUSTED)
        case IdTokenInvalid(step=step) if step == _ACR_STEP:
            return LEVEL
        case ProviderUnavailable(where="sign"):
            return SIGNING_UNAVAILABLE
        case ProviderUnavailable():
            return UNAVAILABLE
        case SigningRefused():
            return _BY_SIGNING_ERROR.get(error.error, SIGNING_REFUSED)
        case SigningAnswerMalformed():
            return SIGNING_REFUSED
        case StateMismatch() | LoginExpired() | ResponseMalformed():
            return NOT_THIS_BROWSER
        case TokenRequestRefused(error="invalid_grant"):
            return NOT_THIS_BROWSER
        case _:
            return UNTRUSTED
