"""One specimen of every page of certificates and of the use of keys.

What lives here: `CERTIFICATE_SPECIMENS` (name to view-model), shown by the gallery of `pages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from idp.web.certificate_pages import (
    CertificateConfirmPage,
    CertificateNewPage,
    CertificatePage,
    CertificateRevokePage,
    CertificatesPage,
    KeyUsesPage,
    ShownCertificate,
    ShownUse,
    WaysFor,
)
from idp.web.pages import Page
from idp.web.sign_pages import EnrolWay, PasskeyAsked

_NAME: Final = "Công Tằng Tôn Nữ Thị Nguyễn Hoàng Khuyến Nghiễng Thuỳ Dưỡng"
_ORGANISATION: Final = "Công ty Trách nhiệm hữu hạn Một thành viên Khuyến nông Nghĩa Thuỷ"
_NOW: Final = datetime(2026, 11, 21, 2, 15, tzinfo=UTC)
_SERIAL: Final = "5B84 08D1 B6A4 3FF0 5C1D 9A0E 44C7 1020"
_DIGEST: Final = "SHA-256: 9F86 D081 884C 7D65 9A2F EAA0 C55A D015 A3BF 4F1B 2B0B 822C D15D 6C15"


def _certificate(**changed: Any) -> ShownCertificate:
    given = {
        "url": "/help",
        "holder": _NAME,
        "is_organisation": False,
        "standing": "in_force",
        "serial": _SERIAL,
        "issuer": "Ấn Tín cấp chứng thư",
        "not_before": _NOW - timedelta(days=100),
        "not_after": _NOW + timedelta(days=900),
        "scal": 2,
        "passkeys": ("Điện thoại của tôi",),
        **changed,
    }
    return ShownCertificate(**given)


def _one(certificate: ShownCertificate, **changed: Any) -> CertificatePage:
    given = {
        "pem_url": "/help",
        "der_url": "/help",
        "chain_url": "/help",
        "uses_url": "/help",
        "renew_url": "/help",
        "suspend_action": "/sent",
        "resume_action": "",
        "revoke_url": "/help",
        "back_url": "/help",
        "csrf_token": "a-token",
        **changed,
    }
    return CertificatePage(certificate=certificate, **given)


def _confirm(**changed: Any) -> CertificateConfirmPage:
    given = {
        "act": "make",
        "is_organisation": False,
        "action": "/sent",
        "back_url": "/help",
        "csrf_token": "a-token",
        "window": "00" * 32,
        "expires_at": _NOW,
        "left_s": 290,
        "passkey": None,
        **changed,
    }
    return CertificateConfirmPage(**given)


def _new(**changed: Any) -> CertificateNewPage:
    given = {
        "owners": (
            WaysFor(
                number=0,
                name=_NAME,
                is_organisation=False,
                ways=(
                    EnrolWay(value="abc", name="Điện thoại của tôi"),
                    EnrolWay(value="code", is_passkey=False),
                ),
                why_none="",
            ),
            WaysFor(
                number=1,
                name=_ORGANISATION,
                is_organisation=True,
                ways=(),
                why_none="Đang có chứng thư bị tạm dừng nên chưa cấp chứng thư mới được.",
            ),
        ),
        "action": "/sent",
        "back_url": "/help",
        "passkeys_url": "/help",
        "csrf_token": "a-token",
        **changed,
    }
    return CertificateNewPage(**given)


def _revoke(**changed: Any) -> CertificateRevokePage:
    return CertificateRevokePage(
        serial=_SERIAL,
        reasons=(("keyCompromise", "Có người khác dùng được phương tiện ký"), ("x", "Lý do khác")),
        action="/sent",
        back_url="/help",
        csrf_token="a-token",
        **changed,
    )


def _use(**changed: Any) -> ShownUse:
    given = {
        "at": _NOW,
        "is_refused": False,
        "who": "Cổng dịch vụ công Bộ Nông nghiệp và Phát triển nông thôn",
        "title": "Đơn đề nghị cấp giấy chứng nhận quyền sử dụng đất",
        "documents": (("don-de-nghi-cap-giay-chung-nhan.pdf", _DIGEST),),
        "count": 1,
        "certificate": _SERIAL,
        "certificate_url": "/help",
        "confirmed_by": "Xác nhận bằng khóa truy cập",
        "by_whom": "",
        "why": "",
        "unwritten": 0,
        "proof_url": "/help",
        **changed,
    }
    return ShownUse(**given)


def _uses(*uses: ShownUse, **changed: Any) -> KeyUsesPage:
    given = {
        "holder": _NAME,
        "is_organisation": False,
        "of": "",
        "owners": (),
        "is_first": True,
        "older_url": "",
        "newest_url": "/help",
        "back_url": "/help",
        **changed,
    }
    return KeyUsesPage(uses=uses, **given)


_REFUSED: Final = _use(
    is_refused=True,
    title="",
    documents=(),
    count=0,
    confirmed_by="",
    why="Khóa đang tạm dừng",
    unwritten=3,
)
_PASSKEY: Final = PasskeyAsked(challenge="AAAA", rp_id="localhost", credential_id="AAAA")

CERTIFICATE_SPECIMENS: Final[Mapping[str, Page]] = {
    "certificates": CertificatesPage(
        name=_NAME,
        certificates=(
            _certificate(),
            _certificate(standing="suspended", scal=1),
            _certificate(standing="revoked"),
            _certificate(standing="expired", holder=_ORGANISATION, is_organisation=True),
        ),
        new_url="/help",
        signatures_url="/help",
        told="issued",
    ),
    "certificates_none": CertificatesPage(
        name=_NAME, certificates=(), new_url="/help", signatures_url="/help"
    ),
    "certificate": _one(_certificate(), told="resumed"),
    "certificate_held": _one(
        _certificate(standing="suspended", changed_at=_NOW, scal=1),
        suspend_action="",
        resume_action="/sent",
        renew_url="",
        told="suspended",
    ),
    "certificate_held_by_others": _one(
        _certificate(standing="suspended", changed_at=_NOW, scal=0),
        suspend_action="",
        renew_url="",
        is_held_by_others=True,
        is_key_gone=True,
    ),
    "certificate_revoked": _one(
        _certificate(
            standing="revoked",
            changed_at=_NOW,
            why="Đã có chứng thư khác thay thế",
            holder=_ORGANISATION,
            is_organisation=True,
        ),
        suspend_action="",
        renew_url="",
        revoke_url="",
        told="revoked",
    ),
    **{
        f"certificate_{code}": _one(_certificate(), problem=code)
        for code in ("not_in_force", "held_by_others", "ended", "representative_only")
    },
    "certificate_revoke": _revoke(),
    "certificate_revoke_reason_missing": _revoke(problem="reason_missing"),
    "certificate_new": _new(),
    "certificate_new_renew": _new(replaces="crt_00", serial=_SERIAL),
    "certificate_new_problem": _new(problem="too_many_keys"),
    "certificate_confirm": _confirm(),
    "certificate_confirm_passkey": _confirm(passkey=_PASSKEY, is_organisation=True),
    "certificate_resume": _confirm(act="resume"),
    **{
        f"certificate_confirm_{code}": _confirm(problem=code)
        for code in ("wrong_code", "too_many", "interrupted")
    },
    "key_uses": _uses(
        _use(),
        _REFUSED,
        _use(title="", documents=(), count=12, by_whom=_NAME),
        older_url="/help",
        not_me_url="/help",
        owners=((_NAME, "/help", True), (_ORGANISATION, "/help", False)),
    ),
    "key_uses_of_one": _uses(_use(), of=_SERIAL, is_first=False, is_proof_early=True),
    "key_uses_none": _uses(),
    "key_uses_pause": _uses(older_url="/help", is_organisation=True, holder=_ORGANISATION),
}
