"""The logout endpoint and its pages.

What lives here: asking the person, ending the session, telling how it went and leading back.  The
person is always asked: a hint proves which client asks, not that the person wants it.
Source: OpenID Connect RP-Initiated Logout §2, §3, §4.
"""

from __future__ import annotations

import secrets
from typing import Final

import msgspec
from flask import Blueprint, Response, request

from idp.model import Session
from idp.oauth.end_session import EndSession, LogoutRequest
from idp.oauth.errors import InvalidRequest
from idp.oauth.parameters import Parameters, parse_parameters
from idp.services import Services
from idp.web.answer import allow_form_action, see_other
from idp.web.consent_text import name_of
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.i18n import set_ui_locales
from idp.web.pages import LoggedOutPage, LogoutPage
from idp.web.request import body_parameters, query_parameters

_PLACE: Final = "/logout"


def make_end_session(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/logout`."""
    pages = _EndSessionPages(services, cookies=cookies)
    blueprint = Blueprint("end_session", __name__)
    blueprint.add_url_rule(_PLACE, "by_get", pages.by_get)
    blueprint.add_url_rule(_PLACE, "by_post", pages.by_post, methods=["POST"])
    blueprint.add_url_rule(f"{_PLACE}/done", "done", pages.done)
    blueprint.add_url_rule(f"{_PLACE}/<parked>", "go_on", pages.go_on)
    return blueprint


class _EndSessionPages:
    """The views of the logout endpoint."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._end_session = EndSession(
            services.database, registry=services.registry, id_tokens=services.id_tokens
        )

    def by_get(self) -> Response:
        """A portal's request by redirect."""
        return self._ask(query_parameters())

    def by_post(self) -> Response:
        """A portal's request by form, or the person's answer on our page."""
        request.get_data(cache=True)  # kept: reading the form would use the body up
        if "decision" in request.form:
            return self._decide()
        return self._ask(body_parameters())

    def go_on(self, parked: str) -> Response:
        """What came by form from another site, now that the session's cookie is sent with it."""
        form = self._services.interactions.take_logout(parked, now=self._services.time())
        if form is None:
            return see_other(_PLACE)  # loaded again: the person may still sign out, from here
        return self._ask(parse_parameters(form))

    def done(self) -> Response:
        """The page after signing out."""
        return page_answer(LoggedOutPage())

    def _ask(self, parameters: Parameters) -> Response:
        """The confirmation page; with nobody signed in here there is nothing to confirm."""
        asked = self._end_session.check(parameters, now=self._services.time())
        set_ui_locales(asked.ui_locales)
        if request.method == "POST" and self._cookies.read_session() is None:
            # a form from another site brings no Lax cookie: come again by GET, where it does
            parked = self._services.interactions.park_logout(
                request.get_data(), now=self._services.time()
            )
            return see_other(f"{_PLACE}/{parked}")
        session = self._session()
        is_another = asked.session_id is not None and (
            session is None or session.session_id != asked.session_id
        )
        if session is None or is_another:
            return self._leave(asked)
        browser = self._cookies.read_browser() or make_browser_token()
        if asked.return_url is not None:
            allow_form_action(asked.return_url)
        account = self._services.people.find_account(session.account_id)
        page = LogoutPage(
            client_name=None if asked.client is None else name_of(asked.client),
            action=_PLACE,
            csrf_token=self._seal(asked, browser),
            name="" if account is None else account.profile.name,
        )
        response = page_answer(page)
        self._cookies.ensure_browser(response, browser)
        return response

    def _decide(self) -> Response:
        """What the person said on the confirmation page."""
        asked = self._unseal(request.form.get("csrf_token", ""))
        if request.form.get("decision") != "logout":
            return see_other("/")
        session = self._session()
        if session is not None:
            self._services.sessions.end(session, reason="logout", now=self._services.time())
        response = self._leave(asked)
        self._cookies.drop_session(response)
        return response

    def _leave(self, asked: LogoutRequest) -> Response:
        """Back to the portal where it gave a registered address, else our own last page."""
        if asked.return_url is not None:
            response = see_other(asked.return_url)
            response.autocorrect_location_header = False
            return response
        if request.method == "POST":
            return see_other(f"{_PLACE}/done")
        return page_answer(LoggedOutPage())

    def _session(self) -> Session | None:
        token = self._cookies.read_session()
        if token is None:
            return None
        return self._services.sessions.find(token, now=self._services.time())

    def _seal(self, asked: LogoutRequest, browser: str) -> str:
        """The CSRF token, with the checked return address in it: nothing is stored meanwhile."""
        client_id = None if asked.client is None else asked.client.client_id
        payload = msgspec.json.encode([asked.return_url, client_id]).hex()
        nonce = secrets.token_hex(8)
        token = self._cookies.csrf_token(browser, place=f"{_PLACE}:{nonce}:{payload}")
        return f"{nonce}.{payload}.{token}"

    def _unseal(self, raw: str) -> LogoutRequest:
        """What was asked when the page was shown.  Raises CsrfFailed."""
        nonce, _, rest = raw.partition(".")
        payload, _, token = rest.partition(".")
        if not self._cookies.is_csrf_token(token, place=f"{_PLACE}:{nonce}:{payload}"):
            raise CsrfFailed
        try:
            return_url, client_id = msgspec.json.decode(bytes.fromhex(payload))
        except (ValueError, msgspec.DecodeError) as problem:
            raise InvalidRequest("form") from problem
        client = (
            None
            if client_id is None
            else self._services.registry.find_client(client_id, now=self._services.time())
        )
        return LogoutRequest(client, None, return_url, ())
