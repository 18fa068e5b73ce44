"""A reset is stopped from the link in its notice, without a sign-in; and what was locked.

What lives here: `/forgot/stop/…`, which asks once, and `/forgot/locked/…`, which says what to do
next, after this and after "this was not me".
Source: architecture, decision 10.
Not here: what stopping does (`idp/accounts/recovery_stop.py`).
"""

from __future__ import annotations

import re
from typing import Final

from flask import Blueprint, Response, abort, request

from idp.accounts.case_model import Case, CaseKind
from idp.accounts.recovery_stop import StopGone
from idp.services import Services
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed
from idp.web.recovery_pages import LockedPage, ResetGonePage, StopPage
from idp.web.reset.place import PLACE
from idp.web.reset.shown import answer

_STOP: Final = f"{PLACE}/stop"
_LOCKED: Final = f"{PLACE}/locked"
_NUMBER: Final = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}", re.ASCII)


def locked_at(case: Case) -> str:
    """Where it says what was locked."""
    stopped = "?reset=1" if case.kind is CaseKind.RESET_STOPPED else ""
    return f"{_LOCKED}/{case.number}{stopped}"


def make_stop(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of both."""
    blueprint = Blueprint("reset_stop", __name__)
    stop = services.recovering.stop

    @blueprint.get(f"{_STOP}/<string(maxlength=128):token>")
    def show(token: str) -> Response:
        try:
            found = stop.find(token, now=services.time())
        except StopGone:
            return _gone()
        place = f"{_STOP}/{token}"
        browser = cookies.read_browser() or make_browser_token()
        page = StopPage(
            here=place,
            action=place,
            csrf_token=cookies.csrf_token(browser, place=place),
            done_at=found.done_at,
            until=found.waits_until,
        )
        response = answer(page)
        cookies.ensure_browser(response, browser)
        return response

    @blueprint.post(f"{_STOP}/<string(maxlength=128):token>")
    def act(token: str) -> Response:
        if not cookies.is_csrf_token(request.form.get("csrf_token"), place=f"{_STOP}/{token}"):
            raise CsrfFailed
        try:
            case = stop.stop(token, now=services.time())
        except StopGone:
            return _gone()
        response = see_other(locked_at(case))
        cookies.drop_session(response)
        return response

    @blueprint.get(f"{_LOCKED}/<string(maxlength=12):number>")
    def locked(number: str) -> Response:
        if not _NUMBER.fullmatch(number):
            abort(404)
        is_stopped = "reset" in request.args
        place = f"{_LOCKED}/{number}"
        page = LockedPage(
            here=f"{place}?reset=1" if is_stopped else place,
            number=number,
            is_stopped_reset=is_stopped,
            forgot_url=PLACE,
        )
        return answer(page)

    return blueprint


def _gone() -> Response:
    page = ResetGonePage(here=PLACE, kind="stop_gone", again_url=PLACE)
    return answer(page, status=410)
