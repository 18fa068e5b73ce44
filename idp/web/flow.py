"""What every step of an interaction shares: arriving, going on, finishing.

What lives here: the interaction of this browser, the question that comes next, and the one place
where session, grant and code are stored.  When a password or a code was the last thing missing, all
of that happens in the request that brought it.  Not here: any form or page (one step, one file).
Source: architecture §5.7; OpenID Connect Core §3.1.2.3-3.1.2.5.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from flask import Response, request

from clients.registry.model import Client
from idp.accounts.attempts import Source
from idp.errors import AntinError
from idp.ids import AccountId
from idp.model import Factor, Session
from idp.oauth.assurance import proven_at
from idp.oauth.authorization import Decision, Gathered, SessionOvertaken
from idp.oauth.authorization_request import AuthorizationRequest
from idp.oauth.errors import OAuthError, UnknownClient
from idp.oauth.interaction import Interaction, InteractionUnknown
from idp.oauth.own_pages import client_of, is_own, way_back
from idp.oauth.prompts import Ask, Prompt, next_ask
from idp.services import Services
from idp.sessions import OpenedSession, open_session, prove_factor
from idp.web.answer import allow_form_action, see_other
from idp.web.authorize import error_fields, send_answer
from idp.web.cookies import Cookies
from idp.web.devices import device_of
from idp.web.i18n import set_ui_locales
from idp.web.pages import Page, render
from idp.web.request import source_of_attempt
from idp.web.source import TrustedProxies
from keystore.purposes import MacPurpose

_UNPROCESSABLE = 422
_TOO_MANY = 429


class CsrfFailed(AntinError):
    """A form that did not come from a page of ours in this browser."""

    code = "csrf_failed"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to an interaction: what is known when it begins."""

    interaction: Interaction
    client: Client
    session: Session | None
    now: datetime

    @property
    def place(self) -> str:
        """The interaction's address."""
        return f"/interaction/{self.interaction.interaction_id}"

    @property
    def proven_at(self) -> datetime:
        """The time of a factor that is given in this request."""
        return proven_at(self.now, started_at=self.interaction.started_at)

    @property
    def live_session(self) -> Session:
        """The session that a step after sign-in needs.  Raises InteractionUnknown."""
        if self.session is None:
            raise InteractionUnknown
        return self.session


class Step(Protocol):
    """One thing that a person may be asked: its page, and what its forms do."""

    def show(self, visit: Visit, gathered: Gathered, ask: Ask) -> Response:
        """The page."""


class Flow:
    """Leads a browser through an interaction.  `steps` is filled by `interaction.py`."""

    def __init__(self, services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> None:
        self.services = services
        self.cookies = cookies
        self.steps: Mapping[Prompt, Step] = {}
        self._proxies = proxies

    def arrive(self, interaction_id: str) -> Visit | Response:
        """The interaction of this browser; a finished one answers again for half a minute.

        Raises  InteractionUnknown, AnotherBrowser, UnknownClient.
        """
        now = self.services.time()
        browser = self.cookies.read_browser()
        interactions = self.services.interactions
        try:
            interaction = interactions.find(interaction_id, browser=browser, now=now)
        except InteractionUnknown:
            answered = interactions.find_answer(interaction_id, browser=browser, now=now)
            if answered is None:
                raise
            asked, fields = answered
            return self._send(asked, fields)
        client = self._client(interaction.request, now=now)
        token = self.cookies.read_session()
        session = None if token is None else self.services.sessions.find(token, now=now)
        set_ui_locales(interaction.request.ui_locales)
        if not is_own(interaction.request):
            allow_form_action(interaction.request.redirect_uri)
        return Visit(interaction, client, session, now)

    def show(self, interaction_id: str) -> Response:
        """Show what must be asked next, or send the answer."""
        visit = self.arrive(interaction_id)
        return visit if isinstance(visit, Response) else self.go_on(visit)

    def posted(
        self,
        interaction_id: str,
        act: Callable[[Visit], Response],
        *,
        answers: Prompt | None = None,
    ) -> Response:
        """A form: the interaction is this browser's, the form is ours, and it is its turn.

        Takes   answers: the question that the form belongs to; while another one is asked (a
                password that is not fresh, before a code) the form does nothing.
        A form of ours that is older than the session does nothing: somebody signed in from another
        tab meanwhile, and what is asked now is shown instead.
        Raises  CsrfFailed.
        """
        visit = self.arrive(interaction_id)
        if isinstance(visit, Response):
            return visit
        token, _, mark = request.form.get("csrf_token", "").partition(".")
        if self.cookies.is_csrf_token(token, place=visit.place):
            return act(visit) if self._is_asked(visit, answers) else self.go_on(visit)
        expected = self._form_mark(visit).encode("ascii")
        if not hmac.compare_digest(mark.encode("utf-8", "surrogatepass"), expected):
            raise CsrfFailed
        return see_other(visit.place)

    def _is_asked(self, visit: Visit, prompt: Prompt | None) -> bool:
        if prompt is None:
            return True
        try:
            ask = next_ask(self.gather(visit).situation)
        except OAuthError:
            return False  # `go_on` tells the portal
        return ask is not None and ask.prompt is prompt

    def signed_in(
        self,
        visit: Visit,
        account_id: AccountId,
        *,
        factor: Factor,
        is_synced: bool = False,
        is_new_device: bool = False,
    ) -> OpenedSession:
        """The running session of the same person, raised, or a new one.

        Somebody else's session on this browser ends, and its portals are told.
        Takes   is_new_device: the account was never signed in to on this browser: its owner is told
                when the session is stored.
        """
        running, at = visit.session, visit.proven_at
        if running is not None and running.account_id == account_id:
            return prove_factor(running, factor=factor, now=at, is_synced=is_synced)
        if running is not None:
            self.services.sessions.end(running, reason="another_account", now=visit.now)
        return open_session(
            account_id,
            factor=factor,
            now=at,
            lifetime=timedelta(seconds=self.services.settings.session_lifetime_s),
            is_synced=is_synced,
            device=device_of(request.headers.get("User-Agent", "")),
            new_device_at=self.source().address if is_new_device else None,
        )

    def gather(self, visit: Visit, *, opened: OpenedSession | None = None) -> Gathered:
        """Everything that the questions look at."""
        return self.services.authorizations.gather(
            visit.interaction.request,
            client=visit.client,
            progress=visit.interaction.progress,
            session=visit.session if opened is None else opened.session,
            now=visit.now,
        )

    def go_on(
        self,
        visit: Visit,
        *,
        opened: OpenedSession | None = None,
        decision: Decision | None = None,
    ) -> Response:
        """Ask the next question on a page, or finish.

        Takes   opened: a session that is not stored yet in this form; decision: given just now.
        """
        gathered = self.gather(visit, opened=opened)
        if decision is not None and gathered.is_settled_by(decision):
            progress = replace(gathered.situation.progress, consent_given=True)
            gathered = replace(gathered, situation=replace(gathered.situation, progress=progress))
        try:
            ask = next_ask(gathered.situation)
        except OAuthError as error:
            if opened is not None:  # right, and of no use to the portal: its owner is told of it
                self.services.sessions.tell_alone(opened, now=visit.now)
            return self.finish(visit, error_fields(error))
        if ask is None:
            return self._complete(visit, gathered, opened=opened, decision=decision)
        if opened is not None:
            is_stored = self.services.sessions.store_alone(opened, now=visit.now)
            response = see_other(visit.place)
            if is_stored:
                self.cookies.set_session(response, opened.token)
            return response
        if request.method == "POST":
            return see_other(visit.place)
        return self.steps[ask.prompt].show(visit, gathered, ask)

    def _complete(
        self,
        visit: Visit,
        gathered: Gathered,
        *,
        opened: OpenedSession | None,
        decision: Decision | None,
    ) -> Response:
        try:
            fields = self._answer(visit, gathered, opened=opened, decision=decision)
        except SessionOvertaken:
            return see_other(visit.place)
        response = self.finish(visit, fields)
        if opened is not None:
            self.cookies.set_session(response, opened.token)
        return response

    def _answer(
        self,
        visit: Visit,
        gathered: Gathered,
        *,
        opened: OpenedSession | None,
        decision: Decision | None,
    ) -> dict[str, str]:
        """Store what the sign-in brought: for a portal a code with it, for our own page nothing.

        Raises  SessionOvertaken.
        """
        if not is_own(visit.interaction.request):
            code = self.services.authorizations.complete(gathered, opened=opened, decision=decision)
            return {"code": code}
        if opened is not None and not self.services.sessions.store_alone(opened, now=visit.now):
            raise SessionOvertaken
        return {}

    def finish(self, visit: Visit, fields: dict[str, str]) -> Response:
        """End the interaction with an answer to the portal, or back at a page of our own."""
        self.services.interactions.finish(visit.interaction, fields=fields, now=visit.now)
        return self._send(visit.interaction.request, fields)

    def _send(self, asked: AuthorizationRequest, fields: dict[str, str]) -> Response:
        if is_own(asked):
            return see_other(way_back(asked, is_signed_in="error" not in fields))
        return send_answer(asked, issuer=self.services.settings.issuer, fields=fields)

    def _client(self, asked: AuthorizationRequest, *, now: datetime) -> Client:
        if is_own(asked):
            return client_of(asked)
        client = self.services.registry.find_client(asked.client_id, now=now)
        if client is None:
            raise UnknownClient
        return client

    def save(self, visit: Visit, **changes: Any) -> Visit:
        """Keep what was answered."""
        changed: Interaction = msgspec.structs.replace(visit.interaction, **changes)
        self.services.interactions.save(changed, now=visit.now)
        return replace(visit, interaction=changed)

    def csrf_token(self, visit: Visit) -> str:
        """The token for the forms of this interaction: `token.mark`.

        The token ends with the session's cookie; the mark only says that the form was ours.
        """
        token = self.cookies.csrf_token(self.cookies.read_browser() or "", place=visit.place)
        return f"{token}.{self._form_mark(visit)}"

    def _form_mark(self, visit: Visit) -> str:
        message = "\0".join(("form", self.cookies.read_browser() or "", visit.place))
        return self.services.sealer.mac(
            MacPurpose.CSRF, message.encode("utf-8", "surrogatepass")
        ).hex()

    def source(self) -> Source:
        """Where this attempt comes from."""
        return source_of_attempt(self._proxies, self.cookies)


def page_answer(page: Page, *, problem: str | None = None, status: int = 200) -> Response:
    """A page; with a problem it says so in its status too."""
    if problem is not None:
        status = _TOO_MANY if problem == "too_many_attempts" else _UNPROCESSABLE
    return Response(render(page), status=status, mimetype="text/html")
