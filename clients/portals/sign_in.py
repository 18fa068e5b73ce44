"""The five addresses that every portal needs: in, back, out, back again, and told to go.

What lives here: `/login`, `/callback`, `/logout`, `/signed-out` and `/backchannel-logout` under
Flask, with the session behind them.  Not here: what a portal asks for and shows (`citizen.py`,
`business.py`), and anything of the protocol (`clients.sdk`).
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from clients.portals.problems import (
    FORM_TOO_OLD,
    NOT_FOUND,
    NOT_THIS_BROWSER,
    SIGNED_OUT_HERE,
    Problem,
    problem_of,
)
from clients.portals.sessions import PendingLogins, Person, Session, SessionStore
from clients.portals.settings import PortalSettings
from clients.sdk import (
    Login,
    LogoutTokenInvalid,
    Portal,
    ProviderUnavailable,
    SdkError,
    StartedLogin,
    VerifiedClaims,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn(Generic[Person]):
    """One portal's sign-in.

    `name` starts the names of its cookies: two portals on one host must not share them.  `start`
    asks the provider for what this portal needs; `read` makes of the answer what it shows.
    """

    name: str
    settings: PortalSettings
    portal: Portal
    start: Callable[[Portal, tuple[str, ...]], StartedLogin]
    read: Callable[[Login, VerifiedClaims], Person]
    sessions: SessionStore[Person]
    pending: PendingLogins
    now: Callable[[], datetime]

    def session(self) -> Session[Person] | None:
        """Return the session of the browser that asks, if it has one."""
        return self.sessions.find(self._cookie("session"), now=self.now())

    def login(self) -> AnyResponse:
        """Send the browser to the provider."""
        started = self.start(self.portal, _ui_locales())
        browser = self._cookie("login") or secrets.token_urlsafe(32)
        self.pending.keep(started.state_to_keep, browser=browser, now=self.now())
        response = redirect(started.url, code=303)
        self._set_cookie(response, "login", browser)
        return response

    def callback(self) -> AnyResponse:
        """Finish the sign-in that this browser started."""
        kept = self.pending.consume(
            browser=self._cookie("login"), state=request.args.get("state", ""), now=self.now()
        )
        if kept is None:
            # The reload of a page that had worked is no mistake.
            return redirect("/", code=303) if self.session() else problem_page(NOT_THIS_BROWSER)
        login = self.portal.finish_login(request.args.items(multi=True), kept)
        person = self.read(login, self.portal.userinfo(login))
        # A new key at every sign-in: nobody can have planted it in this browser beforehand.
        self.sessions.end(self._cookie("session"))
        key = self.sessions.start(login, person, now=self.now())
        response = redirect("/", code=303)
        self._set_cookie(response, "session", key)
        return response

    def logout(self) -> AnyResponse:
        """End the session here, then let the provider end it everywhere."""
        session = self.session()
        if session is None:
            return redirect("/signed-out", code=303)
        sent = request.form.get("csrf_token", "")
        if not hmac.compare_digest(
            sent.encode(errors="surrogatepass"), session.csrf_token.reveal().encode()
        ):
            return problem_page(FORM_TOO_OLD)
        self.sessions.end(self._cookie("session"))
        try:
            url = self.portal.logout_url(
                id_token=session.id_token,
                post_logout_redirect_uri=self.settings.post_logout_redirect_uri,
                ui_locales=_ui_locales(),
            )
        except SdkError as error:
            _log.warning("signed out here alone: %s, %s", error.code, error)
            response = problem_page(SIGNED_OUT_HERE)
        else:
            response = redirect(url, code=303)
        response.delete_cookie(self._cookie_name("session"), path="/")
        return response

    def signed_out(self) -> str:
        """Say that it is done."""
        return render_template("signed_out.html")

    def backchannel_logout(self) -> Response:
        """End the sessions that the provider says have ended.

        Source  OIDC Back-Channel Logout 1.0 §2.5–2.8.
        """
        try:
            notice = self.portal.receive_backchannel_logout(request.form.get("logout_token", ""))
        except LogoutTokenInvalid as error:
            _log.warning("logout token refused: step %s, %s", error.step, error.reason)
            return make_response(jsonify(error="invalid_request"), 400)
        except ProviderUnavailable as error:
            _log.warning("logout token cannot be judged now: %s", error.reason)
            return make_response(jsonify(error="temporarily_unavailable"), 503)
        self.sessions.end_named(notice)
        return make_response("", 200)

    def _cookie_name(self, what: str) -> str:
        prefix = "__Host-" if self.settings.is_https else ""
        return f"{prefix}{self.name}_{what}"

    def _cookie(self, what: str) -> str | None:
        return request.cookies.get(self._cookie_name(what))

    def _set_cookie(self, response: AnyResponse, what: str, value: str) -> None:
        response.set_cookie(
            self._cookie_name(what),
            value,
            path="/",
            secure=self.settings.is_https,
            httponly=True,
            samesite="Lax",
        )


def add_sign_in(app: Flask, sign_in: SignIn[Person]) -> None:
    """Give an application the five addresses, languages, headers and error pages."""
    app.add_url_rule("/login", view_func=sign_in.login)
    app.add_url_rule("/callback", view_func=sign_in.callback)
    app.add_url_rule("/logout", view_func=sign_in.logout, methods=["POST"])
    app.add_url_rule("/signed-out", view_func=sign_in.signed_out)
    app.add_url_rule("/backchannel-logout", view_func=sign_in.backchannel_logout, methods=["POST"])
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    app.context_processor(lambda: {"t": _in_language, "lang": g.lang, "portal": sign_in.name})
    language_cookie = f"{sign_in.name}_lang"

    @app.before_request
    def choose_language() -> None:
        asked = request.args.get("lang") or request.cookies.get(language_cookie)
        g.lang = "en" if asked == "en" else "vi"

    @app.after_request
    def finish(response: Response) -> Response:
        if "lang" in request.args:
            secure = sign_in.settings.is_https
            response.set_cookie(
                language_cookie, g.lang, httponly=True, samesite="Lax", secure=secure
            )
        return _with_headers(response, settings=sign_in.settings)

    @app.errorhandler(404)
    def say_not_found(_: HTTPException) -> AnyResponse:
        return problem_page(NOT_FOUND)

    @app.errorhandler(SdkError)
    def refuse(error: SdkError) -> AnyResponse:
        # An error of the SDK holds no token and no claim, so its text may be logged.
        _log.warning("not done: %s, %s", error.code, error)
        return problem_page(problem_of(error))


def problem_page(problem: Problem) -> AnyResponse:
    """Return the page of a problem."""
    return make_response(render_template("problem.html", problem=problem), problem.status)


def _ui_locales() -> tuple[str, ...]:
    return ("vi",) if g.lang == "vi" else (g.lang, "vi")


def _in_language(vietnamese: str, english: str) -> str:
    return english if g.lang == "en" else vietnamese


def _with_headers(response: Response, *, settings: PortalSettings) -> Response:
    # Chromium holds `form-action` against the redirect that follows the sign-out form.
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {settings.issuer_origin}"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    if settings.is_https:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
