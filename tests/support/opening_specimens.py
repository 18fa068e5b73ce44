"""One specimen of every page on which somebody opens an account or follows a new number.

What lives here: `OPENING_SPECIMENS` (name to view-model), shown by the gallery of `pages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from idp.web.opening_pages import (
    NumberPage,
    OpeningCodePage,
    OpeningDonePage,
    OpeningPersonPage,
    OpeningStartPage,
)
from idp.web.opening_sentences import NUMBER_PROBLEMS, OPENING_PROBLEMS
from idp.web.pages import Page

_NOW: Final = datetime(2026, 11, 21, 2, 15, tzinfo=UTC)
_OF_START: Final = (
    "address_malformed",
    "address_country",
    "sending_refused",
    "exists",
    "nothing_begun",
)
_OF_CODE: Final = ("code_missing", "wrong_code", "code_gone")


def _start(**changed: Any) -> OpeningStartPage:
    return OpeningStartPage(action="/sent", csrf_token="a-token", **changed)


def _code(**changed: Any) -> OpeningCodePage:
    given = {"masked": "t•••@mot-hop-thu-rat-dai.example", "is_email": True, **changed}
    return OpeningCodePage(
        action="/sent",
        resend_action="/sent",
        restart_action="/sent",
        csrf_token="a-token",
        **given,
    )


def _person(**changed: Any) -> OpeningPersonPage:
    return OpeningPersonPage(
        action="/sent",
        csrf_token="a-token",
        controller="Trung tâm Công nghệ thông tin (mô phỏng)",
        least_chars=8,
        **changed,
    )


def _number(**changed: Any) -> NumberPage:
    return NumberPage(action="/sent", csrf_token="a-token", masked="003•••••••18", **changed)


OPENING_SPECIMENS: Final[Mapping[str, Page]] = {
    "opening_start": _start(),
    "opening_start_late": _start(problem="sending_refused", retry_at=_NOW),
    "opening_not_offered": _start(is_offered=False),
    **{f"opening_start_{one}": _start(problem=one, address="ai@đó") for one in _OF_START},
    "opening_code": _code(),
    "opening_code_phone": _code(masked="•••678", is_email=False),
    "opening_code_left": _code(problem="wrong_code", attempts_left=2),
    **{f"opening_code_{one}": _code(problem=one) for one in _OF_CODE},
    "opening_person": _person(),
    "opening_person_late": _person(problem="too_many_attempts", retry_at=_NOW),
    **{
        f"opening_person_{one}": _person(
            problem=one,
            identifier="003199000063",
            full_name="Đỗ Thị Mở Lối",
            birthdate="08/03/1999",
            has_consented=True,
        )
        for one in OPENING_PROBLEMS
        if one not in {*_OF_START, *_OF_CODE}
    },
    "opening_done": OpeningDonePage(sign_in_url="/help"),
    "number": _number(),
    "number_done": _number(is_done=True),
    "number_not_offered": _number(is_offered=False),
    **{f"number_{one}": _number(problem=one, identifier="12") for one in NUMBER_PROBLEMS},
}
