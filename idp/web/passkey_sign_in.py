"""What a passkey answers on the sign-in pages: instead of the password, or beside it.

What lives here: the two forms that a script fills in.  Whose passkey it is and why it is refused
are not said: there is one sentence for all of it.
Source: WebAuthn Level 3 §7.2, §14.6.2; architecture §5.7.
Not here: the pages (`login.py`, `otp.py`), judging (`idp/accounts/passkey_sign_in.py`).
"""

from __future__ import annotations

from typing import Literal

from flask import Response, request

from idp.accounts.passkey_sign_in import PasskeyAccepted, PasskeyNotAccepted
from idp.model import Factor
from idp.sessions import OpenedSession, prove_factor
from idp.web.flow import Flow, Visit
from idp.web.login import LoginStep
from idp.web.otp import OtpStep
from idp.web.request_facts import note_factor

_Problem = Literal["passkey_refused", "too_many_attempts"]


class PasskeySignInForms:
    """The forms `passkey` and `otp-passkey` of an interaction."""

    def __init__(self, flow: Flow, *, login: LoginStep, otp: OtpStep) -> None:
        self._flow = flow
        self._login = login
        self._otp = otp

    def sign_in(self, visit: Visit) -> Response:
        """A passkey instead of identifier and password; it verified its user: level 2."""
        result = self._flow.services.passkey_sign_in.sign_in(
            request.form.get("credential", ""),
            interaction_id=visit.interaction.interaction_id,
            source=self._flow.source(),
            now=visit.now,
        )
        _note(Factor.VERIFIED_PASSKEY, result)
        if isinstance(result, PasskeyNotAccepted):
            return self._login.refuse(visit, _problem(result), retry_at=result.retry_at)
        opened = self._flow.signed_in(
            visit,
            result.account_id,
            factor=Factor.VERIFIED_PASSKEY,
            is_synced=result.is_synced,
            is_new_device=result.is_new_device,
        )
        return self._go_on(visit, opened, result)

    def confirm(self, visit: Visit) -> Response:
        """A passkey of the person who gave the password, in the place of a code."""
        session = visit.live_session
        result = self._flow.services.passkey_sign_in.confirm(
            request.form.get("credential", ""),
            account_id=session.account_id,
            interaction_id=visit.interaction.interaction_id,
            source=self._flow.source(),
            now=visit.now,
        )
        _note(Factor.PASSKEY, result)
        if isinstance(result, PasskeyNotAccepted):
            return self._otp.refuse(visit, _problem(result), retry_at=result.retry_at)
        opened = prove_factor(
            session, factor=Factor.PASSKEY, now=visit.proven_at, is_synced=result.is_synced
        )
        return self._go_on(visit, opened, result)

    def _go_on(self, visit: Visit, opened: OpenedSession, result: PasskeyAccepted) -> Response:
        response = self._flow.go_on(visit, opened=opened)
        self._flow.cookies.set_device(response, result.device)
        return response


def _note(factor: Factor, result: PasskeyAccepted | PasskeyNotAccepted) -> None:
    outcome = result.reason if isinstance(result, PasskeyNotAccepted) else "accepted"
    note_factor(factor, outcome=outcome)


def _problem(result: PasskeyNotAccepted) -> _Problem:
    return "too_many_attempts" if result.reason == "too_many" else "passkey_refused"
