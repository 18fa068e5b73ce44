"""The desk at which an official finds a person, who is then at hand for half an hour.

What lives here: the form that finds, the page of whoever was found, and where they are.  Addresses
hold neither numbers nor accounts, but the id of a look-up that serves this official alone.
Not here: who comes in (`official_door.py`); what is done at a desk (`counter.py`, `helpdesk.py`).
Source: architecture, J5.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from flask import Blueprint, Response, request

from idp.accounts.errors import TooManyAttempts
from idp.accounts.official_duties import Duty, Official
from idp.accounts.officials import OwnAccount
from idp.services import Services
from idp.web.answer import see_other
from idp.web.cookies import Cookies
from idp.web.official_door import OfficialDoor
from idp.web.pages import Page
from idp.web.request_facts import note_refusal

Act = Callable[[str], Response]
"""The view of a form about the person of a look-up."""


class FindingDesk(ABC):
    """The views that every desk has; a desk says how its pages look, and adds its acts."""

    name: ClassVar[str]
    place: ClassVar[str]
    duty: ClassVar[Duty]

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._desks = services.desks
        self._time = services.time
        self._door = OfficialDoor(services, cookies, self.duty, self.place)

    @abstractmethod
    def _find_page(self, official: Official, *, problem: str | None = None) -> Response:
        """The page with the form that finds."""

    @abstractmethod
    def _person_page(
        self, official: Official, lookup_id: str, *, problem: str | None = None
    ) -> Response:
        """The page of whoever was found."""

    def blueprint(self, acts: Mapping[str, Act]) -> Blueprint:
        """What everything at this desk is reached by; acts by the last part of their address."""
        made = Blueprint(self.name, __name__)
        made.add_url_rule(self.place, "show", self.show)
        made.add_url_rule(self.place, "find", self.find, methods=["POST"])
        person = f"{self.place}/<string(length=32):lookup_id>"
        made.add_url_rule(person, "person", self.person)
        for name, act in acts.items():
            made.add_url_rule(f"{person}/{name}", name, act, methods=["POST"])
            # the language switch reloads by GET what a form answered
            made.add_url_rule(f"{person}/{name}", f"{name}_again", self.back)
        return made

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
                official, raw_identifier=raw_identifier, now=self._time()
            )
        except OwnAccount:
            return self._find_page(official, problem="own_account")
        except TooManyAttempts:
            return self._find_page(official, problem="too_many_lookups")
        if lookup_id is None:
            return self._find_page(official, problem="nobody")
        return self.back(lookup_id)

    def person(self, lookup_id: str) -> Response:
        """How the account stands, and what may be done."""
        official = self._door.enter()
        if isinstance(official, Response):
            return official
        return self._person_page(official, lookup_id)

    def back(self, lookup_id: str) -> Response:
        """Where a form of a person leads when it is loaded again."""
        return see_other(f"{self.place}/{lookup_id}")

    def _answer(self, page: Page, *, browser: str, problem: str | None) -> Response:
        """A page, with its status; what was wrong is in the log of access."""
        if problem is not None:
            note_refusal(f"{self.name}_{problem}")
        return self._door.answer(page, browser=browser, problem=problem)
