"""The helpdesk: an official sees how an account stands, locks and unlocks it, and asks to invite.

What lives here: `/helpdesk` and what it leads to, but for finding the person (`finding_desk.py`).
No page shows who somebody is.  What is done stands in the person's history.
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
from idp.accounts.helpdesk import CaseOutcome, HelpdeskRefused, LockReason
from idp.accounts.invitation_model import InvitationReason, InvitationRefused
from idp.accounts.official_duties import Duty, Official
from idp.accounts.official_lookups import FoundPerson
from idp.services import Services
from idp.web.answer import see_other
from idp.web.cookies import Cookies
from idp.web.finding_desk import FindingDesk
from idp.web.official_door import standing_of
from idp.web.official_pages import HelpdeskPage, HelpdeskPersonPage, ShownCase
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
    acts = {
        "lock": pages.lock,
        "unlock": pages.unlock,
        "invite": pages.invite,
        "confirm": pages.confirm,
        "close": pages.close,
    }
    return pages.blueprint(acts)


class _HelpdeskPages(FindingDesk):
    """The views."""

    name = "helpdesk"
    place = PLACE
    duty = Duty.HELPDESK

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        super().__init__(services, cookies=cookies)
        self._services = services

    def lock(self, lookup_id: str) -> Response:
        """Lock it.  Raises CsrfFailed."""

        def act(official: Official, person: FoundPerson) -> None:
            reason = _chosen(LockReason, "reason", problem="reason_missing")
            self._desks.helpdesk.lock(official, person.account_id, reason=reason, now=self._time())

        return self._act(lookup_id, act, told="lock")

    def unlock(self, lookup_id: str) -> Response:
        """Unlock what a helpdesk locked.  Raises CsrfFailed."""

        def act(official: Official, person: FoundPerson) -> None:
            self._desks.helpdesk.unlock(official, person.account_id, now=self._time())

        return self._act(lookup_id, act, told="unlock")

    def invite(self, lookup_id: str) -> Response:
        """Ask for an invitation.  Raises CsrfFailed."""

        def act(official: Official, person: FoundPerson) -> None:
            reason = _chosen(InvitationReason, "reason", problem="reason_missing")
            self._desks.invitations.ask(
                official, person.account_id, reason=reason, now=self._time()
            )

        return self._act(lookup_id, act, told="invite")

    def confirm(self, lookup_id: str) -> Response:
        """Confirm another official's invitation.  Raises CsrfFailed."""

        def act(official: Official, person: FoundPerson) -> None:
            self._desks.invitations.confirm(official, person.account_id, now=self._time())

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
                now=self._time(),
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
        return self._answer(page, browser=browser, problem=problem)

    def _person_page(
        self, official: Official, lookup_id: str, *, problem: str | None = None
    ) -> Response:
        person = self._door.person(official, lookup_id)
        now, browser, place = self._time(), self._door.browser(), f"{PLACE}/{lookup_id}"
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
        return self._answer(page, browser=browser, problem=problem)


def _chosen(codes: type[_Code], field: str, *, problem: str) -> _Code:
    """The code that a form names; never what somebody wrote."""
    raw = request.form.get(field, "")
    for code in codes:
        if code.value == raw:
            return code
    raise _Missing(problem)
