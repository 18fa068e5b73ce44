"""The form with which a legal representative lets somebody act for the organisation.

What lives here: `/account/mandates/<ground>/give`, after a sign-in with two factors that is not
old.  The address names the mandate by which the person represents the organisation: that is the
capacity in which it is done.
Source: architecture, J5; Law on Enterprises 59/2020/QH14 Art. 12; NĐ 01/2021/NĐ-CP Art. 12.
Not here: what may be given (`idp/accounts/delegation.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Final

from flask import Blueprint, Response, abort, request

from clients.registry.model import CIVIL_TIME, Capacities, Client
from idp.accounts.delegation import DelegationRefused, Evidence, MandateUnknown, Wish
from idp.accounts.errors import TooManyAttempts
from idp.accounts.mandate_scopes import DELEGABLE
from idp.accounts.model import MandateKind, MandateStatus
from idp.model import Session
from idp.own_mandates import Represented
from idp.services import Services
from idp.web.account.mandates import PLACE
from idp.web.answer import see_other
from idp.web.consent_text import name_of
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.i18n import language, translate
from idp.web.mandate_pages import Choice, DelegatePage, PortalGroup
from idp.web.mandate_words import SCOPE_WORDS
from idp.web.own_sign_in import OwnSignIn
from idp.web.request_facts import note_refusal

_SLOW_WRITER: Final = timedelta(minutes=20)
"""So that nobody who fills in the form slowly is asked to sign in again by sending it."""
_DAY: Final = timedelta(days=1)
_YEARS: Final = range(1900, 2200)
_KINDS: Final = {one.value: one for one in (MandateKind.DELEGATION, MandateKind.SEAL_CLERK)}


class _Incomplete(Exception):
    """Something was not filled in; `problem` says what."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def make_mandate_giving(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of the form."""
    page = _GivingPage(services, cookies=cookies)
    blueprint = Blueprint("mandate_giving", __name__)
    place = f"{PLACE}/<string(length=36):ground>/give"
    blueprint.add_url_rule(place, "show", page.show)
    blueprint.add_url_rule(place, "give", page.give, methods=["POST"])
    return blueprint


class _GivingPage:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def show(self, ground: str) -> Response:
        """The form, empty."""
        session = self._sign_in.find(level=2, max_age=self._fresh)
        if session is None:
            return self._begin(ground)
        return self._page(self._organisation(session, ground))

    def give(self, ground: str) -> Response:
        """What was filled in.  Raises CsrfFailed."""
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        session = self._sign_in.find(level=2, max_age=self._fresh + _SLOW_WRITER)
        if session is None:
            return self._begin(ground)
        organisation = self._organisation(session, ground)
        try:
            given = self._services.mandates.delegations.give(
                session.account_id,
                under=organisation.mandate.mandate_id,
                wish=self._wish(),
                now=self._services.time(),
            )
        except _Incomplete as incomplete:
            return self._page(organisation, problem=incomplete.problem)
        except DelegationRefused as refused:
            note_refusal(f"delegation_{refused.reason}")
            return self._page(organisation, problem=refused.reason)
        except TooManyAttempts:
            note_refusal("delegation_too_many")
            return self._page(organisation, problem="too_many_attempts")
        except MandateUnknown:
            abort(404)
        told = "asked" if given.status is MandateStatus.WAITING else "given"
        return see_other(f"{PLACE}?told={told}")

    @property
    def _fresh(self) -> timedelta:
        return timedelta(seconds=self._services.settings.factor_change_fresh_s)

    def _begin(self, ground: str) -> Response:
        return self._sign_in.begin(f"{PLACE}/{ground}/give", level=2, max_age=self._fresh)

    def _organisation(self, session: Session, ground: str) -> Represented:
        represented = self._services.mandates.own.represented_by(
            session.account_id, now=self._services.time()
        )
        found = next((one for one in represented if one.mandate.mandate_id == ground), None)
        return found or abort(404)

    def _wish(self) -> Wish:
        """What was typed.  Raises _Incomplete."""
        form = request.form
        kind = _KINDS.get(form.get("kind", ""))
        if kind is None:
            raise _Incomplete("kind_unknown")
        for name in ("number", "name"):
            if not form.get(name, "").strip():
                raise _Incomplete(f"{name}_missing")
        is_everywhere = form.get("where") == "all"
        portals = () if is_everywhere else tuple(dict.fromkeys(form.getlist("portal")))
        if not is_everywhere and not portals:
            raise _Incomplete("portal_missing")
        first, last = _read_date("valid_from"), _read_date("valid_to")
        if first is None or last is None:
            raise _Incomplete("dates_missing")
        dated = _read_date("dated")
        if dated is None:
            raise _Incomplete("dated_missing")
        return Wish(
            kind=kind,
            number=form["number"],
            name=form["name"],
            scopes=() if kind is MandateKind.SEAL_CLERK else tuple(form.getlist("scope")),
            portals=portals,
            valid_from=_midnight(first),
            valid_to=_midnight(last + _DAY),
            evidence=Evidence(
                form.get("reference", "").strip(), dated, form.get("sha256", "").strip().lower()
            ),
        )

    def _page(self, organisation: Represented, *, problem: str | None = None) -> Response:
        now, form = self._services.time(), request.form
        today = now.astimezone(CIVIL_TIME).date()
        longest = today + timedelta(days=self._services.settings.mandate_longest_days)
        browser = self._cookies.read_browser() or make_browser_token()
        place = f"{PLACE}/{organisation.mandate.mandate_id}/give"
        kind = form.get("kind", "")
        page = DelegatePage(
            here=place,
            organisation=organisation.name,
            code=organisation.enterprise_code,
            agreements=organisation.agreements,
            action=place,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            kind=kind if kind in _KINDS else MandateKind.DELEGATION.value,
            scopes=tuple(
                Choice(
                    value=one,
                    label=translate(SCOPE_WORDS[one]),
                    is_chosen=one in form.getlist("scope"),
                )
                for one in DELEGABLE
            ),
            is_everywhere=form.get("where", "all") == "all",
            groups=self._groups(form.getlist("portal"), now=now),
            valid_from=form.get("valid_from", today.isoformat())[:10],
            valid_to=form.get("valid_to", "")[:10],
            reference=form.get("reference", "")[:120],
            dated=form.get("dated", "")[:10],
            sha256=form.get("sha256", "")[:64],
            first=today.isoformat(),
            longest=longest.isoformat(),
            problem=problem,
        )
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response

    def _groups(self, chosen: Sequence[str], *, now: datetime) -> tuple[PortalGroup, ...]:
        registry = self._services.registry
        portals = sorted(
            (
                one
                for one in registry.list_clients()
                if one.is_usable(now=now)
                and one.redirect_uris
                and one.capacities is not Capacities.PERSON_ONLY
            ),
            key=lambda one: (self._agency(one, now=now), name_of(one), one.client_id),
        )
        return tuple(
            PortalGroup(
                agency=agency,
                portals=tuple(
                    Choice(
                        value=one.client_id,
                        label=name_of(one),
                        is_chosen=one.client_id in chosen,
                    )
                    for one in found
                ),
            )
            for agency, found in groupby(portals, lambda one: self._agency(one, now=now))
        )

    def _agency(self, client: Client, *, now: datetime) -> str:
        found = self._services.registry.find_controller(client.controller_id, now=now)
        if found is None:
            return ""
        return found.name_en if language() == "en" else found.name_vi


def _read_date(name: str) -> date | None:
    try:
        found = date.fromisoformat(request.form.get(name, "").strip())
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=CIVIL_TIME)
