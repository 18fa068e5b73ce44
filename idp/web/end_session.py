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

from idp.oauth.end_session import EndSession, LogoutRequest
from idp.oauth.errors import InvalidRequest
from idp.oauth.parameters import Parameters
from idp.services import Services
from idp.web.answer import allow_form_action, see_other
from idp.web.consent_text import name_of
from idp.web.cookies import Cookies, make_browser_token
from idp.web.i18n import set_ui_locales
from idp.web.flow import CsrfFailed
from idp.web.pages import LoggedOutPage, LogoutPage, render
from idp.web.request import body_parameters, query_parameters

_PLACE: Final = "/logout"


def make_end_session(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/logout`."""
    blueprint = Blueprint("end_session", __name__)
    end_session = EndSession(
        services.database, registry=services.registry, id_tokens=services.id_tokens
    )

    @blueprint.get("/logout")
    def by_get() -> Response:
        return ask(query_parameters())

    @blueprint.post("/logout")
    def by_post() -> Response:
        if "decision" in request.form:
            return decide()
        return ask(body_parameters())

    @blueprint.get("/logout/done")
    def done() -> Response:
        return html(render(LoggedOutPage()))

    def ask(parameters: Parameters) -> Response:
        """The confirmation page; with nobody signed in here there is nothing to confirm."""
        now = services.time()
        asked = end_session.check(parameters, now=now)
        set_ui_locales(asked.ui_locales)
        token = cookies.read_session()
        session = None if token is None else services.sessions.find(token, now=now)
        is_parted = asked.session_id is not None and (
            session is None or session.session_id != asked.session_id
        )
        if request.method == "POST" and token is None:
            # a form from another site brings no Lax cookie: come again by GET, where it does
            return see_other(f"{_PLACE}?{request.get_data(as_text=True)}")
        if session is None or is_parted:
            return leave(asked)
        browser = cookies.read_browser() or make_browser_token()
        if asked.return_url is not None:
            allow_form_action(asked.return_url)
        account = services.people.find_account(session.account_id)
        page = LogoutPage(
            client_name=None if asked.client is None else name_of(asked.client),
            action=_PLACE,
            csrf_token=seal_request(asked, browser),
            name="" if account is None else account.profile.name,
            here=f"{_PLACE}?{request.query_string.decode('ascii', 'replace')}",
        )
        response = html(render(page))
        cookies.ensure_browser(response, browser)
        return response

    def decide() -> Response:
        """What the person said on the confirmation page."""
        now = services.time()
        asked = unseal_request(request.form.get("csrf_token", ""))
        if request.form.get("decision") != "logout":
            return see_other("/")
        token = cookies.read_session()
        session = None if token is None else services.sessions.find(token, now=now)
        if session is not None:
            services.sessions.end(session, reason="logout", now=now)
        response = leave(asked)
        cookies.drop_session(response)
        return response

    def leave(asked: LogoutRequest) -> Response:
        if asked.return_url is not None:
            response = Response(status=303)
            response.autocorrect_location_header = False
            response.headers["Location"] = asked.return_url
            return response
        if request.method == "POST":
            return see_other(f"{_PLACE}/done")
        return html(render(LoggedOutPage()))

    def seal_request(asked: LogoutRequest, browser: str) -> str:
        """The CSRF token, with the checked return address in it: nothing is stored meanwhile."""
        payload = msgspec.json.encode(
            [asked.return_url, None if asked.client is None else asked.client.client_id]
        ).hex()
        nonce = secrets.token_hex(8)
        place = f"{_PLACE}:{nonce}:{payload}"
        return f"{nonce}.{payload}.{cookies.csrf_token(browser, place=place)}"

    def unseal_request(raw: str) -> LogoutRequest:
        nonce, _, rest = raw.partition(".")
        payload, _, token = rest.partition(".")
        if not cookies.is_csrf_token(token, place=f"{_PLACE}:{nonce}:{payload}"):
            raise CsrfFailed
        try:
            return_url, client_id = msgspec.json.decode(bytes.fromhex(payload))
        except (ValueError, msgspec.DecodeError) as problem:
            raise InvalidRequest("form") from problem
        client = (
            None
            if client_id is None
            else services.registry.find_client(client_id, now=services.time())
        )
        return LogoutRequest(client, None, return_url, ())

    return blueprint


def html(body: str) -> Response:
    """A page."""
    return Response(body, mimetype="text/html")
