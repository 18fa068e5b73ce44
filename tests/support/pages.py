"""One specimen of every page and of every problem, and an application that shows them.

What lives here: `SPECIMENS` (name to view-model, with long names and stacked diacritics) and
`make_gallery`, which serves `/page/<name>` under the same content security policy as the service
and echoes at `/sent` what a form submitted.  Not here: any real flow.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, get_args

import segno
from flask import Flask, Response, jsonify, request

from idp.web.pages import (
    AccessibilityPage,
    CapacityOption,
    CapacityPage,
    ConsentPage,
    ConsentsPage,
    ErrorKind,
    ErrorPage,
    FormPostPage,
    GivenConsent,
    HelpPage,
    HomePage,
    InformationPage,
    LoggedOutPage,
    LoginPage,
    LoginProblem,
    LogoutPage,
    OtpPage,
    Page,
    ReceiptPage,
    SandboxPage,
    SandboxPerson,
    SandboxPortal,
    SelectAccountPage,
    SharedPurpose,
    SharedRow,
    TotpActivationPage,
    TotpEnrolPage,
    mask_number,
    render,
)
from idp.web.sandbox_pages import OutboxPage, ShownMessage
from idp.web.theme import Site, install_pages
from idp.web.trust_pages import AuthoritiesPage, Authority, AuthorityPage, LogPage, LogTree
from tests.support.account_specimens import ACCOUNT_SPECIMENS
from tests.support.certificate_specimens import CERTIFICATE_SPECIMENS
from tests.support.data_specimens import DATA_SPECIMENS
from tests.support.mandate_specimens import MANDATE_SPECIMENS
from tests.support.official_specimens import OFFICIAL_SPECIMENS
from tests.support.opening_specimens import OPENING_SPECIMENS
from tests.support.recovery_specimens import RECOVERY_SPECIMENS
from tests.support.sign_specimens import SIGN_SPECIMENS
from tests.support.signature_image_specimens import SIGNATURE_IMAGE_SPECIMENS
from tests.support.verify_specimens import VERIFY_SPECIMENS

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
CLIENT: Final = "Cổng dịch vụ công Bộ Nông nghiệp và Phát triển nông thôn"
SHORT_CLIENT: Final = "Cổng dịch vụ công"
NAME: Final = "Nguyễn Thị Lấp Lánh Ánh"
LONG_NAME: Final = "Công Tằng Tôn Nữ Thị Nguyễn Hoàng Khuyến Nghiễng Thuỳ Dưỡng"
COMPANY: Final = (
    "CÔNG TY TRÁCH NHIỆM HỮU HẠN MỘT THÀNH VIÊN THƯƠNG MẠI DỊCH VỤ LẤP LÁNH TƯỞNG TƯỢNG"
)
RETRY_AT: Final = datetime(2026, 11, 21, 8, 41, 30, tzinfo=UTC)
_FORM: Final[dict[str, Any]] = {"action": "/sent", "csrf_token": "csrf-of-the-gallery"}


def _qr() -> str:
    uri = "otpauth://totp/An%20Tin?secret=KHONGPHAIKHOATHATDAU234567ABCDEF&issuer=An%20Tin"
    return segno.make(uri, error="m").svg_data_uri(border=2, scale=6, dark="#12263a")


PURPOSES: Final = (
    SharedPurpose(
        purpose="Giải quyết hồ sơ cấp giấy phép xây dựng",
        retention="5 năm kể từ khi có kết quả",
        rows=(
            SharedRow(label="Họ và tên", value=LONG_NAME),
            SharedRow(label="Số định danh cá nhân", value=mask_number("003190001118")),
            SharedRow(label="Ngày sinh", value="12/04/1990"),
            SharedRow(label="Dân tộc", value="Kinh", is_sensitive=True),
        ),
    ),
    SharedPurpose(
        purpose="Nhắn tin khi hồ sơ có kết quả",
        retention="Đến khi trả kết quả",
        rows=(
            SharedRow(label="Số điện thoại", value=mask_number("0999183234", head=2), key="phone"),
            SharedRow(
                label="Thư điện tử", value="lap.lanh.anh@hop-thu-dien-tu.example", key="email"
            ),
            SharedRow(label="Ngôn ngữ nhận thư", value="Tiếng Việt"),
        ),
        is_required=False,
    ),
)
STATUTORY: Final = SharedPurpose(
    purpose="Đối chiếu với cơ sở dữ liệu quốc gia về đăng ký doanh nghiệp",
    retention="10 năm",
    rows=(SharedRow(label="Mã số doanh nghiệp", value="9900831740"),),
    legal_ref="khoản 2 Điều 36 Nghị định 01/2021/NĐ-CP",
)
_SHARING: Final[dict[str, Any]] = {
    "client_name": SHORT_CLIENT,
    "controller": "Sở Xây dựng thành phố Tưởng Tượng",
    "dpo_contact": "baovedulieu@soxaydung.example",
}

AUTHORITY: Final = Authority(
    name="Ấn Tín – Tổ chức cấp chứng thư số dịch vụ công",
    organisation="TRUNG TÂM CHUYỂN ĐỔI SỐ TƯỞNG TƯỢNG",
    role="issuing",
    issuer_name="Ấn Tín – Tổ chức gốc",
    valid_from=RETRY_AT,
    valid_to=datetime(2036, 11, 21, 8, 41, 30, tzinfo=UTC),
    retired_at=None,
    serial="5f3c 9a10 77de 0b1c",
    fingerprint=" ".join(["3FA9", "00C1", "7E5D", "B2F8"] * 4),
    page_url="/help",
    certificate_url="/help",
    pem_url="/help",
    crl_url="/help",
    ocsp_url="https://vi-du.example/ocsp",
)


_PASSKEY: Final[dict[str, Any]] = {
    "passkey_action": "/sent",
    "passkey_options": '{"challenge": "YQ", "rpId": "localhost", "allowCredentials": []}',
}


def _tree(*, is_public: bool) -> LogTree:
    return LogTree(
        is_public=is_public,
        origin="vi-du.example/nhat-ky",
        size=1_234_567,
        root="CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        signed_at=RETRY_AT,
        witnesses=("nhan-chung.example",) if is_public else (),
        witnessed_at=RETRY_AT if is_public else None,
        checkpoint_url="/help",
        keys_url="/help",
    )


_PLAIN: Final[Mapping[str, Page]] = {
    "login": LoginPage(client_name=SHORT_CLIENT, cancel_action="/sent", **_FORM),
    "login_everything": LoginPage(
        client_name=CLIENT,
        identifier="003190001118",
        step_up=True,
        forgot_url="/help",
        open_url="/help",
        vneid_url="/help",
        cancel_action="/sent",
        **_FORM,
    ),
    "login_passkey": LoginPage(
        client_name=SHORT_CLIENT, cancel_action="/sent", **_PASSKEY, **_FORM
    ),
    "login_popup": LoginPage(client_name=SHORT_CLIENT, display="popup", **_FORM),
    "otp": OtpPage(client_name=SHORT_CLIENT, name=NAME, cancel_action="/sent", **_FORM),
    "otp_step_up": OtpPage(
        client_name=CLIENT, name=LONG_NAME, step_up=True, enrol_url="/help", **_FORM
    ),
    "otp_wrong": OtpPage(client_name=SHORT_CLIENT, problem="wrong_code", attempts_left=4, **_FORM),
    "otp_passkey": OtpPage(client_name=SHORT_CLIENT, name=NAME, **_PASSKEY, **_FORM),
    "otp_passkey_alone": OtpPage(
        client_name=SHORT_CLIENT,
        name=NAME,
        way=None,
        others=("recovery",),
        problem="passkey_refused",
        cancel_action="/sent",
        **_PASSKEY,
        **_FORM,
    ),
    "otp_used": OtpPage(client_name=SHORT_CLIENT, problem="code_used", **_FORM),
    "otp_too_many": OtpPage(
        client_name=SHORT_CLIENT, problem="too_many_attempts", retry_at=RETRY_AT, **_FORM
    ),
    "activation": TotpActivationPage(cancel_action="/sent", **_FORM),
    "activation_wrong": TotpActivationPage(problem="wrong_activation_code", **_FORM),
    "enrol": TotpEnrolPage(
        qr_svg_data_uri=_qr(),
        secret_grouped="KHON GPHA IKHO ATHA TDAU 2345 67AB CDEF",
        cancel_action="/sent",
        **_FORM,
    ),
    "select_account": SelectAccountPage(
        client_name=CLIENT, name=LONG_NAME, identifier_masked=mask_number("003190001118"), **_FORM
    ),
    "capacity": CapacityPage(
        client_name=SHORT_CLIENT,
        name=LONG_NAME,
        options=(
            CapacityOption(value="self", kind="self"),
            CapacityOption(
                value="mandate_1",
                kind="legal_representative",
                organisation=COMPANY,
                code="9900831740",
            ),
            CapacityOption(
                value="mandate_2",
                kind="delegation",
                organisation="Hợp tác xã Nông nghiệp Sương Khói",
                code="9900831741",
                valid_to="31/12/2027",
            ),
        ),
        cancel_action="/sent",
        **_FORM,
    ),
    "capacity_ended": CapacityPage(
        client_name=SHORT_CLIENT,
        name=NAME,
        options=(CapacityOption(value="self", kind="self"),),
        problem="capacity_ended",
        **_FORM,
    ),
    "consent": ConsentPage(
        purposes=PURPOSES, policy_url="https://soxaydung.example/chinh-sach", **_SHARING, **_FORM
    ),
    "consent_mixed": ConsentPage(purposes=(*PURPOSES[:1], STATUTORY), **_SHARING, **_FORM),
    "information": InformationPage(
        purposes=(STATUTORY,), cancel_action="/sent", **_SHARING, **_FORM
    ),
    "receipt": ReceiptPage(
        number="DY-2026-8F3A-91C2",
        name=LONG_NAME,
        given_at=RETRY_AT,
        purposes=(*PURPOSES[:1], STATUTORY),
        text_shown=(
            "Cổng dịch vụ công đề nghị được sử dụng các thông tin sau đây của Ông/Bà:",
            "Họ và tên; Số định danh cá nhân; Ngày sinh; Dân tộc",
        ),
        text_language="vi",
        text_version="2026-11-01",
        text_sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        return_url="/help",
        **_SHARING,
    ),
    "receipt_by_law": ReceiptPage(
        number="DY-2026-8F3A-91C3",
        name=NAME,
        given_at=RETRY_AT,
        purposes=(STATUTORY,),
        text_shown=("Thông tin sẽ được chuyển đến Cổng dịch vụ công",),
        text_language="vi",
        text_version="2026-12",
        text_sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        is_by_law=True,
        **_SHARING,
    ),
    "receipt_withdrawn": ReceiptPage(
        number="DY-2026-8F3A-91C2",
        name=NAME,
        given_at=RETRY_AT,
        withdrawn_at=RETRY_AT,
        purposes=PURPOSES[:1],
        text_shown=("The portal asks to use the following information about you:",),
        text_language="en",
        text_version="2026-11-01",
        text_sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        **_SHARING,
    ),
    "consents": ConsentsPage(
        name=LONG_NAME,
        consents=(
            GivenConsent(
                client_name=CLIENT,
                shared=("Họ và tên", "Số định danh cá nhân"),
                given_at=RETRY_AT,
                receipt_url="/help",
                withdraw_action="/sent",
            ),
            GivenConsent(
                client_name=SHORT_CLIENT,
                shared=("Thư điện tử",),
                given_at=RETRY_AT,
                withdrawn_at=RETRY_AT,
                receipt_url="/help",
            ),
            GivenConsent(
                client_name=SHORT_CLIENT,
                shared=("Ngày sinh",),
                given_at=RETRY_AT,
                is_by_law=True,
                receipt_url="/help",
            ),
        ),
        csrf_token="a-token",
        passkeys_url="/help",
    ),
    "consents_none": ConsentsPage(name=NAME, consents=(), csrf_token="a-token"),
    "logout": LogoutPage(
        client_name=SHORT_CLIENT, name=NAME, portals=("Cổng doanh nghiệp", CLIENT), **_FORM
    ),
    "logout_bare": LogoutPage(client_name=None, **_FORM),
    "logged_out": LoggedOutPage(return_url="/help", return_name=SHORT_CLIENT),
    "logged_out_partial": LoggedOutPage(partial=True, return_url="/help"),
    "form_post": FormPostPage(
        action="/sent", fields=(("code", "a-code"), ("state", "a-state")), client_name=SHORT_CLIENT
    ),
    "sandbox_outbox": OutboxPage(
        messages=(
            ShownMessage(
                at=RETRY_AT,
                is_mail=False,
                address="+84000000018",
                subject="",
                text="Ấn Tín: 271828 là mã đăng nhập, đến 14:05.",
            ),
            ShownMessage(
                at=RETRY_AT,
                is_mail=True,
                address="nguoi0018@sandbox.example",
                subject="Ấn Tín: đặt lại mật khẩu / password reset",
                text="Kính gửi Ông/Bà,\n\nhttps://id.example.vn/recovery/abcdefghijklmnop\n",
            ),
        )
    ),
    "sandbox_outbox_empty": OutboxPage(messages=()),
    "sandbox": SandboxPage(
        portals=(
            SandboxPortal(
                name="Cổng người dân", url="http://localhost:8001", description="Dành cho công dân"
            ),
            SandboxPortal(
                name="Cổng doanh nghiệp",
                url="http://localhost:8002",
                description="Dành cho người đại diện của tổ chức",
            ),
        ),
        people=(
            SandboxPerson(
                name=NAME,
                identifier="003190001118",
                password="nuoc-chay-da-mon-2026",
                account_level="2",
                otp_command="antin otp 003190001118",
                organisations=(COMPANY,),
            ),
            SandboxPerson(
                name=LONG_NAME,
                identifier="005085001119",
                password="kien-tha-lau-day-to",
                account_level="1",
            ),
        ),
        discovery_url="http://localhost:8000/.well-known/openid-configuration",
    ),
    "home": HomePage(account_url="/help"),
    "authorities": AuthoritiesPage(authorities=(AUTHORITY,), tsa_url="https://vi-du.example/tsa"),
    "authorities_none": AuthoritiesPage(authorities=()),
    "authority": AuthorityPage(authority=AUTHORITY),
    "log": LogPage(trees=(_tree(is_public=True), _tree(is_public=False))),
    "log_empty": LogPage(trees=()),
    "help": HelpPage(),
    "accessibility": AccessibilityPage(),
}

_LOGIN_PROBLEMS: Final[Mapping[str, Page]] = {
    f"login_{problem}": LoginPage(
        client_name=SHORT_CLIENT,
        identifier="003190001118",
        problem=problem,
        retry_at=RETRY_AT if problem == "too_many_attempts" else None,
        **_FORM,
    )
    for problem in get_args(LoginProblem)
}

_OF_A_CLIENT: Final = frozenset({"access_denied_level", "sharing_restricted"})
_WITH_WAY_BACK: Final = _OF_A_CLIENT | {"interaction_expired"}
_ERRORS: Final[Mapping[str, Page]] = {
    f"error_{kind}": ErrorPage(
        kind=kind,
        reference="req_7f3a91c204de55b8",
        detail="redirect_uri_missing" if kind == "invalid_request" else "",
        return_url="/help" if kind in _WITH_WAY_BACK else None,
        restriction_url="/help" if kind == "sharing_restricted" else None,
        client_name=CLIENT if kind in _OF_A_CLIENT else None,
    )
    for kind in get_args(ErrorKind)
}

SPECIMENS: Final[Mapping[str, Page]] = {
    **_PLAIN,
    **OFFICIAL_SPECIMENS,
    **_LOGIN_PROBLEMS,
    **_ERRORS,
    **ACCOUNT_SPECIMENS,
    **RECOVERY_SPECIMENS,
    **OPENING_SPECIMENS,
    **CERTIFICATE_SPECIMENS,
    **DATA_SPECIMENS,
    **SIGNATURE_IMAGE_SPECIMENS,
    **MANDATE_SPECIMENS,
    **SIGN_SPECIMENS,
    **VERIFY_SPECIMENS,
}


def make_gallery(*, is_secure: bool = False) -> Flask:
    """An application that shows every specimen at `/page/<name>` and echoes forms at `/sent`."""
    app = Flask("gallery", static_folder=None)
    site = Site(domain="xacthuc.example.vn", is_secure=is_secure, support="1900 0000")
    install_pages(app, site=site)

    @app.get("/page/<name>")
    def show(name: str) -> str:
        return render(SPECIMENS[name])

    @app.post("/sent")
    def sent() -> Response:
        return jsonify(request.form.to_dict(flat=False))

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app
