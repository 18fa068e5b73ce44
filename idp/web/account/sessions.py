"""The person's browser sessions: what runs where, and signing out one, all others or all.

What lives here: `/account/sessions`.  The names of devices are what browsers say of themselves;
neither the header nor an address is shown.
Source: architecture, J5; OWASP ASVS 7.4.3, 7.5.2.
Not here: what ends with a session (`idp/own_sessions.py`, `idp/sessions.py`).
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, abort, request

from idp.ids import SessionId
from idp.model import Factor, Session
from idp.own_sessions import OwnSessions, RunningSession, SessionOver, SessionUnknown
from idp.services import Services
from idp.web.account_pages import SessionsPage, ShownSession
from idp.web.answer import see_other
from idp.web.consent_text import name_of
from idp.web.cookies import Cookies, make_browser_token
from idp.web.devices import device_name
from idp.web.flow import CsrfFailed, page_answer
from idp.web.own_sign_in import OwnSignIn

PLACE: Final = "/account/sessions"
_ENDED: Final = "ended"
_SIGNED_OUT: Final = "/logout/done"


def make_sessions(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/sessions`."""
    pages = _SessionPages(services, cookies=cookies)
    blueprint = Blueprint("sessions", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    for place, name, act in (
        (f"{PLACE}/others", "others", pages.end_others),
        (f"{PLACE}/all", "all", pages.end_all),
        (f"{PLACE}/<string(maxlength=40):session_id>/end", "end", pages.end_one),
    ):
        blueprint.add_url_rule(place, name, act, methods=["POST"])
    return blueprint


class _SessionPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)
        self._own = OwnSessions(services.database, sessions=services.sessions)

    def show(self) -> Response:
        """The list."""
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(PLACE)
        account = self._services.people.find_account(session.account_id)
        if account is None:
            abort(404)
        browser = self._cookies.read_browser() or make_browser_token()
        running = self._own.list_of(session, now=self._services.time())
        page = SessionsPage(
            here=PLACE,
            name=account.profile.name,
            sessions=tuple(self._shown(one, held=session) for one in running),
            others_action=f"{PLACE}/others",
            all_action=f"{PLACE}/all",
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            ended=_ENDED in request.args,
        )
        response = page_answer(page)
        self._cookies.ensure_browser(response, browser)
        return response

    def end_one(self, session_id: str) -> Response:
        """Sign out in one browser, here or elsewhere.  Raises CsrfFailed."""
        session = self._posted()
        if session is None:
            return self._sign_in.begin(PLACE)
        try:
            self._own.end_one(session, SessionId(session_id), now=self._services.time())
        except SessionUnknown:
            abort(404)
        return self._gone() if session_id == session.session_id else self._back()

    def end_others(self) -> Response:
        """Sign out everywhere but here.  Raises CsrfFailed."""
        session = self._posted()
        if session is None:
            return self._sign_in.begin(PLACE)
        try:
            self._own.end_others(session, now=self._services.time())
        except SessionOver:
            return self._sign_in.begin(PLACE)
        return self._back()

    def end_all(self) -> Response:
        """Sign out everywhere.  Raises CsrfFailed."""
        session = self._posted()
        if session is None:
            return self._sign_in.begin(PLACE)
        self._own.end_all(session, now=self._services.time())
        return self._gone()

    def _posted(self) -> Session | None:
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        return self._sign_in.find()

    def _back(self) -> Response:
        return see_other(f"{PLACE}?{_ENDED}=1")

    def _gone(self) -> Response:
        response = see_other(_SIGNED_OUT)
        self._cookies.drop_session(response)
        return response

    def _shown(self, one: RunningSession, *, held: Session) -> ShownSession:
        now, session = self._services.time(), one.session
        found = (
            self._services.registry.find_registered_client(client_id, now=now)
            for client_id in one.clients
        )
        return ShownSession(
            device=device_name(session.device),
            is_here=session.session_id == held.session_id,
            is_level_two=any(proven.factor is not Factor.PASSWORD for proven in session.factors),
            started_at=session.created_at,
            used_at=one.used_at,
            expires_at=session.expires_at,
            portals=tuple(name_of(client) for client in found if client is not None),
            end_action=f"{PLACE}/{session.session_id}/end",
            not_me_url=f"/account/not-me?session={session.session_id}",
        )
