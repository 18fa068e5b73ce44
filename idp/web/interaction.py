"""The pages between a portal's request and its answer: one address, one form at a time.

What lives here: `/interaction/<id>` shows whatever must be asked next; each form posts to an address
of its own, changes what is known and comes back here, until nothing is left to ask and the answer is
sent.  When a password or code was the last thing missing, session, grant and code are stored in that
one request.  Not here: what is asked and why (`idp/oauth/prompts.py`), the pages' words.
Source: architecture §5.7; OpenID Connect Core §3.1.2.3–3.1.2.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
from flask import Blueprint, Response, request

from clients.registry.model import Client
from idp.accounts.errors import ActivationRefused, EnrolmentRefused, TooManyAttempts
from idp.accounts.login import LoginRefused, OtpAccepted, PasswordAccepted, RefusalReason
from idp.accounts.model import Account, IdentifierKind
from idp.errors import AntinError
from idp.model import Factor, Session
from idp.oauth.authorization import Decision, Gathered, SessionOvertaken
from idp.oauth.errors import AccessDenied, OAuthError, UnknownClient, UnmetAuthenticationRequirements
from idp.oauth.interaction import Interaction, InteractionUnknown
from idp.oauth.prompts import (
    SELF,
    Ask,
    Prompt,
    Reason,
    next_ask,
    offered_capacities,
)
from idp.services import Services
from idp.sessions import OpenedSession, open_session, prove_factor
from idp.web.answer import allow_form_action, see_other
from idp.web.authorize import error_fields, send_answer
from idp.web.consent import (
    controller_contact,
    controller_name,
    decide,
    name_of,
    purposes_of,
)
from idp.web.cookies import Cookies
from idp.web.i18n import set_ui_locales
from idp.web.pages import (
    CapacityOption,
    CapacityPage,
    ConsentPage,
    ErrorPage,
    InformationPage,
    LoginPage,
    LoginProblem,
    OtpPage,
    Page,
    SelectAccountPage,
    TotpActivationPage,
    TotpEnrolPage,
    mask_number,
    render,
)
from idp.web.qr import qr_data_uri
from idp.web.request import source_of_attempt
from idp.web.source import TrustedProxies

_UNPROCESSABLE = 422
_TOO_MANY = 429
_LOGIN_PROBLEMS: dict[RefusalReason, LoginProblem] = {
    RefusalReason.WRONG: "wrong_credentials",
    RefusalReason.TOO_MANY: "too_many_attempts",
    RefusalReason.IDENTIFIER_MALFORMED: "identifier_format",
    RefusalReason.TAX_CODE_MALFORMED: "tax_format",
    RefusalReason.ORGANISATION_IDENTIFIER: "organisation_identifier",
}


class CsrfFailed(AntinError):
    """A form that did not come from a page of ours in this browser."""

    code = "csrf_failed"


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request to an interaction: what is known when it begins."""

    interaction: Interaction
    client: Client
    session: Session | None
    now: datetime

    @property
    def place(self) -> str:
        """The interaction's address."""
        return f"/interaction/{self.interaction.interaction_id}"


class InteractionPages:
    """The views of an interaction."""

    def __init__(self, services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> None:
        self._services = services
        self._cookies = cookies
        self._proxies = proxies

    # -- arriving ----------------------------------------------------------------------------------

    def show(self, interaction_id: str) -> Response:
        """Show what must be asked next, or send the answer."""
        visit = self._visit(interaction_id)
        if isinstance(visit, Response):
            return visit
        return self._go_on(visit)

    def _visit(self, interaction_id: str) -> _Visit | Response:
        """The interaction of this browser; a finished one answers again for half a minute."""
        now = self._services.time()
        browser = self._cookies.read_browser()
        try:
            interaction = self._services.interactions.find(
                interaction_id, browser=browser, now=now
            )
        except InteractionUnknown:
            answered = self._services.interactions.find_answer(
                interaction_id, browser=browser, now=now
            )
            if answered is None:
                raise
            asked, fields = answered
            return send_answer(asked, issuer=self._services.settings.issuer, fields=fields)
        client = self._services.registry.find_client(interaction.request.client_id, now=now)
        if client is None:
            raise UnknownClient
        token = self._cookies.read_session()
        session = None if token is None else self._services.sessions.find(token, now=now)
        set_ui_locales(interaction.request.ui_locales)
        allow_form_action(interaction.request.redirect_uri)
        return _Visit(interaction, client, session, now)

    def posted(self, interaction_id: str, act: Callable[[_Visit], Response]) -> Response:
        """Begin a form's request: the interaction is this browser's, and the form is ours."""
        visit = self._visit(interaction_id)
        if isinstance(visit, Response):
            return visit
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=visit.place):
            raise CsrfFailed
        return act(visit)

    # -- going on ----------------------------------------------------------------------------------

    def _go_on(
        self,
        visit: _Visit,
        *,
        opened: OpenedSession | None = None,
        decision: Decision | None = None,
    ) -> Response:
        """Ask the next question on a page, or finish.

        Takes   opened: a session that is not stored yet in this form; decision: given just now.
        """
        gathered = self._gather(visit, opened=opened)
        if decision is not None:
            progress = replace(gathered.situation.progress, consent_given=True)
            gathered = replace(gathered, situation=replace(gathered.situation, progress=progress))
        try:
            ask = next_ask(gathered.situation)
        except OAuthError as error:
            return self._finish(visit, error_fields(error))
        if ask is None:
            return self._complete(visit, gathered, opened=opened, decision=decision)
        if opened is not None:
            self._store(opened, now=visit.now)
            return self._with_session(see_other(visit.place), opened)
        if request.method == "POST":
            return see_other(visit.place)
        return self._page(visit, gathered, ask)

    def _gather(self, visit: _Visit, *, opened: OpenedSession | None) -> Gathered:
        return self._services.authorizations.gather(
            visit.interaction.request,
            client=visit.client,
            progress=visit.interaction.progress,
            session=visit.session if opened is None else opened.session,
            now=visit.now,
        )

    def _complete(
        self,
        visit: _Visit,
        gathered: Gathered,
        *,
        opened: OpenedSession | None,
        decision: Decision | None,
    ) -> Response:
        try:
            code = self._services.authorizations.complete(
                gathered, opened=opened, decision=decision
            )
        except SessionOvertaken:
            return see_other(visit.place)
        response = self._finish(visit, {"code": code})
        return response if opened is None else self._with_session(response, opened)

    def _finish(self, visit: _Visit, fields: dict[str, str]) -> Response:
        self._services.interactions.finish(visit.interaction, fields=fields, now=visit.now)
        return send_answer(
            visit.interaction.request, issuer=self._services.settings.issuer, fields=fields
        )

    def _store(self, opened: OpenedSession, *, now: datetime) -> None:
        with self._services.database.transaction() as tx:
            self._services.sessions.store(tx, opened, now=now)

    def _with_session(self, response: Response, opened: OpenedSession) -> Response:
        self._cookies.set_session(response, opened.token)
        return response

    def _save(self, visit: _Visit, **changes: object) -> _Visit:
        changed: Interaction = msgspec.structs.replace(visit.interaction, **changes)
        self._services.interactions.save(changed, now=visit.now)
        return replace(visit, interaction=changed)

    # -- the forms ---------------------------------------------------------------------------------

    def login(self, visit: _Visit) -> Response:
        """Identifier and password."""
        raw_identifier = request.form.get("identifier", "")
        raw_password = request.form.get("password", "")
        if not raw_identifier.strip() or not raw_password:
            problem: LoginProblem = (
                "identifier_missing" if not raw_identifier.strip() else "password_missing"
            )
            return self._login_page(visit, typed=raw_identifier, problem=problem)
        result = self._services.login.check_password(
            raw_identifier=raw_identifier,
            raw_password=raw_password,
            source=source_of_attempt(self._proxies, self._cookies),
            now=visit.now,
        )
        if isinstance(result, LoginRefused):
            return self._login_page(
                visit,
                typed=raw_identifier,
                problem=_LOGIN_PROBLEMS[result.reason],
                retry_at=result.retry_at,
            )
        response = self._go_on(visit, opened=self._open(visit, result))
        self._cookies.set_device(response, result.device)
        return response

    def _open(self, visit: _Visit, accepted: PasswordAccepted) -> OpenedSession:
        """The session after a right password: the running one of the same person, or a new one.

        Somebody else's session on this browser ends, and its portals are told.
        """
        running = visit.session
        if running is not None and running.account_id == accepted.account.account_id:
            return prove_factor(running, factor=Factor.PASSWORD, now=visit.now)
        if running is not None:
            self._services.sessions.end(running, reason="another_account", now=visit.now)
        return open_session(
            accepted.account,
            factor=Factor.PASSWORD,
            now=visit.now,
            lifetime=timedelta(seconds=self._services.settings.session_lifetime_s),
        )

    def otp(self, visit: _Visit) -> Response:
        """The one-time code."""
        session = self._demand_session(visit)
        raw_code = request.form.get("otp", "")
        if not raw_code.strip():
            return self._otp_page(visit, account=None, problem="code_missing")
        result = self._services.login.check_otp(
            account_id=session.account_id,
            raw_code=raw_code,
            source=source_of_attempt(self._proxies, self._cookies),
            now=visit.now,
        )
        if isinstance(result, LoginRefused):
            return self._otp_page(visit, account=None, refused=result)
        return self._after_otp(visit, session, device=result.device)

    def _after_otp(self, visit: _Visit, session: Session, *, device: str | None) -> Response:
        opened = prove_factor(session, factor=Factor.OTP, now=visit.now)
        response = self._go_on(visit, opened=opened)
        if device is not None:
            self._cookies.set_device(response, device)
        return response

    def activation(self, visit: _Visit) -> Response:
        """The activation code that begins an enrolment."""
        session = self._demand_session(visit)
        account = self._services.people.find_account(session.account_id)
        if account is None:
            raise InteractionUnknown
        try:
            pending = self._services.enrolment.start(
                session.account_id,
                raw_activation_code=request.form.get("activation_code", ""),
                label=_label(account),
                source=source_of_attempt(self._proxies, self._cookies),
                now=visit.now,
            )
        except ActivationRefused:
            return self._activation_page(visit, problem="wrong_activation_code")
        except TooManyAttempts as refusal:
            return self._activation_page(
                visit, problem="too_many_attempts", retry_at=_instant(refusal.retry_at)
            )
        self._save(visit, pending_enrolment=pending.pending_id)
        return see_other(visit.place)

    def enrol(self, visit: _Visit) -> Response:
        """The first code of a new authenticator; it is the second factor of this sign-in too."""
        session = self._demand_session(visit)
        pending_id = visit.interaction.pending_enrolment
        if pending_id is None:
            return see_other(visit.place)
        try:
            self._services.enrolment.confirm(
                session.account_id,
                pending_id=pending_id,
                raw_code=request.form.get("otp", ""),
                source=source_of_attempt(self._proxies, self._cookies),
                now=visit.now,
            )
        except EnrolmentRefused:
            return self._enrol_page(visit, problem="wrong_code")
        except TooManyAttempts as refusal:
            return self._enrol_page(
                visit, problem="too_many_attempts", retry_at=_instant(refusal.retry_at)
            )
        except ActivationRefused:
            self._save(visit, pending_enrolment=None)
            return see_other(visit.place)
        return self._after_otp(visit, session, device=None)

    def account(self, visit: _Visit) -> Response:
        """Go on as the person who is signed in, or as another."""
        if request.form.get("decision") == "continue":
            return self._go_on(self._save(visit, account_selected=True))
        return self._go_on(self._save(visit, refuses_session=True))

    def capacity(self, visit: _Visit) -> Response:
        """In which capacity; only what was offered is taken."""
        gathered = self._gather(visit, opened=None)
        organisations, may_be_self = offered_capacities(gathered.situation)
        chosen = request.form.get("capacity", "")
        offered = {str(one.mandate_id) for one in organisations}
        if (chosen == SELF and may_be_self) or chosen in offered:
            return self._go_on(self._save(visit, capacity=chosen))
        return self._page(visit, gathered, Ask(Prompt.CAPACITY, Reason.SEVERAL_CAPACITIES))

    def consent(self, visit: _Visit) -> Response:
        """Agree, or not.  RFC 6749 §4.1.2.1 `access_denied`."""
        if request.form.get("decision") != "accept":
            return self._finish(visit, error_fields(AccessDenied("the person did not agree")))
        return self._agreed(visit, kind="consent")

    def information(self, visit: _Visit) -> Response:
        """The person has been told."""
        return self._agreed(visit, kind="information")

    def cancel(self, visit: _Visit) -> Response:
        """Back to the portal with nothing."""
        gathered = self._gather(visit, opened=None)
        try:
            ask = next_ask(gathered.situation)
        except OAuthError as error:
            return self._finish(visit, error_fields(error))
        if ask is not None and ask.prompt in {Prompt.OTP, Prompt.TOTP_ENROLMENT}:
            error: OAuthError = UnmetAuthenticationRequirements("the second factor was not given")
        else:
            error = AccessDenied("the person did not go on")
        return self._finish(visit, error_fields(error))

    def _agreed(self, visit: _Visit, *, kind: str) -> Response:
        gathered = self._gather(visit, opened=None)
        client = visit.client
        purposes = purposes_of(gathered.disclosure, gathered=gathered, client=client)
        optional = {item.scope for item in gathered.disclosure.items if not item.is_required}
        decision = decide(
            kind=kind,
            purposes=purposes,
            chosen=tuple(key for key in request.form.getlist("share") if key in optional),
            client=client,
            controller=self._services.registry.find_controller(
                client.controller_id, now=visit.now
            ),
            now=visit.now,
        )
        return self._go_on(visit, decision=decision)

    def _demand_session(self, visit: _Visit) -> Session:
        if visit.session is None:
            raise InteractionUnknown
        return visit.session

    # -- the pages ---------------------------------------------------------------------------------

    def _page(self, visit: _Visit, gathered: Gathered, ask: Ask) -> Response:
        account = gathered.situation.account
        match ask.prompt:
            case Prompt.LOGIN:
                return self._login_page(visit, typed=None, reason=ask.reason)
            case Prompt.OTP:
                return self._otp_page(visit, account=account)
            case Prompt.TOTP_ENROLMENT:
                if visit.interaction.pending_enrolment is not None:
                    return self._enrol_page(visit)
                return self._activation_page(visit)
            case Prompt.SELECT_ACCOUNT:
                return self._select_page(visit, account)
            case Prompt.CAPACITY:
                return self._capacity_page(visit, gathered)
            case Prompt.CONSENT | Prompt.INFORMATION:
                return self._consent_page(visit, gathered, ask.prompt)
            case Prompt.ACCOUNT_LEVEL | Prompt.NO_ORGANISATION:
                return self._refusal_page(visit, ask.prompt)

    def _render(self, page: Page, *, status: int = 200) -> Response:
        return Response(render(page), status=status, mimetype="text/html")

    def _csrf(self, visit: _Visit) -> str:
        return self._cookies.csrf_token(self._cookies.read_browser() or "", place=visit.place)

    def _login_page(
        self,
        visit: _Visit,
        *,
        typed: str | None,
        problem: LoginProblem | None = None,
        retry_at: datetime | None = None,
        reason: Reason | None = None,
    ) -> Response:
        hint = visit.interaction.request.login_hint or ""
        page = LoginPage(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(visit.client),
            action=f"{visit.place}/login",
            csrf_token=self._csrf(visit),
            identifier=hint if typed is None else typed[:100],
            problem=problem,
            retry_at=retry_at,
            step_up=reason
            in {Reason.PROMPT_LOGIN, Reason.MAX_AGE, Reason.PASSWORD_NOT_FRESH},
            cancel_action=f"{visit.place}/cancel",
        )
        return self._render(page, status=_status_of(problem))

    def _otp_page(
        self,
        visit: _Visit,
        *,
        account: Account | None,
        problem: str | None = None,
        refused: LoginRefused | None = None,
    ) -> Response:
        if account is None and visit.session is not None:
            account = self._services.people.find_account(visit.session.account_id)
        if refused is not None:
            is_limit = refused.reason is RefusalReason.TOO_MANY
            problem = "too_many_attempts" if is_limit else "wrong_code"
        page = OtpPage(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(visit.client),
            action=f"{visit.place}/otp",
            csrf_token=self._csrf(visit),
            name="" if account is None else account.profile.name,
            problem=problem,  # type: ignore[arg-type]  # one of the page's own words
            attempts_left=None if refused is None else refused.attempts_left,
            retry_at=None if refused is None else refused.retry_at,
            cancel_action=f"{visit.place}/cancel",
        )
        return self._render(page, status=_status_of(problem))

    def _activation_page(
        self, visit: _Visit, *, problem: str | None = None, retry_at: datetime | None = None
    ) -> Response:
        page = TotpActivationPage(
            display=visit.interaction.request.display,
            here=visit.place,
            action=f"{visit.place}/activation",
            csrf_token=self._csrf(visit),
            problem=problem,  # type: ignore[arg-type]  # one of the page's own words
            retry_at=retry_at,
            cancel_action=f"{visit.place}/cancel",
        )
        return self._render(page, status=_status_of(problem))

    def _enrol_page(
        self, visit: _Visit, *, problem: str | None = None, retry_at: datetime | None = None
    ) -> Response:
        session = self._demand_session(visit)
        account = self._services.people.find_account(session.account_id)
        pending = self._services.enrolment.find_pending(
            session.account_id,
            pending_id=visit.interaction.pending_enrolment or "",
            label="" if account is None else _label(account),
            now=visit.now,
        )
        if pending is None:
            self._save(visit, pending_enrolment=None)
            return see_other(visit.place)
        page = TotpEnrolPage(
            display=visit.interaction.request.display,
            here=visit.place,
            qr_svg_data_uri=qr_data_uri(pending.otpauth_uri),
            secret_grouped=pending.secret,
            action=f"{visit.place}/enrol",
            csrf_token=self._csrf(visit),
            problem=problem,  # type: ignore[arg-type]  # one of the page's own words
            retry_at=retry_at,
            cancel_action=f"{visit.place}/cancel",
        )
        return self._render(page, status=_status_of(problem))

    def _select_page(self, visit: _Visit, account: Account | None) -> Response:
        number = "" if account is None else _main_identifier(account)
        page = SelectAccountPage(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(visit.client),
            name="" if account is None else account.profile.name,
            identifier_masked=mask_number(number),
            action=f"{visit.place}/account",
            csrf_token=self._csrf(visit),
        )
        return self._render(page)

    def _capacity_page(self, visit: _Visit, gathered: Gathered) -> Response:
        organisations, may_be_self = offered_capacities(gathered.situation)
        account = gathered.situation.account
        options = [CapacityOption(value=SELF, kind="self")] if may_be_self else []
        options += [
            CapacityOption(
                value=one.mandate_id,
                kind=one.kind.value,
                organisation=one.name,
                code=one.enterprise_code,
                valid_to="" if one.valid_to is None else f"{one.valid_to:%d/%m/%Y}",
            )
            for one in organisations
        ]
        page = CapacityPage(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(visit.client),
            name="" if account is None else account.profile.name,
            options=tuple(options),
            action=f"{visit.place}/capacity",
            csrf_token=self._csrf(visit),
            cancel_action=f"{visit.place}/cancel",
        )
        return self._render(page)

    def _consent_page(self, visit: _Visit, gathered: Gathered, prompt: Prompt) -> Response:
        client = visit.client
        controller = self._services.registry.find_controller(
            client.controller_id, now=visit.now
        )
        kind = ConsentPage if prompt is Prompt.CONSENT else InformationPage
        page = kind(
            display=visit.interaction.request.display,
            here=visit.place,
            client_name=name_of(client),
            controller=controller_name(controller),
            dpo_contact=controller_contact(controller),
            purposes=purposes_of(gathered.disclosure, gathered=gathered, client=client),
            action=f"{visit.place}/{prompt.value}",
            csrf_token=self._csrf(visit),
            policy_url=client.policy_uri,
        )
        return self._render(page)

    def _refusal_page(self, visit: _Visit, prompt: Prompt) -> Response:
        """Nothing the person can do here: say so, and lead back to the portal with the error."""
        kind = (
            "account_level_too_low" if prompt is Prompt.ACCOUNT_LEVEL else "capacity_unavailable"
        )
        page = ErrorPage(
            kind=kind,  # type: ignore[arg-type]  # one of the page's own words
            reference=visit.interaction.interaction_id[-8:],
            client_name=name_of(visit.client),
            return_url=f"{visit.place}/leave",
        )
        return self._render(page, status=403)

    def leave(self, interaction_id: str) -> Response:
        """Back to the portal from a page that refused."""
        visit = self._visit(interaction_id)
        return visit if isinstance(visit, Response) else self.cancel(visit)


def make_interaction(
    services: Services, *, cookies: Cookies, proxies: TrustedProxies
) -> Blueprint:
    """The blueprint of `/interaction/…`."""
    blueprint = Blueprint("interaction", __name__, url_prefix="/interaction")
    pages = InteractionPages(services, cookies=cookies, proxies=proxies)
    blueprint.add_url_rule("/<interaction_id>", "show", pages.show)
    blueprint.add_url_rule("/<interaction_id>/leave", "leave", pages.leave)
    for act in (
        pages.login,
        pages.otp,
        pages.activation,
        pages.enrol,
        pages.account,
        pages.capacity,
        pages.consent,
        pages.information,
        pages.cancel,
    ):
        blueprint.add_url_rule(
            f"/<interaction_id>/{act.__name__}",
            act.__name__,
            _form(pages, act),
            methods=["POST"],
        )
        # the language switch reloads by GET what a form answered with a problem
        blueprint.add_url_rule(
            f"/<interaction_id>/{act.__name__}", f"{act.__name__}_again", pages.show
        )
    return blueprint


def _form(
    pages: InteractionPages, act: Callable[[_Visit], Response]
) -> Callable[[str], Response]:
    def view(interaction_id: str) -> Response:
        return pages.posted(interaction_id, act)

    return view


def _status_of(problem: str | None) -> int:
    if problem is None:
        return 200
    return _TOO_MANY if problem == "too_many_attempts" else _UNPROCESSABLE


def _main_identifier(account: Account) -> str:
    for kind in IdentifierKind:
        value = account.find_identifier(kind)
        if value is not None:
            return value
    return ""


def _label(account: Account) -> str:
    """What an authenticator app shows below the issuer: the last digits, not the number."""
    return f"•••{_main_identifier(account)[-4:]}"


def _instant(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
