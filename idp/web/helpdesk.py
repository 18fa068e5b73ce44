"""The helpdesk: an official sees how an account stands, locks and unlocks it, and asks to invite.

What lives here: `/helpdesk` and what it leads to.  Addresses hold the id of a look-up, never a
number or an account; no page shows who somebody is.  What is done stands in the person's history.
Source: architecture, J5 and decision 10.
Not here: what may be done (`idp/accounts/helpdesk.py`, `invitations.py`), the person's own side
(`idp/web/account/invitations.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeVar

from flask import Blueprint, Response, request

from idp.accounts.cases import CaseUnknown
from idp.accounts.errors import TooManyAttempts
from idp.accounts.helpdesk import CaseOutcome, HelpdeskRefused, LockReason
from idp.accounts.invitation_model import InvitationReason, InvitationRefused
from idp.accounts.official_duties import Duty, Official
from idp.accounts.official_lookups import FoundPerson
from idp.accounts.officials import OwnAccount
from idp.services import Services
from idp.web.answer import see_other
from idp.web.cookies import Cookies
from idp.web.official_door import OfficialDoor, standing_of
from idp.web.official_pages import HelpdeskPage, HelpdeskPersonPage, ShownCase
from idp.web.request_facts import note_refusal
from idp.web.shown_invitations import shown_invitation

PLACE: Final = "/helpdesk"
_TOLD: Final = frozenset({"lock", "unlock", "invite", "confirm", "close"})
_Code = TypeVar("_Code", bound=StrEnum)


class _Missing(Exception):
    """A form came without what has to be chosen."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def make_helpdesk(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/helpdesk`."""
    pages = _HelpdeskPages(services, cookies=cookies)
    blueprint = Blueprint("helpdesk", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    blueprint.add_url_rule(PLACE, "find", pages.find, methods=["POST"])
    person = f"{PLACE}/<string(length=32):lookup_id>"
    blueprint.add_url_rule(person, "person", pages.person)
    acts = (
        ("lock", pages.lock),
        ("unlock", pages.unlock),
        ("invite", pages.invite),
        ("confirm", pages.confirm),
        ("close", pages.close),
    )
    for name, act in acts:
        blueprint.add_url_rule(f"{person}/{name}", name, act, methods=["POST"])
        # the language switch reloads by GET what a form answered
        blueprint.add_url_rule(f"{person}/{name}", f"{name}_again", pages.back)
    return blueprint


class _HelpdeskPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._desks = services.desks
        self._door = OfficialDoor(services, cookies, Duty.HELPDESK, PLACE)

    def show(self) -> Response:
        """The form that finds a person."""
        official = self._door.enter()
        return official if isinstance(official, Response) else self._find_page(official)

    def find(self) -> Response:
        """Look a person up.  Raises CsrfFailed."""
        official = self._door.receive()
        if isinstance(official, Response):
            return official
        raw_identifier = request.form.get("identifier", "")
        if not raw_identifier.strip():
            return self._find_page(official, problem="identifier_missing")
        try:
            lookup_id = self._desks.lookups.find(
                official, raw_identifier=raw_identifier, now=self._services.time()
            )
        except OwnAccount:
            return self._find_page(official, problem="own_account")
        except TooManyAttempts:
            return self._find_page(official, problem="too_many_lookups")
        if lookup_id is None:
            return self._find_page(official, problem="nobody")
        return see_other(f"{PLACE}/{lookup_id}")

    def person(self, lookup_id: str) -> Response:
        """How the account stands."""
        official = self._door.enter()
        if isinstance(official, Response):
            return official
        return self._person_page(official, lookup_id)

    def back(self, lookup_id: str) -> Response:
        """Where a form of a person leads when it is loaded again."""
        return see_other(f"{PLACE}/{lookup_id}")

    def lock(self, lookup_id: str) -> Response:
        """Lock it.  Raises CsrfFailed."""

        def act(official: Official, person: FoundPerson) -> None:
            reason = _chosen(LockReason, "reason", problem="reason_missing")
            self._desks.helpdesk.lock(
                official, person.account_id, reason=reason, now=self._services.time()
            )

        return self._act(lookup_id, act, told="lock")

    def unlock(self, lookup_id: str) -> Response:
        """Unlock what a helpdesk locked.  Raises CsrfFailed."""

        def act(official: Official, person: FoundPerson) -> None:
            self._desks.helpdesk.unlock(official, person.account_id, now=self._services.time())

        return self._act(lookup_id, act, told="unlock")

    def invite(self, lookup_id: str) -> Response:
        """Ask for an invitation.  Raises CsrfFailed."""

        def act(official: Official, person: FoundPerson) -> None:
            reason = _chosen(InvitationReason, "reason", problem="reason_missing")
            self._desks.invitations.ask(
                official, person.account_id, reason=reason, now=self._services.time()
            )

        return self._act(lookup_id, act, told="invite")

    def confirm(self, lookup_id: str) -> Response:
        """Confirm another official's invitation.  Raises CsrfFailed."""

        def act(official: Official, person: FoundPerson) -> None:
            self._desks.invitations.confirm(official, person.account_id, now=self._services.time())

        return self._act(lookup_id, act, told="confirm")

    def close(self, lookup_id: str) -> Response:
        """Close a case.  Raises CsrfFailed."""

        def act(official: Official, person: FoundPerson) -> None:
            outcome = _chosen(CaseOutcome, "outcome", problem="outcome_missing")
            self._desks.helpdesk.close_case(
                official,
                person.account_id,
                number=request.form.get("case", ""),
                outcome=outcome,
                now=self._services.time(),
            )

        return self._act(lookup_id, act, told="close")

    def _act(
        self, lookup_id: str, act: Callable[[Official, FoundPerson], None], *, told: str
    ) -> Response:
        official = self._door.receive()
        if isinstance(official, Response):
            return official
        person = self._door.person(official, lookup_id)
        try:
            act(official, person)
        except _Missing as missing:
            return self._person_page(official, lookup_id, problem=missing.problem)
        except (HelpdeskRefused, InvitationRefused) as refusal:
            return self._person_page(official, lookup_id, problem=refusal.reason)
        except CaseUnknown as refusal:
            return self._person_page(official, lookup_id, problem=refusal.code)
        return see_other(f"{PLACE}/{lookup_id}?told={told}")

    def _find_page(self, official: Official, *, problem: str | None = None) -> Response:
        browser = self._door.browser()
        page = HelpdeskPage(
            here=PLACE,
            agency=self._door.agency(official.controller_id),
            action=PLACE,
            csrf_token=self._door.csrf(browser),
            problem=problem,
        )
        if problem is not None:
            note_refusal(f"helpdesk_{problem}")
        return self._door.answer(page, browser=browser, problem=problem)

    def _person_page(
        self, official: Official, lookup_id: str, *, problem: str | None = None
    ) -> Response:
        person = self._door.person(official, lookup_id)
        now, browser, place = self._services.time(), self._door.browser(), f"{PLACE}/{lookup_id}"
        told = request.args.get("told", "")
        invitation = self._desks.invitations.find_open(person.account_id, now=now)
        page = HelpdeskPersonPage(
            here=place,
            agency=self._door.agency(official.controller_id),
            person=standing_of(person),
            cases=tuple(
                ShownCase(
                    number=case.number,
                    kind=case.kind.value,
                    opened_at=case.opened_at,
                    close_action=f"{place}/close",
                )
                for case in self._desks.helpdesk.open_cases(person.account_id)
            ),
            invitation=None
            if invitation is None
            else shown_invitation(self._services, invitation, now=now, seen_by=official.account_id),
            lock_action=f"{place}/lock",
            unlock_action=f"{place}/unlock",
            invite_action=f"{place}/invite",
            confirm_action=f"{place}/confirm",
            back_url=PLACE,
            csrf_token=self._door.csrf(browser),
            told=told if told in _TOLD and problem is None else "",
            problem=problem,
        )
        if problem is not None:
            note_refusal(f"helpdesk_{problem}")
        return self._door.answer(page, browser=browser, problem=problem)


def _chosen(codes: type[_Code], field: str, *, problem: str) -> _Code:
    """The code that a form names; never what somebody wrote."""
    raw = request.form.get(field, "")
    for code in codes:
        if code.value == raw:
            return code
    raise _Missing(problem)
