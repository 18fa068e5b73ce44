"""One specimen of every page of the signing journey, and of every problem it can show.

What lives here: view-models with long names and stacked diacritics, for the gallery of
`tests/support/pages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from idp.web.pages import Page
from idp.web.sign_pages import (
    EnrolWay,
    OutcomeKind,
    PasskeyAsked,
    ShownPage,
    SignCertificate,
    SignCertificatePage,
    SignConfirmPage,
    SignDocument,
    SignOtherAccountPage,
    SignOutcomePage,
    SignPage,
    SignRefusePage,
)
from idp.web.sign_sentences import SIGN_PROBLEMS, sentence_of_waiting

CLIENT: Final = "Cổng dịch vụ công Bộ Nông nghiệp và Phát triển nông thôn"
NAME: Final = "Công Tằng Tôn Nữ Thị Nguyễn Hoàng Khuyến Nghiễng Thuỳ Dưỡng"
COMPANY: Final = (
    "CÔNG TY TRÁCH NHIỆM HỮU HẠN MỘT THÀNH VIÊN THƯƠNG MẠI DỊCH VỤ LẤP LÁNH TƯỞNG TƯỢNG"
)
TITLE: Final = "Đơn đề nghị cấp giấy phép xây dựng nhà ở riêng lẻ tại xã Nghiêng Nguyễn"
UNTIL: Final = datetime(2026, 11, 28, 8, 41, 30, tzinfo=UTC)
_DIGEST: Final = "7F3A 91C2 04DE 55B8"
_PICTURE: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='1200' height='1697'%3E"
    "%3Crect width='1200' height='1697' fill='%23fff'/%3E%3C/svg%3E"
)


def _document(position: int, **known: Any) -> SignDocument:
    return SignDocument(
        **{
            "position": position,
            "name": "Đơn_đề_nghị_cấp_giấy_phép_xây_dựng_nhà_ở_riêng_lẻ_bản_chính_thức.pdf",
            "kind": "pdf",
            "size": "1,4 MB",
            "pages": 3,
            "hash_name": "SHA-256",
            "digest": _DIGEST,
            "digest_whole": " ".join([_DIGEST] * 4),
            "content_url": "/help",
            **known,
        }
    )


_ONE: Final = (_document(0),)
_MANY: Final = (
    _document(0, is_shown=True, show_url="/help"),
    _document(1, name="Bản vẽ.xml", kind="xml", pages=None),
    _document(2, name="Phụ lục", kind="digest", pages=None, size="1 KB", content_url=None),
    *(_document(at, name=f"Phụ lục {at}.pdf", show_url="/help") for at in range(3, 14)),
)
_SHOWN: Final = ShownPage(
    position=0,
    document="Đơn đề nghị.pdf",
    number=2,
    count=3,
    image_url=_PICTURE,
    large_url="/help",
    previous_url="/help",
    next_url="/help",
)
_CODE: Final = SignCertificate(
    value="key_1",
    holder=NAME,
    issuer="Ấn Tín – Tổ chức cấp chứng thư số dịch vụ công",
    not_after=UNTIL,
    is_passkey=False,
)
_TOUCH: Final = SignCertificate(
    value="key_2~YQ",
    holder=NAME,
    issuer="Ấn Tín – Tổ chức cấp chứng thư số dịch vụ công",
    not_after=UNTIL,
    is_passkey=True,
    number=2,
)
_ASKED: Final[dict[str, Any]] = {
    "client_name": CLIENT,
    "title": TITLE,
    "documents": _ONE,
    "shown": _SHOWN,
    "csrf_token": "csrf-of-the-gallery",
    "refuse_action": "/sent",
    "action": "/sent",
    "reference": "req_7f3a91c204de55b8",
}
_READ: Final[dict[str, Any]] = {
    **_ASKED,
    "certificates": (_CODE,),
    "expires_at": UNTIL,
    "window_minutes": 5,
}
_CONFIRM: Final[dict[str, Any]] = {
    **_ASKED,
    "certificate": _CODE,
    "window": "00" * 32,
    "expires_at": UNTIL,
    "left_s": 272,
    "passkey": None,
    "here_url": "/help",
}
_PASSKEY: Final = PasskeyAsked(challenge="YQ", rp_id="localhost", credential_id="YQ")
_CERTIFICATE: Final[dict[str, Any]] = {
    "client_name": CLIENT,
    "name": NAME,
    "for_whom": "",
    "action": "/sent",
    "back_url": "/help",
    "csrf_token": "csrf-of-the-gallery",
    "window": "00" * 32,
    "expires_at": UNTIL,
    "left_s": 272,
    "passkey": None,
}

# those that differ in more than words
_OUTCOMES: Final[tuple[OutcomeKind, ...]] = ("under_way", "not_yet", "signed", "failed")

_WHY: Final[Mapping[str, str]] = {
    "failed": SIGN_PROBLEMS["document_changed"].sentence,
    "under_way": sentence_of_waiting("timestamp_unavailable"),
}

SIGN_SPECIMENS: Final[Mapping[str, Page]] = {
    "sign": SignPage(**_READ),
    "sign_many": SignPage(
        **{**_READ, "documents": _MANY, "certificates": (_TOUCH, _CODE), "for_whom": COMPANY},
    ),
    "sign_seal": SignPage(**{**_READ, "for_whom": COMPANY, "is_seal": True, "shown": None}),
    "sign_no_certificate": SignPage(
        **{
            **_READ,
            "certificates": (),
            "why_none": SIGN_PROBLEMS["level_too_low"].sentence,
        }
    ),
    "sign_first_certificate": SignPage(
        **{
            **_READ,
            "certificates": (),
            "enrol_action": "/sent",
            "enrol_ways": (
                EnrolWay(value="YQ", name="Điện thoại của Dưỡng"),
                EnrolWay(value="code", is_passkey=False),
            ),
        }
    ),
    "sign_confirm": SignConfirmPage(**_CONFIRM),
    "sign_confirm_wrong": SignConfirmPage(**_CONFIRM, problem="wrong_code"),
    "sign_confirm_passkey": SignConfirmPage(
        **{**_CONFIRM, "certificate": _TOUCH, "passkey": _PASSKEY, "for_whom": COMPANY}
    ),
    "sign_certificate": SignCertificatePage(**_CERTIFICATE),
    "sign_certificate_passkey": SignCertificatePage(
        **{**_CERTIFICATE, "passkey": _PASSKEY, "for_whom": COMPANY}
    ),
    "sign_refuse": SignRefusePage(
        client_name=CLIENT,
        title=TITLE,
        action="/sent",
        back_url="/help",
        csrf_token="csrf-of-the-gallery",
    ),
    "sign_other_account": SignOtherAccountPage(
        name=NAME, action="/sent", csrf_token="csrf-of-the-gallery"
    ),
    **{
        f"sign_{outcome}": SignOutcomePage(
            outcome=outcome,
            client_name=CLIENT,
            title=TITLE,
            documents=(_document(0, signed_url="/help"),),
            at=UNTIL,
            reason=_WHY.get(outcome, ""),
            signed=1,
            signers=2,
            return_url="/help",
            reload_url="/help" if outcome == "under_way" else None,
            reference="req_7f3a91c204de55b8",
        )
        for outcome in _OUTCOMES
    },
    "sign_problem": SignPage(**_READ, problem="signer_away"),
}
