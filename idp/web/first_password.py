"""The page on which the holder of an account that a counter opened chooses its first password.

What lives here: `/first-password`.  Nobody is signed in; number and both codes say who it is, and
what is wrong is not told apart.  Source: architecture, decision 10.
Not here: what is checked (`idp/accounts/first_password.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from flask import Blueprint, Response, request

from idp.accounts.errors import PasswordUnusable, TooManyAttempts
from idp.accounts.first_password import FirstPasswordRefused
from idp.accounts.passwords import MIN_NEW_PASSWORD_CHARS
from idp.services import Services
from idp.web.account.overview import PLACE as ACCOUNT
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.official_pages import FirstPasswordPage
from idp.web.request import source_of_attempt
from idp.web.request_facts import note_refusal
from idp.web.source import TrustedProxies

PLACE: Final = "/first-password"


def make_first_password(
    services: Services, *, cookies: Cookies, proxies: TrustedProxies
) -> Blueprint:
    """The blueprint of `/first-password`."""
    blueprint = Blueprint("first_password", __name__)

    def page(problem: str | None = None, retry_at: datetime | None = None) -> Response:
        if problem is not None:
            note_refusal(f"first_password_{problem}")
        browser = cookies.read_browser() or make_browser_token()
        shown = FirstPasswordPage(
            here=PLACE,
            action=PLACE,
            csrf_token=cookies.csrf_token(browser, place=PLACE),
            least_chars=MIN_NEW_PASSWORD_CHARS,
            problem=problem,
            retry_at=retry_at,
        )
        response = page_answer(shown, problem=problem)
        cookies.ensure_browser(response, browser)
        return response

    @blueprint.get(PLACE)
    def show() -> Response:
        return page()

    @blueprint.post(PLACE)
    def choose() -> Response:
        if not cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        raw_new = request.form.get("new_password", "")
        if not raw_new:
            return page("new_missing")
        if raw_new != request.form.get("new_password_again", ""):
            return page("not_the_same")
        try:
            services.desks.first_password.choose(
                raw_identifier=request.form.get("identifier", ""),
                raw_counter_code=request.form.get("counter_code", ""),
                raw_activation_code=request.form.get("activation_code", ""),
                raw_password=raw_new,
                source=source_of_attempt(proxies, cookies),
                now=services.time(),
            )
        except FirstPasswordRefused as refusal:
            return page(refusal.code)
        except PasswordUnusable as refusal:
            return page(refusal.reason)
        except TooManyAttempts as refusal:
            return page("too_many_attempts", refusal.retry_at)
        return see_other(ACCOUNT)

    return blueprint
