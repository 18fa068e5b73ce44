"""The person's page for "this was not me".

What lives here: `/account/not-me`, which asks once and then locks, and what it says afterwards.  It
asks for no second factor: whoever lost it has to be able to lock all the same.
Source: architecture, J5.
Not here: what is locked (`idp/accounts/not_me.py`).
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, abort, request

from idp.accounts.not_me import ReportedSessionUnknown
from idp.model import Session
from idp.services import Services
from idp.web.account.overview import PLACE as ACCOUNT
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.devices import device_name
from idp.web.flow import CsrfFailed, page_answer
from idp.web.own_sign_in import OwnSignIn
from idp.web.recovery_pages import NotMePage
from idp.web.reset.stop import locked_at

PLACE: Final = "/account/not-me"
_LONGEST_ID: Final = 40


def make_not_me(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/not-me`."""
    pages = _NotMePages(services, cookies=cookies)
    blueprint = Blueprint("not_me", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    blueprint.add_url_rule(PLACE, "report", pages.report, methods=["POST"])
    return blueprint


class _NotMePages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def show(self) -> Response:
        """The question."""
        raw = request.args.get("session", "")[:_LONGEST_ID]
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(PLACE)
        reported = self._find(session, raw)
        browser = self._cookies.read_browser() or make_browser_token()
        page = NotMePage(
            here=PLACE if reported is None else f"{PLACE}?session={reported.session_id}",
            action=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            reported="" if reported is None else reported.session_id,
            device="" if reported is None else device_name(reported.device),
            since=None if reported is None else reported.created_at,
            back_url=ACCOUNT,
        )
        response = page_answer(page)
        self._cookies.ensure_browser(response, browser)
        return response

    def report(self) -> Response:
        """Lock, and say what to do next.  Raises CsrfFailed."""
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(PLACE)
        raw = request.form.get("session", "")[:_LONGEST_ID]
        try:
            case = self._services.recovering.not_me.report(
                session.account_id,
                session_id=raw or None,
                in_hand=session.session_id,
                now=self._services.time(),
            )
        except ReportedSessionUnknown:
            abort(404)
        response = see_other(locked_at(case))
        self._cookies.drop_session(response)
        return response

    def _find(self, held: Session, raw: str) -> Session | None:
        if not raw:
            return None
        found = self._services.recovering.not_me.find(held.account_id, raw)
        if found is None:
            abort(404)
        return found
