"""One specimen of every page of a person's own account.

What lives here: `ACCOUNT_SPECIMENS` (name to view-model), shown by the gallery of `pages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from idp.web.account_pages import (
    AccountPage,
    HistoryDay,
    HistoryPage,
    PasswordPage,
    SessionsPage,
    ShownEvent,
    ShownSession,
)
from idp.web.pages import Page
from idp.web.password_sentences import PASSWORD_PROBLEMS
from tests.support.factor_specimens import FACTOR_SPECIMENS

_NAME: Final = "Công Tằng Tôn Nữ Thị Nguyễn Hoàng Khuyến Nghiễng Thuỳ Dưỡng"
_NOW: Final = datetime(2026, 11, 21, 2, 15, tzinfo=UTC)
_PORTAL: Final = "Cổng dịch vụ công Bộ Nông nghiệp và Phát triển nông thôn"


def _session(device: str, *, is_here: bool = False, is_level_two: bool = False) -> ShownSession:
    return ShownSession(
        device=device,
        is_here=is_here,
        is_level_two=is_level_two,
        started_at=_NOW - timedelta(hours=3),
        used_at=_NOW,
        expires_at=_NOW + timedelta(hours=9),
        portals=(_PORTAL, "Thuế điện tử") if is_here else (),
        end_action="/sent",
        not_me_url="/help",
    )


def _sessions(*sessions: ShownSession, ended: bool = False) -> SessionsPage:
    return SessionsPage(
        name=_NAME,
        sessions=sessions,
        others_action="/sent",
        all_action="/sent",
        csrf_token="a-token",
        ended=ended,
    )


def _event(title: str, **changed: Any) -> ShownEvent:
    given = {"is_warning": False, "who": "", "fields": (), "purposes": (), "detail": "", **changed}
    return ShownEvent(at="09:15", title=title, proof_url="/help", **given)


def _password(**changed: Any) -> PasswordPage:
    given = {"asks_current": False, **changed}
    return PasswordPage(action="/sent", csrf_token="a-token", least_chars=8, **given)


_HERE: Final = _session("Chrome trên Android", is_here=True, is_level_two=True)

ACCOUNT_SPECIMENS: Final[Mapping[str, Page]] = {
    "account": AccountPage(
        name=_NAME,
        level=2,
        sessions=3,
        has_second_factor=True,
        passkeys=2,
        duties=frozenset({"proofing", "helpdesk"}),
    ),
    "account_bare": AccountPage(
        name=_NAME, level=0, sessions=1, has_second_factor=False, passkeys=None
    ),
    "account_told": AccountPage(
        name=_NAME, level=1, sessions=1, has_second_factor=True, passkeys=0, told="password"
    ),
    "history": HistoryPage(
        name=_NAME,
        days=(
            HistoryDay(
                name="21/11/2026",
                events=(
                    _event(
                        "Chia sẻ thông tin",
                        who=_PORTAL,
                        fields=("Họ và tên", "Số định danh cá nhân", "Ngày sinh"),
                        purposes=("Giải quyết hồ sơ cấp giấy phép xây dựng nhà ở riêng lẻ",),
                    ),
                    _event("Đăng nhập", detail="Chrome trên thiết bị Android"),
                ),
            ),
            HistoryDay(
                name="20/11/2026",
                events=(
                    _event(
                        "Đăng nhập không thành công",
                        is_warning=True,
                        detail="Sai mật khẩu 9 lần trong một phút",
                    ),
                ),
            ),
        ),
        is_first=False,
        older_url="/help",
        newest_url="/help",
        is_proof_early=True,
    ),
    "history_none": HistoryPage(
        name=_NAME, days=(), is_first=True, older_url="", newest_url="/help"
    ),
    "password": _password(),
    "password_current": _password(asks_current=True, problem="too_many_attempts", retry_at=_NOW),
    **{f"password_{one}": _password(asks_current=True, problem=one) for one in PASSWORD_PROBLEMS},
    **FACTOR_SPECIMENS,
    "sessions": _sessions(_HERE, _session("Safari, iPhone"), ended=True),
    "sessions_alone": _sessions(_HERE),
}
