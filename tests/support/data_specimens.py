"""One specimen of each page about a person's data and rights.

What lives here: `DATA_SPECIMENS`, by name, for the gallery of `tests/support/pages.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

from idp.accounts.data_request_rules import RequestKind
from idp.web.data_pages import (
    AskProblem,
    DataAskPage,
    DataPage,
    DataRequestsPage,
    KeptThing,
    OfferedKind,
    ShownRequest,
    ShownStep,
)
from idp.web.data_request_words import SAYS, TITLES
from idp.web.pages import Page

_NOW: Final = datetime(2026, 11, 21, 8, 41, 30, tzinfo=UTC)
_TOKEN: Final = "csrf-of-the-gallery"
_KEPT: Final = (
    KeptThing(
        what="Nhật ký đăng nhập và chia sẻ dữ liệu, chỉ còn mã số",
        legal="Decree 69/2024/ND-CP, Article 17(2); Decree 165/2025/ND-CP, Article 17(10)",
        until="5 năm kể từ mỗi việc",
    ),
    KeptThing(
        what="Chứng cứ rằng đã có sự đồng ý, chỉ còn mã số",
        legal="NĐ 356/2025/NĐ-CP Art. 6",
        until="5 năm sau khi rút lại",
    ),
)


def _ask(kind: RequestKind, **changed: Any) -> DataAskPage:
    given: dict[str, Any] = {
        "kind": kind.value,
        "title": TITLES[kind],
        "says": SAYS[kind],
        "clock": "Được tiếp nhận trong 2 ngày làm việc và trả lời trong 20 ngày.",
        "legal": "NĐ 356/2025/NĐ-CP Art. 5",
        "label": "Lý do (không bắt buộc)",
        "is_wish_needed": False,
        "most_chars": 2000,
        "waiting_days": 0,
        "kept": (),
        **changed,
    }
    return DataAskPage(action="/sent", back_url="/help", csrf_token=_TOKEN, **given)


def _request(*, is_open: bool, **changed: Any) -> ShownRequest:
    given: dict[str, Any] = {
        "number": "YC-K7QFA-3M2PX",
        "title": TITLES[RequestKind.CORRECT],
        "state": "Đã tiếp nhận, đang xử lý" if is_open else "Đã thực hiện",
        "is_open": is_open,
        "wish": "",
        "legal": "NĐ 356/2025/NĐ-CP Art. 5",
        "steps": (
            ShownStep(at=_NOW, title="Gửi yêu cầu", text="Tên đệm là Mai, không phải Mài"),
            ShownStep(at=_NOW + timedelta(days=1), title="Được tiếp nhận"),
            ShownStep(
                at=_NOW + timedelta(days=10), title="Hạn trả lời", is_due=True, is_late=is_open
            ),
        ),
        "stop_action": "/sent" if is_open else "",
        **changed,
    }
    return ShownRequest(**given)


def _requests(**changed: Any) -> DataRequestsPage:
    given: dict[str, Any] = {
        "requests": (_request(is_open=True), _request(is_open=False)),
        "restricted_since": None,
        **changed,
    }
    offered = tuple(
        OfferedKind(kind=kind.value, title=TITLES[kind], says=SAYS[kind], url="/help")
        for kind in RequestKind
    )
    return DataRequestsPage(csrf_token=_TOKEN, offered=offered, lift_action="/sent", **given)


def _data(**changed: Any) -> DataPage:
    given: dict[str, Any] = {"has_second_factor": True, "most_a_day": 5, **changed}
    return DataPage(action="/sent", csrf_token=_TOKEN, **given)


DATA_SPECIMENS: Final[dict[str, Page]] = {
    "data": _data(),
    "data_confirmed": _data(is_confirmed=True, has_second_factor=False),
    "data_too_many": _data(problem="too_many_exports"),
    "data_requests": _requests(told="asked"),
    "data_requests_restricted": _requests(restricted_since=_NOW, told="stopped"),
    "data_requests_none": _requests(requests=(), told="lifted"),
    "data_ask": _ask(RequestKind.CORRECT, is_wish_needed=True),
    "data_ask_restrict": _ask(RequestKind.RESTRICT, clock=""),
    "data_ask_delete": _ask(RequestKind.DELETE, kept=_KEPT, waiting_days=7),
    **{
        f"data_ask_{problem}": _ask(RequestKind.DELETE, kept=_KEPT, problem=problem)
        for problem in get_args(AskProblem)
    },
}
