"""The step of somebody without a second factor: activation code, QR code, first code.

What lives here: two forms and their pages.  The activation code comes from proofing; a password
alone never enrols a second factor (architecture §5.10).
"""

from __future__ import annotations

from datetime import datetime

from flask import Response, request

from idp.accounts.errors import ActivationRefused, EnrolmentRefused, TooManyAttempts
from idp.accounts.model import Account
from idp.oauth.authorization import Gathered
from idp.oauth.interaction import InteractionUnknown
from idp.oauth.prompts import Ask
from idp.web.answer import see_other
from idp.web.flow import Flow, Visit, page_answer
from idp.web.otp import OtpStep
from idp.web.pages import ActivationProblem, OtpProblem, TotpActivationPage, TotpEnrolPage
from idp.web.qr import qr_data_uri
from idp.web.select_account import main_identifier


class TotpEnrolmentStep:
    """Enrolling an authenticator app on the way."""

    def __init__(self, flow: Flow, *, otp: OtpStep) -> None:
        self._flow = flow
        self._otp = otp

    def show(self, visit: Visit, gathered: Gathered, ask: Ask) -> Response:  # noqa: ARG002 - a Step
        """The page of the form that is due."""
        if visit.interaction.pending_enrolment is not None:
            return self._enrol_page(visit)
        return self._activation_page(visit)

    def activate(self, visit: Visit) -> Response:
        """The activation code that begins an enrolment."""
        session = visit.live_session
        account = self._flow.services.people.find_account(session.account_id)
        if account is None:
            raise InteractionUnknown
        try:
            pending = self._flow.services.enrolment.start(
                session.account_id,
                raw_activation_code=request.form.get("activation_code", ""),
                label=_label(account),
                source=self._flow.source(),
                now=visit.now,
            )
        except ActivationRefused:
            return self._activation_page(visit, problem="wrong_activation_code")
        except TooManyAttempts as refusal:
            return self._activation_page(
                visit, problem="too_many_attempts", retry_at=_instant(refusal.retry_at)
            )
        self._flow.save(visit, pending_enrolment=pending.pending_id)
        return see_other(visit.place)

    def submit(self, visit: Visit) -> Response:
        """The first code of the new app; it is the second factor of this sign-in too."""
        session = visit.live_session
        pending_id = visit.interaction.pending_enrolment
        if pending_id is None:
            return see_other(visit.place)
        raw_code = request.form.get("otp", "")
        if not raw_code.strip():
            return self._enrol_page(visit, problem="code_missing")
        try:
            self._flow.services.enrolment.confirm(
                session.account_id,
                pending_id=pending_id,
                raw_code=raw_code,
                source=self._flow.source(),
                now=visit.now,
            )
        except EnrolmentRefused:
            return self._enrol_page(visit, problem="wrong_code")
        except TooManyAttempts as refusal:
            return self._enrol_page(
                visit, problem="too_many_attempts", retry_at=_instant(refusal.retry_at)
            )
        except ActivationRefused:
            self._flow.save(visit, pending_enrolment=None)
            return see_other(visit.place)
        return self._otp.proven(visit, session)

    def _activation_page(
        self,
        visit: Visit,
        *,
        problem: ActivationProblem | None = None,
        retry_at: datetime | None = None,
    ) -> Response:
        page = TotpActivationPage(
            display=visit.interaction.request.display,
            here=visit.place,
            action=f"{visit.place}/activation",
            csrf_token=self._flow.csrf_token(visit),
            problem=problem,
            retry_at=retry_at,
            cancel_action=f"{visit.place}/cancel",
        )
        return page_answer(page, problem=problem)

    def _enrol_page(
        self,
        visit: Visit,
        *,
        problem: OtpProblem | None = None,
        retry_at: datetime | None = None,
    ) -> Response:
        session = visit.live_session
        account = self._flow.services.people.find_account(session.account_id)
        pending = self._flow.services.enrolment.find_pending(
            session.account_id,
            pending_id=visit.interaction.pending_enrolment or "",
            label="" if account is None else _label(account),
            now=visit.now,
        )
        if pending is None:
            self._flow.save(visit, pending_enrolment=None)
            return see_other(visit.place)
        page = TotpEnrolPage(
            display=visit.interaction.request.display,
            here=visit.place,
            qr_svg_data_uri=qr_data_uri(pending.otpauth_uri),
            secret_grouped=grouped_secret(pending.secret),
            action=f"{visit.place}/enrol",
            csrf_token=self._flow.csrf_token(visit),
            problem=problem,
            retry_at=retry_at,
            cancel_action=f"{visit.place}/cancel",
        )
        return page_answer(page, problem=problem)


def label_of(identifier: str) -> str:
    """What an app shows below the issuer: the last digits, not the number."""
    return f"•••{identifier[-4:]}"


def _label(account: Account) -> str:
    return label_of(main_identifier(account))


def grouped_secret(secret: str) -> str:
    """A secret in groups of four, for typing."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def _instant(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
