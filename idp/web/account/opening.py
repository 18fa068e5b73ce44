"""Opening an account: an address and its code, then the person, then an account.

What lives here: `/account/open` and its forms, which work for somebody nobody knows yet: what was
begun is bound to the browser by its cookie.  Whatever is typed about a person is in the body of one
request and comes back on the page that answers it, and is nowhere else.
Source: architecture, J5.  Not here: what the steps decide (`idp/accounts/opening.py`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from idp.accounts.channels import Channel
from idp.accounts.errors import PasswordUnusable, TooManyAttempts
from idp.accounts.message_codes import SendingRefused
from idp.accounts.opening_claims import OpeningRefused, RawClaim
from idp.accounts.opening_state import Opening
from idp.accounts.passwords import MIN_NEW_PASSWORD_CHARS
from idp.registers import RegisterError
from idp.services import Services
from idp.web.account.overview import PLACE as ACCOUNT
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.opening_pages import (
    OpeningCodePage,
    OpeningDonePage,
    OpeningPersonPage,
    OpeningStartPage,
)
from idp.web.request import source_address
from idp.web.request_facts import note_refusal
from idp.web.source import TrustedProxies

PLACE: Final = "/account/open"
_DONE: Final = f"{PLACE}/done"
_WAY_BACK: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_SHOWN_AGAIN: Final = 200
_UNAVAILABLE: Final = 503

_Form = OpeningStartPage | OpeningCodePage | OpeningPersonPage


def make_opening(services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> Blueprint:
    """The blueprint of `/account/open`."""
    pages = _OpeningPages(services, cookies=cookies, proxies=proxies)
    blueprint = Blueprint("opening", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    blueprint.add_url_rule(_DONE, "done", pages.done)
    for name, act in (
        ("begin", pages.begin),
        ("code", pages.take_code),
        ("resend", pages.resend),
        ("restart", pages.restart),
        ("finish", pages.finish),
    ):
        blueprint.add_url_rule(f"{PLACE}/{name}", name, act, methods=["POST"])
    return blueprint


class _OpeningPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> None:
        self._services = services
        self._opening = services.opening.accounts
        self._cookies = cookies
        self._proxies = proxies

    def show(self) -> Response:
        """The step that is due."""
        begun = self._begun()
        if begun is None or request.args.get("back"):
            return self._start_page()
        return self._person_page() if begun.is_confirmed else self._code_page(begun)

    def done(self) -> Response:
        """There is an account now, and this is the way on."""
        back = _way_back(request.args.get("back", ""))
        page = OpeningDonePage(
            here=_done_url(back), sign_in_url=f"/interaction/{back}" if back else ACCOUNT
        )
        return page_answer(page)

    def begin(self) -> Response:
        """Send a code.  Raises CsrfFailed."""
        browser = self._check_form()
        raw = request.form.get("address", "")
        try:
            self._opening.begin(
                browser,
                raw_address=raw,
                source=source_address(self._proxies),
                way_back=_way_back(request.form.get("back", "")),
                now=self._now,
            )
        except OpeningRefused as refusal:
            return self._start_page(problem=refusal.reason, address=raw)
        except SendingRefused as refusal:
            return self._start_page(
                problem="sending_refused", address=raw, retry_at=refusal.retry_at
            )
        return see_other(PLACE)

    def take_code(self) -> Response:
        """The code that was sent.  Raises CsrfFailed."""
        browser = self._check_form()
        try:
            self._opening.confirm_address(
                browser, raw_code=request.form.get("otp", ""), now=self._now
            )
        except OpeningRefused as refusal:
            return self._again(refusal.reason, attempts_left=refusal.attempts_left)
        return see_other(PLACE)

    def resend(self) -> Response:
        """Another code.  Raises CsrfFailed."""
        browser = self._check_form()
        try:
            self._opening.resend(browser, source=source_address(self._proxies), now=self._now)
        except OpeningRefused as refusal:
            return self._again(refusal.reason)
        except SendingRefused as refusal:
            return self._again("sending_refused", retry_at=refusal.retry_at)
        return see_other(PLACE)

    def restart(self) -> Response:
        """Forget the address.  Raises CsrfFailed."""
        self._opening.give_up(self._check_form(), now=self._now)
        return see_other(PLACE)

    def finish(self) -> Response:
        """Compare, and open.  Raises CsrfFailed."""
        browser = self._check_form()
        begun = self._begun()
        if begun is None or not begun.is_confirmed:
            return self._again("nothing_begun")
        raw_new = request.form.get("new_password", "")
        if not raw_new:
            return self._person_page(problem="new_missing")
        if raw_new != request.form.get("new_password_again", ""):
            return self._person_page(problem="not_the_same")
        claim = RawClaim(
            number=request.form.get("identifier", ""),
            name=request.form.get("full_name", ""),
            birthdate=request.form.get("birthdate", ""),
            has_consented=request.form.get("consent") == "yes",
        )
        try:
            self._opening.finish(
                browser,
                claim,
                raw_password=raw_new,
                source=source_address(self._proxies),
                now=self._now,
            )
        except OpeningRefused as refusal:
            note_refusal(f"opening_{refusal.reason}")
            if refusal.reason in {"exists", "nothing_begun"}:
                return self._start_page(problem=refusal.reason)
            return self._person_page(problem=refusal.reason)
        except PasswordUnusable as refusal:
            return self._person_page(problem=refusal.reason)
        except TooManyAttempts as refusal:
            return self._person_page(problem="too_many_attempts", retry_at=refusal.retry_at)
        except RegisterError as failure:
            note_refusal(failure.code)
            return self._person_page(problem="register_away", status=_UNAVAILABLE)
        return see_other(_done_url(begun.way_back))

    @property
    def _now(self) -> datetime:
        return self._services.time()

    def _begun(self) -> Opening | None:
        return self._opening.find(self._cookies.read_browser(), now=self._now)

    def _check_form(self) -> str:
        browser = self._cookies.read_browser()
        token = request.form.get("csrf_token")
        if browser is None or not self._cookies.is_csrf_token(token, place=PLACE):
            raise CsrfFailed
        return browser

    def _again(self, problem: str, **shown: Any) -> Response:
        """The code's page, or the first one where nothing waits for a code."""
        begun = self._begun()
        if begun is None or begun.is_confirmed:
            return self._start_page(problem="nothing_begun")
        return self._code_page(begun, problem=problem, **shown)

    def _start_page(
        self, *, problem: str | None = None, address: str = "", **shown: Any
    ) -> Response:
        raw_back = request.args.get("back", "") or request.form.get("back", "")
        page = OpeningStartPage(
            here=PLACE,
            action=f"{PLACE}/begin",
            csrf_token="",
            is_offered=self._opening.is_offered,
            way_back=_way_back(raw_back),
            address=address[:_SHOWN_AGAIN],
            problem=problem,
            **shown,
        )
        return self._answer(page, problem=problem)

    def _code_page(self, begun: Opening, *, problem: str | None = None, **shown: Any) -> Response:
        page = OpeningCodePage(
            here=PLACE,
            masked=begun.masked,
            is_email=begun.channel is Channel.EMAIL,
            action=f"{PLACE}/code",
            resend_action=f"{PLACE}/resend",
            restart_action=f"{PLACE}/restart",
            csrf_token="",
            problem=problem,
            **shown,
        )
        return self._answer(page, problem=problem)

    def _person_page(
        self, *, problem: str | None = None, status: int | None = None, **shown: Any
    ) -> Response:
        typed = request.form
        page = OpeningPersonPage(
            here=PLACE,
            action=f"{PLACE}/finish",
            csrf_token="",
            controller=self._services.settings.pki_organisation,
            least_chars=MIN_NEW_PASSWORD_CHARS,
            identifier=typed.get("identifier", "")[:_SHOWN_AGAIN],
            full_name=typed.get("full_name", "")[:_SHOWN_AGAIN],
            birthdate=typed.get("birthdate", "")[:_SHOWN_AGAIN],
            has_consented=typed.get("consent") == "yes",
            problem=problem,
            **shown,
        )
        return self._answer(page, problem=problem, status=status)

    def _answer(self, page: _Form, *, problem: str | None, status: int | None = None) -> Response:
        browser = self._cookies.read_browser() or make_browser_token()
        whole = replace(page, csrf_token=self._cookies.csrf_token(browser, place=PLACE))
        response = (
            page_answer(whole, problem=problem)
            if status is None
            else page_answer(whole, status=status)
        )
        self._cookies.ensure_browser(response, browser)
        return response


def _way_back(raw: str) -> str:
    """The id of a sign-in, or nothing."""
    return raw if _WAY_BACK.fullmatch(raw) else ""


def _done_url(back: str) -> str:
    return f"{_DONE}?{urlencode({'back': back})}" if back else _DONE
