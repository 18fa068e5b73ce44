"""The form with which a person has the business register asked for whom they represent.

What lives here: `/account/mandates/represent`, after a sign-in with two factors that is not old;
there is no such page where no register is asked.
Source: architecture, J5; NĐ 69/2024/NĐ-CP Art. 12.
Not here: what the register has to say (`idp/mandate_register.py`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint, Response, request

from idp.accounts.errors import TooManyAttempts
from idp.mandate_register import RegisterRefused
from idp.services import Services
from idp.web.account.mandates import PLACE as MANDATES
from idp.web.account.mandates import REPRESENT as PLACE
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.mandate_pages import RepresentPage
from idp.web.own_sign_in import OwnSignIn
from idp.web.request_facts import note_refusal

_SLOW_WRITER: Final = timedelta(minutes=10)


def make_represent(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/mandates/represent`."""
    page = _RepresentPage(services, cookies=cookies)
    blueprint = Blueprint("represent", __name__)
    blueprint.add_url_rule(PLACE, "show", page.show)
    blueprint.add_url_rule(PLACE, "ask", page.ask, methods=["POST"])
    return blueprint


class _RepresentPage:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)
        self._fresh = timedelta(seconds=services.settings.factor_change_fresh_s)

    def show(self) -> Response:
        """The form."""
        if self._sign_in.find(level=2, max_age=self._fresh) is None:
            return self._sign_in.begin(PLACE, level=2, max_age=self._fresh)
        return self._page()

    def ask(self) -> Response:
        """Have the register asked.  Raises CsrfFailed."""
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        session = self._sign_in.find(level=2, max_age=self._fresh + _SLOW_WRITER)
        if session is None:
            return self._sign_in.begin(PLACE, level=2, max_age=self._fresh)
        try:
            self._services.mandates.registered.add(
                session.account_id, request.form.get("code", ""), now=self._services.time()
            )
        except RegisterRefused as refused:
            note_refusal(f"represent_{refused.reason}")
            return self._page(problem=refused.reason)
        except TooManyAttempts:
            note_refusal("represent_too_many")
            return self._page(problem="too_many_attempts")
        return see_other(f"{MANDATES}?told=represented")

    def _page(self, *, problem: str | None = None) -> Response:
        browser = self._cookies.read_browser() or make_browser_token()
        page = RepresentPage(
            here=PLACE,
            action=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            code=request.form.get("code", "")[:20],
            problem=problem,
        )
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response
