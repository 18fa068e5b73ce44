"""The pages of recovery as specimens, for the gallery of pages.

What lives here: `RECOVERY_SPECIMENS`, each page with what makes it long.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from idp.web.pages import Page
from idp.web.password_sentences import PASSWORD_PROBLEMS
from idp.web.recovery_pages import (
    CasesPage,
    ForgotPage,
    LockedPage,
    NewPasswordPage,
    NotMePage,
    ResetDonePage,
    ResetGonePage,
    ResetLinkPage,
    SecondProofPage,
    SentPage,
    ShownCase,
    StopPage,
)
from idp.web.reset_sentences import FORGOT_PROBLEMS, SECOND_PROBLEMS, SENT_PROBLEMS

_NOW: Final = datetime(2026, 11, 21, 3, 4, tzinfo=UTC)
_NAME: Final = "Nguyễn Thị Lấp Lánh Ánh"
_TOKEN: Final = "a-token"
_OPTIONS: Final = '{"challenge": "AAAA", "rpId": "localhost", "allowCredentials": []}'


def _forgot(**changed: Any) -> ForgotPage:
    return ForgotPage(action="/sent", csrf_token=_TOKEN, back="", **changed)


def _sent(way: str, **changed: Any) -> SentPage:
    return SentPage(
        action="/sent", csrf_token=_TOKEN, way=way, digits=8, minutes=15, again_url="/help",
        **changed,
    )  # fmt: skip


def _second(**changed: Any) -> SecondProofPage:
    given: dict[str, Any] = {
        "passkey_options": "",
        "has_app": True,
        "recovery_action": "/sent",
        "other": "+84 ••• ••• 018",
        "is_other_sent": True,
        **changed,
    }
    return SecondProofPage(
        csrf_token=_TOKEN, app_action="/sent", activation_action="/sent", other_action="/sent",
        other_send_action="/sent", passkey_action="/sent", digits=8, **given,
    )  # fmt: skip


def _password(**changed: Any) -> NewPasswordPage:
    return NewPasswordPage(
        action="/sent", csrf_token=_TOKEN, least_chars=8, **{"caps": True, **changed}
    )


def _case(**changed: Any) -> ShownCase:
    given: dict[str, Any] = {
        "number": "K7QF-3M2P",
        "kind": "not_me",
        "opened_at": _NOW,
        "closed_at": None,
        "device": "Chrome trên thiết bị Android",
        **changed,
    }
    return ShownCase(**given)


RECOVERY_SPECIMENS: Final[Mapping[str, Page]] = {
    "forgot": _forgot(),
    **{f"forgot_{one}": _forgot(problem=one, retry_at=_NOW) for one in FORGOT_PROBLEMS},
    "forgot_sent_link": _sent("email_link"),
    "forgot_sent_sms": _sent("sms_code"),
    **{f"forgot_sent_{one}": _sent("email_code", problem=one) for one in SENT_PROBLEMS},
    "forgot_link": ResetLinkPage(action="/sent", csrf_token=_TOKEN),
    "forgot_second": _second(passkey_options=_OPTIONS),
    "forgot_second_none": _second(has_app=False, recovery_action="", other="", is_other_sent=False),
    **{f"forgot_second_{one}": _second(problem=one, retry_at=_NOW) for one in SECOND_PROBLEMS},
    "forgot_password": _password(),
    "forgot_password_proofed": _password(caps=False),
    **{
        f"forgot_password_{one}": _password(problem=one)
        for one in PASSWORD_PROBLEMS
        if one not in {"current_missing", "current_wrong", "too_many_attempts"}
    },
    "forgot_done": ResetDonePage(continue_url="/help", days=3),
    **{
        f"forgot_gone_{kind}": ResetGonePage(
            kind=kind, again_url="/help", continue_url="/help" if kind == "used" else ""
        )
        for kind in ("gone", "elsewhere", "used", "stop_gone")
    },
    "forgot_stop": StopPage(action="/sent", csrf_token=_TOKEN, done_at=_NOW, until=_NOW),
    "locked": LockedPage(number="K7QF-3M2P", is_stopped_reset=False, forgot_url="/help"),
    "locked_reset": LockedPage(number="K7QF-3M2P", is_stopped_reset=True, forgot_url="/help"),
    "not_me": NotMePage(
        action="/sent", csrf_token=_TOKEN, reported="", device="", since=None, back_url="/help"
    ),
    "not_me_session": NotMePage(
        action="/sent",
        csrf_token=_TOKEN,
        reported="ses_1",
        device="Chrome trên thiết bị Android",
        since=_NOW,
        back_url="/help",
    ),
    "cases": CasesPage(
        name=_NAME,
        cases=(_case(), _case(kind="reset_stopped", closed_at=_NOW, device="")),
    ),
    "cases_none": CasesPage(name=_NAME, cases=()),
}
