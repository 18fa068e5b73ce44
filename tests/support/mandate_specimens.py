"""One specimen of every page on which people act for organisations and let others do so.

What lives here: `MANDATE_SPECIMENS` (name to view-model), shown by the gallery of `pages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from idp.web.mandate_pages import (
    Choice,
    DelegatePage,
    MandateDecisionPage,
    MandatesPage,
    PortalGroup,
    RepresentPage,
    ShownMandate,
    ShownOrganisation,
)
from idp.web.pages import Page

_NAME: Final = "Công Tằng Tôn Nữ Thị Nguyễn Hoàng Khuyến Nghiễng Thuỳ Dưỡng"
_FIRM: Final = "CÔNG TY TRÁCH NHIỆM HỮU HẠN MỘT THÀNH VIÊN THƯƠNG MẠI DỊCH VỤ LẤP LÁNH TƯỞNG TƯỢNG"
_PORTAL: Final = "Cổng dịch vụ công Bộ Nông nghiệp và Phát triển nông thôn"
_PROBLEMS: Final = ("delegate_unknown", "scope_missing", "dates_wrong", "too_many_attempts")
_NOW: Final = datetime(2026, 11, 21, 2, 15, tzinfo=UTC)


def _mandate(**changed: Any) -> ShownMandate:
    given: dict[str, Any] = {
        "title": _NAME,
        "code": "",
        "role": "Người được ủy quyền",
        "state": "Đang có hiệu lực",
        "is_waiting": False,
        "scopes": ("Nộp và bổ sung hồ sơ", "Ký văn bản nhân danh tổ chức"),
        "portals": (_PORTAL, "Thuế điện tử"),
        "since": "01/11/2026",
        "until": "30/04/2027",
        "giver": "Đỗ Thị Bình Mẫu",
        "reference": "12/2026/UQ-HĐTV, ngày 30/10/2026",
        "sha256": "0123456789abcdef" * 4,
        "agreed": (),
        "decide_by": "",
        "ended": "",
        "end_action": "/sent",
        **changed,
    }
    return ShownMandate(**given)


_WAITING: Final = _mandate(
    state="Chờ người đại diện khác đồng ý",
    is_waiting=True,
    agreed=("Hồ Thị Dung Mẫu",),
    decide_by="05/12/2026",
    agree_action="/sent",
    decline_action="/sent",
)
_ENDED: Final = _mandate(
    title=_FIRM,
    state="Đã chấm dứt",
    ended="15/11/2026. Người được ủy quyền từ chối",
    end_action="",
    sha256="",
)


def _page(**changed: Any) -> MandatesPage:
    given: dict[str, Any] = {
        "name": _NAME,
        "held": (_mandate(title=_FIRM, code="9900000016", portals=()),),
        "organisations": (
            ShownOrganisation(
                name=_FIRM,
                code="9900000023",
                representatives=(_NAME, "Hồ Thị Dung Mẫu"),
                agreements=1,
                until="",
                checked_at=_NOW,
                give_url="/sent",
                given=(_WAITING, _mandate()),
            ),
            ShownOrganisation(
                name="Hợp tác xã Thử",
                code="9900000030",
                representatives=(_NAME,),
                agreements=-1,
                until="31/12/2026",
                checked_at=None,
                give_url="/sent",
                given=(),
            ),
        ),
        "over": (_ENDED,),
        "csrf_token": "a-token",
        "represent_url": "/help",
        **changed,
    }
    return MandatesPage(**given)


def _delegate(**changed: Any) -> DelegatePage:
    given: dict[str, Any] = {
        "organisation": _FIRM,
        "code": "9900000023",
        "agreements": 1,
        "action": "/sent",
        "csrf_token": "a-token",
        "kind": "delegation",
        "scopes": (
            Choice(value="submit", label="Nộp và bổ sung hồ sơ", is_chosen=True),
            Choice(value="receive", label="Nhận kết quả, thông báo và tra cứu hồ sơ"),
            Choice(value="sign", label="Ký văn bản nhân danh tổ chức"),
        ),
        "is_everywhere": False,
        "groups": (
            PortalGroup(
                agency="Bộ Nông nghiệp và Phát triển nông thôn",
                portals=(Choice(value="portal", label=_PORTAL, is_chosen=True),),
            ),
            PortalGroup(agency="Cục Thuế", portals=(Choice(value="tax", label="Thuế điện tử"),)),
        ),
        "valid_from": "2026-11-21",
        "valid_to": "",
        "reference": "",
        "dated": "",
        "sha256": "",
        "first": "2026-11-21",
        "longest": "2028-11-20",
        **changed,
    }
    return DelegatePage(**given)


def _decision(act: str) -> MandateDecisionPage:
    return MandateDecisionPage(
        act=act,
        organisation=_FIRM,
        mandate=_mandate(end_action=""),
        action="/sent",
        back_url="/help",
        csrf_token="a-token",
    )


MANDATE_SPECIMENS: Final[Mapping[str, Page]] = {
    "mandates": _page(),
    "mandates_none": _page(held=(), organisations=(), over=()),
    "mandates_told": _page(told="ended", organisations=(), over=()),
    **{f"mandate_{one}": _decision(one) for one in ("end", "renounce", "agree", "decline")},
    "represent": RepresentPage(action="/sent", csrf_token="a-token", code="9900000016"),
    "represent_away": RepresentPage(
        action="/sent", csrf_token="a-token", code="9900000016", problem="register_away"
    ),
    "represent_not": RepresentPage(
        action="/sent", csrf_token="a-token", code="9900000016", problem="not_registered"
    ),
    "delegate": _delegate(),
    "delegate_everywhere": _delegate(is_everywhere=True, agreements=0, kind="seal_clerk"),
    **{f"delegate_{one}": _delegate(problem=one) for one in _PROBLEMS},
}
