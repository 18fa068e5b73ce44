"""The authorization endpoint.

What lives here: from a request to one of four answers: an error page, an error at the portal, a
code at the portal, or the first page of an interaction.  A request by POST is validated, kept and
followed by a redirect, because the browser sends no Lax cookie with a form from another site.
Source: OpenID Connect Core §3.1.2; RFC 6749 §3.1, §4.1; RFC 9207.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from clients.registry.model import Client
from idp.model import Session
from idp.oauth.authorization import SessionOvertaken
from idp.oauth.authorization_request import (
    AuthorizationRequest,
    check_authorization_request,
    find_client_and_redirect,
)
from idp.oauth.errors import LoginRequired, OAuthError, UnknownClient
from idp.oauth.parameters import Parameters
from idp.oauth.prompts import Progress, next_ask, refuse_silently
from idp.services import Services
from idp.web.answer import see_other, send_back
from idp.web.cookies import Cookies, make_browser_token
from idp.web.request import body_parameters, query_parameters


def make_authorize(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/authorize`."""
    blueprint = Blueprint("authorize", __name__)
    issuer = services.settings.issuer

    @blueprint.get("/authorize")
    def by_get() -> Response:
        return receive(query_parameters())

    @blueprint.post("/authorize")
    def by_post() -> Response:
        return receive(body_parameters())

    @blueprint.get("/authorize/<parked>")
    def go_on(parked: str) -> Response:
        now = services.time()
        taken = services.interactions.take(parked, now=now)
        client = services.registry.find_client(taken.client_id, now=now)
        if client is None:
            raise UnknownClient
        return evaluate(taken, client)

    def receive(parameters: Parameters) -> Response:
        now = services.time()
        to = find_client_and_redirect(parameters, hints=services.hints, now=now)
        try:
            checked = check_authorization_request(parameters, to=to, hints=services.hints, now=now)
        except OAuthError as error:
            return send_back(
                redirect_uri=to.redirect_uri,
                response_mode=to.response_mode,
                state=to.state,
                issuer=issuer,
                fields=error_fields(error),
            )
        if request.method == "POST":
            parked = services.interactions.park(checked, now=now)
            return see_other(f"/authorize/{parked}")
        return evaluate(checked, to.client)

    def evaluate(checked: AuthorizationRequest, client: Client) -> Response:
        now = services.time()
        session: Session | None = None
        token = cookies.read_session()
        if token is not None:
            session = services.sessions.find(token, now=now)
        gathered = services.authorizations.gather(
            checked, client=client, progress=Progress(started_at=now), session=session, now=now
        )
        try:
            ask = next_ask(gathered.situation)
            if ask is None:
                code = services.authorizations.complete(gathered, opened=None, decision=None)
                return send_answer(checked, issuer=issuer, fields={"code": code})
            if "none" in checked.prompts:
                raise refuse_silently(ask)
        except OAuthError as error:
            return send_answer(checked, issuer=issuer, fields=error_fields(error))
        except SessionOvertaken:
            # asked again on the interaction's own page, where pages may be shown at all
            if "none" in checked.prompts:
                ended = LoginRequired("the session has ended")
                return send_answer(checked, issuer=issuer, fields=error_fields(ended))
        browser = cookies.read_browser() or make_browser_token()
        begun = services.interactions.begin(checked, browser=browser, now=now)
        response = see_other(f"/interaction/{begun.interaction_id}")
        cookies.ensure_browser(response, browser)
        return response

    return blueprint


def error_fields(error: OAuthError) -> dict[str, str]:
    """The members of an error response.  RFC 6749 §4.1.2.1."""
    return {"error": error.code, "error_description": error.description}


def send_answer(checked: AuthorizationRequest, *, issuer: str, fields: dict[str, str]) -> Response:
    """An authorization response to a checked request."""
    return send_back(
        redirect_uri=checked.redirect_uri,
        response_mode=checked.response_mode,
        state=checked.state,
        issuer=issuer,
        fields=fields,
    )
