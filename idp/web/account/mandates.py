"""The person's page of mandates: what they hold, whom they represent, what was given, and its end.

What lives here: `/account/mandates` and the acts on one mandate.  Ending, agreeing and declining in
the name of an organisation needs a sign-in with two factors that is not old; renouncing one's own
takes a fresh sign-in of any kind, since it opens nothing.  Each act is asked once more.
Source: architecture, J5; Law on Enterprises 59/2020/QH14 Art. 12.
Not here: giving (`mandate_giving.py`), who may do what (`idp/accounts/delegation.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, Response, abort, request

from clients.registry.model import CIVIL_TIME
from idp.accounts.delegation import MandateUnknown
from idp.accounts.model import Account, AccountLevel, MandateKind, MandateStatus
from idp.ids import AccountId, MandateId
from idp.own_mandates import Represented, SeenMandate
from idp.services import Services
from idp.web.answer import see_other
from idp.web.consent_text import name_of
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.i18n import translate
from idp.web.mandate_pages import (
    MandateDecisionPage,
    MandatesPage,
    ShownMandate,
    ShownOrganisation,
)
from idp.web.mandate_words import END_WORDS, KIND_WORDS, SCOPE_WORDS, STATE_WORDS
from idp.web.own_sign_in import OwnSignIn
from idp.web.pages import Page

PLACE: Final = "/account/mandates"
REPRESENT: Final = f"{PLACE}/represent"
_SLOW_READER: Final = timedelta(minutes=10)
"""So that nobody who reads a page slowly is asked to sign in again by pressing its button."""
_TOLD: Final = frozenset({"given", "asked", "agreed", "waits", "declined", "ended", "represented"})


def make_mandates(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/mandates`."""
    pages = _MandatePages(services, cookies=cookies)
    blueprint = Blueprint("mandates", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    for name, act in (("end", pages.end), ("agree", pages.agree), ("decline", pages.decline)):
        place = f"{PLACE}/<string(length=36):mandate_id>/{name}"
        blueprint.add_url_rule(place, name, act, methods=["POST"])
        # the language switch reloads by GET what a form answered
        blueprint.add_url_rule(place, f"{name}_again", pages.back)
    return blueprint


class _MandatePages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def show(self) -> Response:
        """Everything that concerns the person."""
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(PLACE)
        account = self._services.people.find_account(session.account_id)
        if account is None:
            abort(404)
        now, own = self._services.time(), self._services.mandates.own
        held = own.held_by(account.account_id)
        told = request.args.get("told", "")
        browser = self._browser()
        page = MandatesPage(
            here=PLACE,
            name=account.profile.name,
            held=tuple(self._shown(one, now=now, is_held=True) for one in held if one.is_open(now)),
            organisations=tuple(
                self._organisation(one, now=now)
                for one in own.represented_by(account.account_id, now=now)
            ),
            over=tuple(
                self._shown(one, now=now, is_held=True) for one in held if not one.is_open(now)
            ),
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            represent_url=self._represent_url(account),
            told=told if told in _TOLD else "",
        )
        return self._answer(page, browser=browser)

    def back(self, mandate_id: str) -> Response:  # noqa: ARG002 - in the address
        """Where a form of one mandate leads when it is loaded again."""
        return see_other(PLACE)

    def end(self, mandate_id: str) -> Response:
        """End one that was given, or renounce one's own.  Raises CsrfFailed."""
        self._check_csrf()
        session = self._sign_in.find(max_age=self._fresh + _SLOW_READER)
        if session is None:
            return self._sign_in.begin(PLACE, max_age=self._fresh)
        seen = self._find(session.account_id, mandate_id)
        is_own = seen.mandate.holder_id == session.account_id
        if not is_own:
            session = self._sign_in.find(level=2, max_age=self._fresh + _SLOW_READER)
            if session is None:
                return self._sign_in.begin(PLACE, level=2, max_age=self._fresh)
        if request.form.get("decision") != "yes":
            return self._ask("renounce" if is_own else "end", seen, verb="end")
        try:
            self._services.mandates.delegations.end(
                session.account_id, seen.mandate.mandate_id, now=self._services.time()
            )
        except MandateUnknown:
            abort(404)
        return see_other(f"{PLACE}?told=ended")

    def agree(self, mandate_id: str) -> Response:
        """Agree to one that waits.  Raises CsrfFailed."""
        return self._decide(mandate_id, act="agree")

    def decline(self, mandate_id: str) -> Response:
        """Say no to one that waits.  Raises CsrfFailed."""
        return self._decide(mandate_id, act="decline")

    def _decide(self, mandate_id: str, *, act: str) -> Response:
        self._check_csrf()
        session = self._sign_in.find(level=2, max_age=self._fresh + _SLOW_READER)
        if session is None:
            return self._sign_in.begin(PLACE, level=2, max_age=self._fresh)
        seen = self._find(session.account_id, mandate_id)
        if request.form.get("decision") != "yes":
            return self._ask(act, seen, verb=act)
        delegations, now = self._services.mandates.delegations, self._services.time()
        try:
            if act == "decline":
                delegations.decline(session.account_id, seen.mandate.mandate_id, now=now)
                return see_other(f"{PLACE}?told=declined")
            is_in_force = delegations.agree(session.account_id, seen.mandate.mandate_id, now=now)
        except MandateUnknown:
            abort(404)
        return see_other(f"{PLACE}?told={'agreed' if is_in_force else 'waits'}")

    def _represent_url(self, account: Account) -> str:
        is_possible = self._services.registers.business.is_there
        return REPRESENT if is_possible and account.level is AccountLevel.TWO else ""

    @property
    def _fresh(self) -> timedelta:
        return timedelta(seconds=self._services.settings.factor_change_fresh_s)

    def _check_csrf(self) -> None:
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed

    def _find(self, account_id: AccountId, mandate_id: str) -> SeenMandate:
        found = self._services.mandates.own.find(
            account_id, MandateId(mandate_id), now=self._services.time()
        )
        if found is None or found.mandate.kind is MandateKind.LEGAL_REPRESENTATIVE:
            abort(404)
        return found

    def _ask(self, act: str, seen: SeenMandate, *, verb: str) -> Response:
        browser = self._browser()
        page = MandateDecisionPage(
            here=PLACE,
            act=act,
            organisation=seen.organisation,
            mandate=self._shown(seen, now=self._services.time(), is_held=False),
            action=f"{PLACE}/{seen.mandate.mandate_id}/{verb}",
            back_url=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
        )
        return self._answer(page, browser=browser)

    def _organisation(self, one: Represented, *, now: datetime) -> ShownOrganisation:
        ground = one.mandate
        return ShownOrganisation(
            name=one.name,
            code=one.enterprise_code,
            representatives=one.representatives,
            agreements=one.agreements,
            until=_last_day(ground.valid_to),
            checked_at=None if ground.recheck_at is None else ground.verified_at,
            give_url=f"{PLACE}/{ground.mandate_id}/give",
            given=tuple(
                self._shown(it, now=now, is_held=False)
                for it in sorted(one.given, key=lambda it: not it.is_open(now))
            ),
        )

    def _shown(self, seen: SeenMandate, *, now: datetime, is_held: bool) -> ShownMandate:
        one = seen.mandate
        place = f"{PLACE}/{one.mandate_id}"
        is_given = one.given_by is not None
        is_open = seen.is_open(now)
        state = MandateStatus.OVER if one.status is MandateStatus.ACTIVE and not is_open else None
        return ShownMandate(
            title=seen.organisation if is_held else seen.holder,
            code=seen.enterprise_code if is_held else "",
            role=translate(KIND_WORDS[one.kind]),
            state=translate(STATE_WORDS[state or one.status]),
            is_waiting=one.status is MandateStatus.WAITING,
            scopes=tuple(translate(SCOPE_WORDS[it]) for it in one.scopes if it in SCOPE_WORDS),
            portals=tuple(self._portal(it, now=now) for it in one.portals),
            since=_day(one.valid_from),
            until=_last_day(one.valid_to),
            giver=seen.giver,
            reference=""
            if seen.evidence is None
            else translate(
                "%(reference)s, ngày %(day)s",
                reference=seen.evidence.reference,
                day=seen.evidence.dated.strftime("%d/%m/%Y"),
            ),
            sha256="" if seen.evidence is None else seen.evidence.sha256,
            agreed=seen.agreed,
            decide_by=_last_day(one.decide_by) if one.status is MandateStatus.WAITING else "",
            ended=""
            if one.ended_at is None
            else f"{_day(one.ended_at)}. {translate(END_WORDS.get(one.ended_why, ''))}".strip(),
            end_action=f"{place}/end" if is_open and is_given else "",
            agree_action=f"{place}/agree" if is_open and seen.waits_for_me else "",
            decline_action=f"{place}/decline" if is_open and seen.waits_for_me else "",
        )

    def _portal(self, client_id: str, *, now: datetime) -> str:
        client = self._services.registry.find_registered_client(client_id, now=now)
        return client_id if client is None else name_of(client)

    def _browser(self) -> str:
        return self._cookies.read_browser() or make_browser_token()

    def _answer(self, page: Page, *, browser: str) -> Response:
        response = page_answer(page)
        self._cookies.ensure_browser(response, browser)
        return response


def _day(moment: datetime) -> str:
    return moment.astimezone(CIVIL_TIME).strftime("%d/%m/%Y")


def _last_day(end: datetime | None) -> str:
    """The last day before an end that is outside already."""
    return "" if end is None else _day(end - timedelta(milliseconds=1))
