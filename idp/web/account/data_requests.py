"""Asking for something about one's data, and seeing what became of it.

What lives here: `/account/data/requests`.  Asking and lifting a restriction need every factor
within the last minutes; stopping a request, which changes nothing, does not.
Source: Law 91/2025/QH15 Art. 4; NĐ 356/2025/NĐ-CP Art. 5; architecture, J5.
Not here: what follows (`idp/accounts/data_requests.py`), words (`data_request_words.py`).
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, abort, request

from idp.accounts.data_request_rules import DataRequest, RequestKind, rule_of
from idp.accounts.data_requests import (
    MOST_CHARS,
    RequestRefused,
    RequestUnknown,
)
from idp.services import Services
from idp.web.account.data import PLACE as DATA
from idp.web.account.fresh_holder import SLACK, FreshHolder
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.data_pages import (
    AskProblem,
    DataAskPage,
    DataRequestsPage,
    OfferedKind,
    ShownRequest,
)
from idp.web.data_request_words import (
    LABELS,
    SAYS,
    STATES,
    TITLES,
    clock_of,
    kept_things,
    legal_words,
    steps_of,
)
from idp.web.flow import CsrfFailed, page_answer
from idp.web.i18n import translate
from idp.web.own_sign_in import OwnSignIn
from idp.web.pages import Page
from idp.web.request_facts import note_refusal

PLACE: Final = f"{DATA}/requests"
_TOLD: Final = ("asked", "stopped", "lifted")
_NEED_WORDS: Final = frozenset({RequestKind.CORRECT, RequestKind.OBJECT})


def make_data_requests(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/data/requests`."""
    pages = _Pages(services, cookies=cookies)
    blueprint = Blueprint("data_requests", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    blueprint.add_url_rule(f"{PLACE}/new/<kind>", "form", pages.form)
    blueprint.add_url_rule(f"{PLACE}/new/<kind>", "ask", pages.ask, methods=["POST"])
    blueprint.add_url_rule(f"{PLACE}/lift", "lift", pages.lift, methods=["POST"])
    blueprint.add_url_rule(
        f"{PLACE}/<string(maxlength=16):number>/stop", "stop", pages.stop, methods=["POST"]
    )
    return blueprint


class _Pages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)
        self._holder = FreshHolder(services, cookies=cookies)

    def show(self) -> Response:
        """What was asked for, and what may be."""
        found = self._sign_in.find_person()
        if found is None:
            return self._sign_in.begin(PLACE)
        row, own = found[1], self._services.rights.requests
        told = request.args.get("told", "")
        browser = self._browser()
        page = DataRequestsPage(
            here=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            requests=tuple(map(self._shown, own.list_of(row))),
            offered=tuple(
                OfferedKind(
                    kind=kind.value,
                    title=translate(TITLES[kind]),
                    says=translate(SAYS[kind]),
                    url=f"{PLACE}/new/{kind.value}",
                )
                for kind in RequestKind
            ),
            restricted_since=own.restricted_since(row.account_id),
            lift_action=f"{PLACE}/lift",
            told=told if told in _TOLD else "",
        )
        return self._answer(page, browser=browser)

    def form(self, kind: str) -> Response:
        """What follows from it, and where to write."""
        wanted = _kind(kind)
        found = self._holder.find(f"{PLACE}/new/{kind}")
        return found if isinstance(found, Response) else self._form(wanted)

    def ask(self, kind: str) -> Response:
        """Ask for it.  Raises CsrfFailed."""
        wanted = _kind(kind)
        self._check_form()
        found = self._holder.find(f"{PLACE}/new/{kind}", slack=SLACK)
        if isinstance(found, Response):
            return found
        if wanted is RequestKind.DELETE and request.form.get("understood") != "yes":
            return self._form(wanted, problem="not_confirmed")
        try:
            self._services.rights.requests.ask(
                found[1].account_id,
                wanted,
                wish=request.form.get("wish", ""),
                now=self._services.time(),
            )
        except RequestRefused as refusal:
            note_refusal(f"{refusal.code}_{refusal.reason}")
            return self._form(wanted, problem=_problem(refusal))
        return see_other(f"{PLACE}?told=asked")

    def stop(self, number: str) -> Response:
        """Take it back.  Raises CsrfFailed."""
        self._check_form()
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(PLACE)
        try:
            self._services.rights.requests.stop(
                session.account_id, number, now=self._services.time()
            )
        except RequestUnknown:
            abort(404)
        except RequestRefused:
            return see_other(PLACE)  # the page says how it ended
        return see_other(f"{PLACE}?told=stopped")

    def lift(self) -> Response:
        """Let portals be given data again.  Raises CsrfFailed."""
        self._check_form()
        found = self._holder.find(PLACE, slack=SLACK)
        if isinstance(found, Response):
            return found
        self._services.rights.requests.lift_restriction(
            found[1].account_id, now=self._services.time()
        )
        return see_other(f"{PLACE}?told=lifted")

    def _form(self, kind: RequestKind, *, problem: AskProblem | None = None) -> Response:
        rule, browser = rule_of(kind), self._browser()
        place = f"{PLACE}/new/{kind.value}"
        page = DataAskPage(
            here=place,
            kind=kind.value,
            title=translate(TITLES[kind]),
            says=translate(SAYS[kind]),
            clock="" if kind is RequestKind.RESTRICT else clock_of(rule),
            legal=legal_words(rule.legal),
            label=translate(LABELS[kind]),
            is_wish_needed=kind in _NEED_WORDS,
            most_chars=MOST_CHARS,
            waiting_days=rule.waiting_days,
            kept=kept_things() if kind is RequestKind.DELETE else (),
            action=place,
            back_url=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            problem=problem,
        )
        return self._answer(page, browser=browser, problem=problem)

    def _shown(self, one: DataRequest) -> ShownRequest:
        return ShownRequest(
            number=one.number,
            title=translate(TITLES[one.kind]),
            state=translate(STATES[one.state]),
            is_open=one.is_open,
            wish=one.wish or "",
            legal=legal_words(one.legal),
            steps=tuple(steps_of(one, now=self._services.time())),
            stop_action=f"{PLACE}/{one.number}/stop" if one.is_open else "",
        )

    def _check_form(self) -> None:
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed

    def _browser(self) -> str:
        return self._cookies.read_browser() or make_browser_token()

    def _answer(self, page: Page, *, browser: str, problem: str | None = None) -> Response:
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response


def _kind(raw: str) -> RequestKind:
    try:
        return RequestKind(raw)
    except ValueError:
        abort(404)


def _problem(refusal: RequestRefused) -> AskProblem:
    match refusal.reason:
        case "already_open" | "too_many" | "wish_missing" | "wish_too_long":
            return refusal.reason
        case _:
            return "not_open"
