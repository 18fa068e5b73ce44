"""The second-factor step: a one-time code, or a passkey.

What lives here: the page, and the form of the code.  A code that is given here signs in and nothing
else.  Not here: what a passkey answers (`idp/web/passkey_sign_in.py`).
"""

from __future__ import annotations

from datetime import datetime

from flask import Response, request

from idp.accounts.login import LoginRefused, RefusalReason
from idp.model import Factor, Session
from idp.oauth.authorization import Gathered
from idp.oauth.prompts import Ask
from idp.sessions import prove_factor
from idp.web.consent_text import name_of
from idp.web.flow import Flow, Visit, page_answer
from idp.web.pages import OtpPage, OtpProblem
from idp.web.request_facts import note_factor


class OtpStep:
    """The one-time code; the page asks passkeys too."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def show(self, visit: Visit, gathered: Gathered, ask: Ask) -> Response:  # noqa: ARG002 - a Step
        """The page."""
        return self._page(visit)

    def refuse(
        self, visit: Visit, problem: OtpProblem, *, retry_at: datetime | None = None
    ) -> Response:
        """The page again, after something else than a code was not taken."""
        return self._page(visit, problem=problem, retry_at=retry_at)

    def submit(self, visit: Visit) -> Response:
        """Check the code; on success the session rises to level 2."""
        session = visit.live_session
        raw_code = request.form.get("otp", "")
        if not raw_code.strip():
            return self._page(visit, problem="code_missing")
        result = self._flow.services.login.check_otp(
            account_id=session.account_id,
            raw_code=raw_code,
            source=self._flow.source(),
            now=visit.now,
        )
        outcome = result.reason if isinstance(result, LoginRefused) else "accepted"
        note_factor(Factor.OTP, outcome=outcome)
        if isinstance(result, LoginRefused):
            is_limit = result.reason is RefusalReason.TOO_MANY
            return self._page(
                visit,
                problem="too_many_attempts" if is_limit else "wrong_code",
                attempts_left=result.attempts_left,
                retry_at=result.retry_at,
            )
        response = self.proven(visit, session)
        self._flow.cookies.set_device(response, result.device)
        return response

    def proven(self, visit: Visit, session: Session) -> Response:
        """Go on with the second factor given."""
        return self._flow.go_on(
            visit, opened=prove_factor(session, factor=Factor.OTP, now=visit.proven_at)
        )

    def _page(
        self,
        visit: Visit,
        *,
        problem: OtpProblem | None = None,
        attempts_left: int | None = None,
        retry_at: datetime | None = None,
    ) -> Response:
        services, account_id = self._flow.services, visit.live_session.account_id
        account = services.people.find_account(account_id)
        page = OtpPage(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(visit.client),
            action=f"{visit.place}/otp",
            csrf_token=self._flow.csrf_token(visit),
            name="" if account is None else account.profile.name,
            problem=problem,
            attempts_left=attempts_left,
            retry_at=retry_at,
            cancel_action=f"{visit.place}/cancel",
            has_code=services.people.has_totp(account_id),
            passkey_action=f"{visit.place}/otp-passkey",
            passkey_options=services.passkey_sign_in.ask_person(
                visit.interaction.interaction_id, account_id=account_id, now=visit.now
            ),
        )
        return page_answer(page, problem=problem)
