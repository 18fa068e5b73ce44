"""The sign-in step: identifier and password, or a passkey in the place of both.

What lives here: the page, and the form of the password. Not here: whether the password is right
(`idp/accounts/login.py`), what a passkey answers (`idp/web/passkey_sign_in.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from flask import Response, request

from idp.accounts.login import LoginRefused, RefusalReason
from idp.model import Factor
from idp.oauth.authorization import Gathered
from idp.oauth.prompts import Ask, Reason
from idp.web.account.opening import PLACE as OPEN
from idp.web.consent_text import name_of
from idp.web.flow import Flow, Visit, page_answer
from idp.web.pages import LoginPage, LoginProblem
from idp.web.request_facts import note_factor
from idp.web.reset.place import PLACE as FORGOT

_PROBLEMS: Final[dict[RefusalReason, LoginProblem]] = {
    RefusalReason.WRONG: "wrong_credentials",
    RefusalReason.TOO_MANY: "too_many_attempts",
    RefusalReason.IDENTIFIER_MALFORMED: "identifier_format",
    RefusalReason.TAX_CODE_MALFORMED: "tax_format",
    RefusalReason.ORGANISATION_IDENTIFIER: "organisation_identifier",
}
_STEP_UP: Final = frozenset({Reason.PROMPT_LOGIN, Reason.MAX_AGE, Reason.PASSWORD_NOT_FRESH})
_SHOWN_AGAIN: Final = 100


class LoginStep:
    """Identifier and password; the page asks passkeys too."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def show(self, visit: Visit, gathered: Gathered, ask: Ask) -> Response:  # noqa: ARG002 - a Step
        """The page, with the portal's hint filled in."""
        hint = visit.interaction.request.login_hint or ""
        return self._page(visit, identifier=hint, is_step_up=ask.reason in _STEP_UP)

    def refuse(
        self, visit: Visit, problem: LoginProblem, *, retry_at: datetime | None = None
    ) -> Response:
        """The page again, after something else than a password was not taken."""
        return self._page(visit, identifier="", problem=problem, retry_at=retry_at)

    def submit(self, visit: Visit) -> Response:
        """Check what was typed; on success go on, often as far as the portal."""
        raw_identifier = request.form.get("identifier", "")
        raw_password = request.form.get("password", "")
        if not raw_identifier.strip():
            return self._page(visit, identifier="", problem="identifier_missing")
        if not raw_password:
            return self._page(visit, identifier=raw_identifier, problem="password_missing")
        result = self._flow.services.login.check_password(
            raw_identifier=raw_identifier,
            raw_password=raw_password,
            source=self._flow.source(),
            now=visit.now,
        )
        outcome = result.reason if isinstance(result, LoginRefused) else "accepted"
        note_factor(Factor.PASSWORD, outcome=outcome)
        if isinstance(result, LoginRefused):
            return self._page(
                visit,
                identifier=raw_identifier,
                problem=_PROBLEMS[result.reason],
                retry_at=result.retry_at,
            )
        opened = self._flow.signed_in(
            visit,
            result.account_id,
            factor=Factor.PASSWORD,
            is_new_device=result.is_new_device,
        )
        response = self._flow.go_on(visit, opened=opened)
        self._flow.cookies.set_device(response, result.device)
        return response

    def _page(
        self,
        visit: Visit,
        *,
        identifier: str,
        problem: LoginProblem | None = None,
        retry_at: datetime | None = None,
        is_step_up: bool = False,
    ) -> Response:
        page = LoginPage(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(visit.client),
            action=f"{visit.place}/login",
            csrf_token=self._flow.csrf_token(visit),
            identifier=identifier[:_SHOWN_AGAIN],
            problem=problem,
            retry_at=retry_at,
            step_up=is_step_up,
            forgot_url=f"{FORGOT}?from={visit.interaction.interaction_id}",
            cancel_action=f"{visit.place}/cancel",
            open_url=self._open_url(visit),
            passkey_action=f"{visit.place}/passkey",
            passkey_options=self._flow.services.passkey_sign_in.ask_anybody(
                visit.interaction.interaction_id, now=visit.now
            ),
        )
        return page_answer(page, problem=problem)

    def _open_url(self, visit: Visit) -> str | None:
        if not self._flow.services.opening.accounts.is_offered:
            return None
        return f"{OPEN}?{urlencode({'back': visit.interaction.interaction_id})}"
