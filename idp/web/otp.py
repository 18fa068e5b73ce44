"""The second-factor step: a code, of whatever the person has, or a passkey.

What lives here: the page with its ways, the form of the code, and choosing another way.  A code
that is given here signs in and nothing else; a recovery code does not even that: it leads to the
person's own factors, and the portal waits.
Not here: what a passkey answers (`idp/web/passkey_sign_in.py`), codes (`idp/accounts/…`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from flask import Response, request

from idp.accounts.channels import Channel
from idp.accounts.countries import CountryNotServed
from idp.accounts.login import LoginRefused, OtpAccepted, RefusalReason
from idp.accounts.message_codes import SendingRefused
from idp.accounts.message_sign_in import ChannelNotOffered
from idp.ids import AccountId
from idp.model import Factor, Session
from idp.oauth.authorization import Gathered
from idp.oauth.prompts import Ask
from idp.sessions import prove_factor
from idp.web.answer import see_other
from idp.web.consent_text import name_of
from idp.web.flow import Flow, Visit, page_answer
from idp.web.pages import OtpPage, OtpProblem, OtpWay
from idp.web.request_facts import note_factor, note_refusal

RECOVERED: Final = "/account/factors"
"""Where somebody goes on who used a recovery code."""

_CHANNELS: Final[dict[str, Channel]] = {"sms": Channel.SMS, "email": Channel.EMAIL}
_FACTORS: Final[dict[OtpWay, Factor]] = {
    "app": Factor.OTP,
    "sms": Factor.SMS_CODE,
    "email": Factor.EMAIL_CODE,
    "recovery": Factor.RECOVERY_CODE,
}
_WRONG: Final[dict[OtpWay, OtpProblem]] = {
    "app": "wrong_code",
    "sms": "wrong_sent_code",
    "email": "wrong_sent_code",
    "recovery": "wrong_recovery_code",
}


class OtpStep:
    """The code; the page asks passkeys too."""

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

    def choose(self, visit: Visit) -> Response:
        """Another way; a code by message is sent, also once more."""
        way = self._offered(request.form.get("way"), visit)
        if way is None:
            return self._page(visit)
        channel = _CHANNELS.get(way)
        if channel is not None:
            try:
                self._flow.services.factors.by_message.send(
                    visit.live_session.account_id,
                    channel,
                    interaction_id=visit.interaction.interaction_id,
                    source=self._flow.source(),
                    now=visit.now,
                )
            except ChannelNotOffered:
                return self._page(visit)
            except CountryNotServed as refusal:
                note_refusal(refusal.code)
                return self._page(visit, problem="country_not_served")
            except SendingRefused as refusal:
                note_refusal(refusal.code)
                is_here = visit.interaction.second_way == way
                shown = visit if is_here else self._flow.save(visit, second_way=way)
                return self._page(shown, problem="sending_refused", retry_at=refusal.retry_at)
        self._flow.save(visit, second_way=way)
        return see_other(visit.place)

    def submit(self, visit: Visit) -> Response:
        """Check the code; on success the session rises to level 2, but for a recovery code."""
        session = visit.live_session
        raw_code = request.form.get("otp", "")
        raw_way = request.form.get("way") or "app"
        # who has no app is refused like everybody whose code is wrong, without another query
        way: OtpWay | None = "app" if raw_way == "app" else self._offered(raw_way, visit)
        if way is None:
            return self._page(visit)
        if not raw_code.strip():
            return self._page(visit, problem="code_missing")
        result = self._check(visit, way, session.account_id, raw_code)
        outcome = result.reason if isinstance(result, LoginRefused) else "accepted"
        note_factor(_FACTORS[way], outcome=outcome)
        if isinstance(result, LoginRefused):
            return self._refused(visit, way, result)
        response = (
            self._recovered(visit, session)
            if way == "recovery"
            else self.proven(visit, session, way)
        )
        self._flow.cookies.set_device(response, result.device)
        return response

    def proven(self, visit: Visit, session: Session, way: OtpWay = "app") -> Response:
        """Go on with the second factor given."""
        return self._flow.go_on(
            visit, opened=prove_factor(session, factor=_FACTORS[way], now=visit.proven_at)
        )

    def _recovered(self, visit: Visit, session: Session) -> Response:
        services = self._flow.services
        opened = prove_factor(session, factor=Factor.RECOVERY_CODE, now=visit.now)
        if not services.sessions.store_alone(opened, now=visit.now):
            return see_other(visit.place)
        response = see_other(RECOVERED)
        self._flow.cookies.set_session(response, opened.token)
        return response

    def _check(
        self, visit: Visit, way: OtpWay, account_id: AccountId, raw_code: str
    ) -> OtpAccepted | LoginRefused:
        services, source = self._flow.services, self._flow.source()
        channel = _CHANNELS.get(way)
        if channel is not None:
            return services.factors.by_message.check(
                account_id,
                channel,
                raw_code=raw_code,
                interaction_id=visit.interaction.interaction_id,
                source=source,
                now=visit.now,
            )
        if way == "recovery":
            return services.factors.recovery_codes.use(
                account_id, raw_code=raw_code, source=source, now=visit.now
            )
        return services.login.check_otp(
            account_id=account_id, raw_code=raw_code, source=source, now=visit.now
        )

    def _refused(self, visit: Visit, way: OtpWay, result: LoginRefused) -> Response:
        problem: OtpProblem = _WRONG[way]
        if result.reason is RefusalReason.TOO_MANY:
            problem = "too_many_attempts"
        elif result.reason is RefusalReason.CODE_GONE:
            problem = "code_gone"
        return self._page(
            visit,
            way=way,
            problem=problem,
            attempts_left=result.attempts_left,
            retry_at=result.retry_at,
        )

    def _ways(self, visit: Visit) -> tuple[OtpWay, ...]:
        held = self._flow.services.people.second_factors(visit.live_session.account_id)
        reached = self._flow.services.delivery.channels
        channels = [one for one in held.channels(visit.now) if one in reached]
        ways: tuple[tuple[OtpWay, bool], ...] = (
            ("app", held.has_totp),
            ("sms", Channel.SMS in channels),
            ("email", Channel.EMAIL in channels),
            ("recovery", held.has_recovery_codes),
        )
        return tuple(way for way, is_there in ways if is_there)

    def _offered(self, raw_way: str | None, visit: Visit) -> OtpWay | None:
        return next((way for way in self._ways(visit) if way == raw_way), None)

    def _page(
        self,
        visit: Visit,
        *,
        way: OtpWay | None = None,
        problem: OtpProblem | None = None,
        attempts_left: int | None = None,
        retry_at: datetime | None = None,
    ) -> Response:
        services, account_id = self._flow.services, visit.live_session.account_id
        account = services.people.find_account(account_id)
        ways = self._ways(visit)
        if way is None:
            wanted = visit.interaction.second_way or "app"
            way = next((one for one in ways if one == wanted), None)
        sent_to, is_out, resend_s = "", False, 0
        if account is not None and way in _CHANNELS:
            said = services.factors.by_message.find_sent(
                account,
                _CHANNELS[way],
                interaction_id=visit.interaction.interaction_id,
                now=visit.now,
            )
            sent_to, sent = said or ("", None)
            if sent is not None:
                is_out = True
                resend_s = max(0, int((sent.resend_at - visit.now).total_seconds()))
        page = OtpPage(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(visit.client),
            action=f"{visit.place}/otp",
            csrf_token=self._flow.csrf_token(visit),
            name="" if account is None or problem is not None else account.profile.name,
            problem=problem,
            attempts_left=attempts_left,
            retry_at=retry_at,
            cancel_action=f"{visit.place}/cancel",
            way=way,
            others=tuple(one for one in ways if one != way),
            way_action=f"{visit.place}/otp-way",
            sent_to=sent_to,
            is_out=is_out,
            resend_s=resend_s,
            passkey_action=f"{visit.place}/otp-passkey",
            passkey_options=services.passkey_sign_in.ask_person(
                visit.interaction.interaction_id, account_id=account_id, now=visit.now
            ),
        )
        return page_answer(page, problem=problem)
