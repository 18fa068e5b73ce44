"""The pages between a portal's request and its answer: which step has which address.

What lives here: the table of steps, their forms' addresses, and the two ways out (cancel, and the
page that refuses).  Source: architecture §5.7, "Pages".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flask import Blueprint, Response

from idp.oauth.authorization import Gathered
from idp.oauth.errors import AccessDenied, OAuthError, UnmetAuthenticationRequirements
from idp.oauth.prompts import Ask, Prompt, next_ask
from idp.services import Services
from idp.web.authorize import error_fields
from idp.web.capacity import CapacityStep
from idp.web.consent import ConsentStep
from idp.web.consent_text import name_of
from idp.web.cookies import Cookies
from idp.web.flow import Flow, Visit, page_answer
from idp.web.login import LoginStep
from idp.web.otp import OtpStep
from idp.web.pages import ErrorKind, ErrorPage
from idp.web.passkey_sign_in import PasskeySignInForms
from idp.web.request_facts import current_request_id
from idp.web.select_account import SelectAccountStep
from idp.web.source import TrustedProxies
from idp.web.totp_enrolment import TotpEnrolmentStep

_REFUSED: Final[Mapping[Prompt, ErrorKind]] = {
    Prompt.ACCOUNT_LEVEL: "account_level_too_low",
    Prompt.NO_ORGANISATION: "capacity_unavailable",
    Prompt.RESTRICTION: "sharing_restricted",
}
_RESTRICTION: Final = "/account/data/requests"


class RefusalStep:
    """Nothing that the person can do here: say so, and lead back to the portal with the error."""

    def show(self, visit: Visit, gathered: Gathered, ask: Ask) -> Response:  # noqa: ARG002 - a Step
        """The page."""
        page = ErrorPage(
            kind=_REFUSED[ask.prompt],
            reference=current_request_id(),
            client_name=name_of(visit.client),
            return_url=f"{visit.place}/leave",
            restriction_url=_RESTRICTION if ask.prompt is Prompt.RESTRICTION else None,
        )
        return page_answer(page, status=403)


def make_interaction(services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> Blueprint:
    """The blueprint of `/interaction/…`."""
    flow = Flow(services, cookies=cookies, proxies=proxies)
    login, otp, account = LoginStep(flow), OtpStep(flow), SelectAccountStep(flow)
    enrolment = TotpEnrolmentStep(flow, otp=otp)
    passkeys = PasskeySignInForms(flow, login=login, otp=otp)
    capacity, consent, refusal = CapacityStep(flow), ConsentStep(flow), RefusalStep()
    flow.steps = {
        Prompt.SELECT_ACCOUNT: account,
        Prompt.LOGIN: login,
        Prompt.OTP: otp,
        Prompt.TOTP_ENROLMENT: enrolment,
        Prompt.ACCOUNT_LEVEL: refusal,
        Prompt.CAPACITY: capacity,
        Prompt.NO_ORGANISATION: refusal,
        Prompt.RESTRICTION: refusal,
        Prompt.CONSENT: consent,
        Prompt.INFORMATION: consent,
    }

    def cancel(visit: Visit) -> Response:
        """Back to the portal with nothing."""
        try:
            ask = next_ask(flow.gather(visit).situation)
        except OAuthError as unreachable:
            return flow.finish(visit, error_fields(unreachable))
        error: OAuthError = AccessDenied("the person did not go on")
        if ask is not None and ask.prompt in {Prompt.OTP, Prompt.TOTP_ENROLMENT}:
            error = UnmetAuthenticationRequirements("the second factor was not given")
        return flow.finish(visit, error_fields(error))

    def leave(interaction_id: str) -> Response:
        """Back to the portal from a page that refused."""
        visit = flow.arrive(interaction_id)
        return visit if isinstance(visit, Response) else cancel(visit)

    # what a form does, and the question that it answers: asked now, or it does nothing
    forms: Mapping[str, tuple[Callable[[Visit], Response], Prompt | None]] = {
        "login": (login.submit, None),
        "passkey": (passkeys.sign_in, None),
        "otp": (otp.submit, Prompt.OTP),
        "otp-way": (otp.choose, Prompt.OTP),
        "otp-passkey": (passkeys.confirm, Prompt.OTP),
        "activation": (enrolment.activate, Prompt.TOTP_ENROLMENT),
        "enrol": (enrolment.submit, Prompt.TOTP_ENROLMENT),
        "account": (account.submit, Prompt.SELECT_ACCOUNT),
        "capacity": (capacity.submit, Prompt.CAPACITY),
        "consent": (consent.submit, Prompt.CONSENT),
        "information": (consent.informed, Prompt.INFORMATION),
        "cancel": (cancel, None),
    }
    blueprint = Blueprint("interaction", __name__, url_prefix="/interaction")
    blueprint.add_url_rule("/<interaction_id>", "show", flow.show)
    blueprint.add_url_rule("/<interaction_id>/leave", "leave", leave)
    for name, (act, prompt) in forms.items():
        rule = f"/<interaction_id>/{name}"
        blueprint.add_url_rule(rule, name, _form(flow, act, prompt), methods=["POST"])
        # the language switch reloads by GET what a form answered with a problem
        blueprint.add_url_rule(rule, f"{name}_again", flow.show)
    return blueprint


def _form(
    flow: Flow, act: Callable[[Visit], Response], prompt: Prompt | None
) -> Callable[[str], Response]:
    def view(interaction_id: str) -> Response:
        return flow.posted(interaction_id, act, answers=prompt)

    return view
