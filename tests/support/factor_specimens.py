"""One specimen of every page about second factors and addresses, and of a problem of each kind.

What lives here: `FACTOR_SPECIMENS` (name to view-model), shown by the gallery of `pages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import segno

from idp.web.factor_pages import (
    AuthenticatorAddPage,
    AuthenticatorRemovePage,
    ContactsPage,
    FactorsPage,
    RecoveryCodesPage,
    ShownAuthenticator,
    ShownChannel,
    ShownContact,
    ShownPending,
)
from idp.web.pages import OtpPage, Page
from idp.web.passkey_pages import PasskeyRemovePage, PasskeysPage, ShownPasskey, StoppedKey

_NAME: Final = "Công Tằng Tôn Nữ Thị Nguyễn Hoàng Khuyến Nghiễng Thuỳ Dưỡng"
_NOW: Final = datetime(2026, 11, 21, 2, 15, tzinfo=UTC)
_FORM: Final[dict[str, Any]] = {"action": "/sent", "csrf_token": "a-token"}
_SECRET: Final = "ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567"


def _app(name: str, *, used_at: datetime | None = None) -> ShownAuthenticator:
    return ShownAuthenticator(
        name=name,
        created_at=_NOW,
        used_at=used_at,
        rename_action="/sent",
        remove_action="/sent",
    )


def _contact(channel: str, masked: str, **changed: Any) -> ShownContact:
    given = {"is_verified": True, "mark": "a-mark", "action": "/sent", **changed}
    return ShownContact(channel=channel, masked=masked, **given)


_PHONE: Final = _contact("sms", "•••018", serves_from=_NOW, used_at=_NOW)
_MAIL: Final = _contact("email", "n•••@hop-thu-dien-tu-cua-nguoi-thu.example")
_WAITING: Final = _contact("sms", "•••027", serves_from=_NOW + timedelta(hours=72), is_waiting=True)


def _passkey(name: str, **changed: Any) -> ShownPasskey:
    given = {"used_at": None, "is_synced": True, "alone_from": None, "keys": (), **changed}
    return ShownPasskey(
        name=name, created_at=_NOW, rename_action="/sent", remove_action="/sent", **given
    )


_YOUNG: Final = _passkey(
    "Điện thoại của tôi ở nhà và ở nơi làm việc",
    alone_from=_NOW + timedelta(hours=72),
    keys=(
        StoppedKey(owner=_NAME, is_seal=False, stops=True),
        StoppedKey(owner="Công ty Mây Suối", is_seal=True, stops=False),
    ),
)
_PASSKEYS: Final = (_YOUNG, _passkey("Khóa bảo mật", used_at=_NOW, is_synced=False))


def _otp(**changed: Any) -> OtpPage:
    given = {"client_name": "Cổng dịch vụ công", "name": _NAME, "cancel_action": "/sent", **changed}
    return OtpPage(way_action="/sent", **_FORM, **given)


def _factors(**changed: Any) -> FactorsPage:
    given = {
        "name": _NAME,
        "has_any": True,
        "may_add": True,
        "is_recovering": False,
        "is_by_message": False,
        "is_demanded": False,
        "authenticators": (_app(""), _app("Máy tính bảng của gia đình", used_at=_NOW)),
        "can_add_app": True,
        "contacts": (_PHONE, _MAIL),
        "passkeys": 2,
        "codes_left": 9,
        "codes_made_at": _NOW,
        "wait_hours": 72,
        **_FORM,
        **changed,
    }
    return FactorsPage(**given)


def _contacts(*pending: ShownPending | None, **changed: Any) -> ContactsPage:
    channels = tuple(
        ShownChannel(contact=contact, action="/sent", pending=waits)
        for contact, waits in zip((_WAITING, _MAIL), pending, strict=True)
    )
    return ContactsPage(channels=channels, csrf_token="a-token", wait_hours=72, **changed)


def _add(**changed: Any) -> AuthenticatorAddPage:
    uri = "otpauth://totp/An%20Tin?secret=KHONGPHAIKHOATHATDAU234567ABCDEF&issuer=An%20Tin"
    qr = segno.make(uri, error="m").svg_data_uri(border=2, scale=6, dark="#12263a")
    return AuthenticatorAddPage(
        qr_svg_data_uri=qr, secret_grouped=_SECRET, back_url="/help", **_FORM, **changed
    )


_OUT: Final = ShownPending(masked="•••036", is_out=True, resend_s=41)
_GONE: Final = ShownPending(masked="m•••@mau.example", is_out=False, resend_s=0)

FACTOR_SPECIMENS: Final[Mapping[str, Page]] = {
    "passkeys_none": PasskeysPage(name=_NAME, passkeys=(), options="{}", **_FORM),
    "passkeys_problem": PasskeysPage(
        name=_NAME, passkeys=_PASSKEYS, options="{}", problem="passkey_last", **_FORM
    ),
    "passkeys_wrong_password": PasskeysPage(
        name=_NAME,
        passkeys=(),
        options="{}",
        problem="passkey_current_wrong",
        asks_current=True,
        **_FORM,
    ),
    "passkey_remove": PasskeyRemovePage(passkey=_YOUNG, back_url="/back", is_last=True, **_FORM),
    "otp_ways": _otp(others=("sms", "email", "recovery")),
    "otp_sms": _otp(
        way="sms", others=("app", "recovery"), sent_to="•••018", is_out=True, resend_s=42
    ),
    "otp_email_gone": _otp(name="", way="email", problem="code_gone"),
    "otp_recovery": _otp(way="recovery", others=("app",)),
    "factors": _factors(),
    "factors_bare": _factors(
        has_any=False,
        may_add=False,
        authenticators=(),
        contacts=(
            _contact("sms", "", is_verified=False),
            _contact("email", "n•••@mau.example", is_verified=False),
        ),
        passkeys=None,
        codes_left=0,
        codes_made_at=None,
    ),
    "factors_demanded": _factors(is_demanded=True, contacts=(_WAITING, _MAIL), told="added"),
    "factors_by_message": _factors(may_add=False, is_by_message=True),
    "factors_recovering": _factors(is_recovering=True),
    **{f"factors_{one}": _factors(name="", problem=one) for one in ("name", "last_factor")},
    "totp_remove": AuthenticatorRemovePage(
        app=_app("Điện thoại"), is_last=False, back_url="/help", **_FORM
    ),
    "totp_remove_last": AuthenticatorRemovePage(
        app=_app(""), is_last=True, back_url="/help", **_FORM
    ),
    "totp_add": _add(),
    "totp_add_wrong": _add(problem="wrong_code"),
    "recovery_codes": RecoveryCodesPage(
        codes=("ABCD-EFGH-JKMN",) * 10, made_at=_NOW, back_url="/help"
    ),
    "contacts": _contacts(None, None),
    "contacts_told": _contacts(None, None, told="sms"),
    "contacts_pending": _contacts(_OUT, _GONE),
    "contacts_wrong": _contacts(_OUT, None, wrong="sms", problem="wrong_sent_code"),
    "contacts_late": _contacts(_OUT, None, wrong="sms", problem="sending_refused", retry_at=_NOW),
    "contacts_malformed_email": _contacts(None, None, wrong="email", problem="malformed_email"),
    "contacts_country": _contacts(None, None, wrong="sms", problem="country_not_served"),
    "contacts_switched_off": _contacts(
        None, None, wrong="email", problem="switched_off", retry_at=_NOW
    ),
    "contacts_malformed_sms": _contacts(None, None, wrong="sms", problem="malformed_sms"),
}
