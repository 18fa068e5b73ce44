"""The counter: an official proves who somebody is, together with that person or a colleague.

What lives here: `/counter` and what it leads to, but for finding the person (`finding_desk.py`).  A
code is in the answer to the form that made it and nowhere else: who loads that address again is led
back.
Source: NĐ 69/2024/NĐ-CP Art. 10-11; architecture, J5.
Not here: what raises an account (`idp/accounts/counter.py`), the person's own act
(`idp/web/account/proofing.py`).
"""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Final

from flask import Blueprint, Response, request

from idp.accounts.birthdates import Birthdate, find_birthdate
from idp.accounts.counter_opening import NewPerson
from idp.accounts.counter_proofings import DocumentKind, ProofingRefused, Seen
from idp.accounts.errors import IdentifierTaken, TooManyAttempts
from idp.accounts.model import AccountKind
from idp.accounts.official_duties import Duty, Official
from idp.services import Services
from idp.web.cookies import Cookies
from idp.web.finding_desk import FindingDesk
from idp.web.official_door import standing_of
from idp.web.official_pages import (
    CounterOpenPage,
    CounterPage,
    CounterPersonPage,
    HandedCodePage,
)

PLACE: Final = "/counter"
_OPEN: Final = f"{PLACE}/open"
_CIVIL: Final = timezone(timedelta(hours=7))
_MOST_TYPED: Final = 200


def make_counter(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/counter`."""
    pages = _CounterPages(services, cookies=cookies)
    acts = {"start": pages.start, "confirm": pages.confirm, "stop": pages.stop}
    blueprint = pages.blueprint(acts)
    blueprint.add_url_rule(_OPEN, "show_open", pages.show_open)
    blueprint.add_url_rule(_OPEN, "open", pages.open, methods=["POST"])
    return blueprint


class _CounterPages(FindingDesk):
    """The views."""

    name = "counter"
    place = PLACE
    duty = Duty.PROOFING

    def start(self, lookup_id: str) -> Response:
        """The first act.  Raises CsrfFailed."""
        return self._act(lookup_id, is_second=False)

    def confirm(self, lookup_id: str) -> Response:
        """The second act by another official.  Raises CsrfFailed."""
        return self._act(lookup_id, is_second=True)

    def stop(self, lookup_id: str) -> Response:
        """Stop what waits.  Raises CsrfFailed."""
        official = self._door.receive()
        if isinstance(official, Response):
            return official
        person = self._door.person(official, lookup_id)
        self._desks.counter.stop(person.account_id, by=official.account_id, now=self._time())
        return self.back(lookup_id)

    def show_open(self) -> Response:
        """The form of an account for somebody who has none."""
        official = self._door.enter()
        return official if isinstance(official, Response) else self._open_page(official)

    def open(self) -> Response:
        """Open it, and go on with its proofing.  Raises CsrfFailed."""
        official = self._door.receive()
        if isinstance(official, Response):
            return official
        kind = _kind()
        born = self._birthdate()
        if kind is None or born is None:
            problem = "birthdate_malformed" if kind is not None else "not_a_person"
            return self._open_page(official, problem=problem)
        new = NewPerson(kind, request.form.get("identifier", ""), _typed("name"), born)
        now = self._time()
        try:
            account_id = self._desks.opening.open(official, new, now=now)
        except ProofingRefused as refusal:
            return self._open_page(official, problem=refusal.reason)
        except IdentifierTaken:
            return self._open_page(official, problem="identifier_taken")
        except TooManyAttempts:
            return self._open_page(official, problem="too_many_lookups")
        lookup_id = self._desks.lookups.remember(official, account_id, now=now)
        return self.back(lookup_id)

    def _act(self, lookup_id: str, *, is_second: bool) -> Response:
        official = self._door.receive()
        if isinstance(official, Response):
            return official
        person = self._door.person(official, lookup_id)
        seen = self._seen()
        if isinstance(seen, str):
            return self._person_page(official, lookup_id, problem=seen)
        act = self._desks.counter.confirm_by_official if is_second else self._desks.counter.start
        try:
            code = act(official, person.account_id, seen=seen, now=self._time())
        except ProofingRefused as refusal:
            return self._person_page(official, lookup_id, problem=refusal.reason)
        after = self._desks.lookups.open(official, lookup_id, now=self._time())
        page = HandedCodePage(
            agency=self._door.agency(official.controller_id),
            code=code,
            is_activation=is_second,
            has_password=(after or person).has_password,
            person_url=f"{PLACE}/{lookup_id}",
            back_url=PLACE,
        )
        return self._door.answer(page, browser=self._door.browser())

    def _seen(self) -> Seen | str:
        """What was stated, or the code of what is missing."""
        raw_document = request.form.get("document", "")
        if raw_document not in set(DocumentKind):
            return "document_missing"
        name, born = _typed("name"), self._birthdate()
        if not name:
            return "name_missing"
        if born is None:
            return "birthdate_malformed"
        return Seen(
            document=DocumentKind(raw_document),
            name=name,
            birthdate=born,
            is_face_compared=request.form.get("face") == "compared",
            document_tail=_typed("document_tail"),
        )

    def _birthdate(self) -> Birthdate | None:
        today = self._time().astimezone(_CIVIL).date()
        return find_birthdate(_typed("birthdate"), today=today)

    def _find_page(self, official: Official, *, problem: str | None = None) -> Response:
        browser = self._door.browser()
        page = CounterPage(
            here=PLACE,
            agency=self._door.agency(official.controller_id),
            action=PLACE,
            open_url=_OPEN,
            csrf_token=self._door.csrf(browser),
            problem=problem,
        )
        return self._answer(page, browser=browser, problem=problem)

    def _open_page(self, official: Official, *, problem: str | None = None) -> Response:
        browser = self._door.browser()
        kind = _kind()
        page = CounterOpenPage(
            here=_OPEN,
            agency=self._door.agency(official.controller_id),
            action=_OPEN,
            back_url=PLACE,
            csrf_token=self._door.csrf(browser),
            kind="citizen" if kind is None else kind.value,
            problem=problem,
        )
        return self._answer(page, browser=browser, problem=problem)

    def _person_page(
        self, official: Official, lookup_id: str, *, problem: str | None = None
    ) -> Response:
        person = self._door.person(official, lookup_id)
        browser = self._door.browser()
        place = f"{PLACE}/{lookup_id}"
        waiting = self._desks.counter.find_waiting(person.account_id, now=self._time())
        whose = ""
        if waiting is not None:
            whose = "own" if waiting.official_id == official.account_id else "other"
        page = CounterPersonPage(
            here=place,
            agency=self._door.agency(official.controller_id),
            person=standing_of(person),
            waiting=whose,
            waits_until=None if waiting is None else waiting.expires_at,
            start_action=f"{place}/start",
            confirm_action=f"{place}/confirm",
            stop_action=f"{place}/stop",
            back_url=PLACE,
            csrf_token=self._door.csrf(browser),
            problem=problem,
        )
        return self._answer(page, browser=browser, problem=problem)


def _kind() -> AccountKind | None:
    raw_kind = request.form.get("kind", "citizen")
    kinds = {one.value: one for one in (AccountKind.CITIZEN, AccountKind.FOREIGNER)}
    return kinds.get(raw_kind)


def _typed(field: str) -> str:
    return request.form.get(field, "")[:_MOST_TYPED].strip()
