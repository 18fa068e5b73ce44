"""The door to every page on which an official acts.

What lives here: who comes in: somebody signed in with both factors within the last half hour, who
has the duty at this instant.  Everybody else is sent to sign in, or finds that there is no such
page.  Not here: the acts.
Source: architecture, decision 10; OWASP ASVS 8.2 (deny by default).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import Response, abort, request

from idp.accounts.official_duties import Duty, Official
from idp.accounts.official_lookups import FoundPerson
from idp.services import Services
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.i18n import language
from idp.web.official_pages import ShownStanding
from idp.web.own_sign_in import OwnSignIn
from idp.web.pages import Page

_LEVEL: Final = 2
_FRESH: Final = timedelta(minutes=30)
_FRESH_WHEN_SENT: Final = timedelta(minutes=40)
"""So that nobody who talks with a person is asked to sign in again by pressing a button."""


@dataclass(frozen=True, slots=True)
class OfficialDoor:
    """For the pages of one duty; safe to share between threads."""

    services: Services
    cookies: Cookies
    duty: Duty
    place: str

    def enter(self) -> Official | Response:
        """The official who wants to see a page, or the way to the sign-in pages."""
        return self._official(_FRESH)

    def receive(self) -> Official | Response:
        """The same for a form that was sent.  Raises CsrfFailed."""
        if not self.cookies.is_csrf_token(request.form.get("csrf_token"), place=self.place):
            raise CsrfFailed
        return self._official(_FRESH_WHEN_SENT)

    def person(self, official: Official, lookup_id: str) -> FoundPerson:
        """The person whom this official looked up; there is no such page for anybody else."""
        found = self.services.desks.lookups.open(official, lookup_id, now=self.services.time())
        return abort(404) if found is None else found

    def browser(self) -> str:
        """The browser's own token."""
        return self.cookies.read_browser() or make_browser_token()

    def csrf(self, browser: str) -> str:
        """The token of every form behind this door."""
        return self.cookies.csrf_token(browser, place=self.place)

    def answer(self, page: Page, *, browser: str, problem: str | None = None) -> Response:
        """A page, with its status."""
        response = page_answer(page, problem=problem)
        self.cookies.ensure_browser(response, browser)
        return response

    def agency(self, controller_id: str) -> str:
        """The name of an agency in the language of the request."""
        return agency_name(self.services, controller_id)

    def _official(self, max_age: timedelta) -> Official | Response:
        sign_in = OwnSignIn(self.services, cookies=self.cookies)
        session = sign_in.find(level=_LEVEL, max_age=max_age)
        if session is None:
            return sign_in.begin(self.place, level=_LEVEL, max_age=_FRESH)
        now = self.services.time()
        found = self.services.desks.officials.find(session.account_id, duty=self.duty, now=now)
        return abort(404) if found is None else found


def standing_of(person: FoundPerson) -> ShownStanding:
    """How an account stands, for a page."""
    return ShownStanding(
        masked_name=person.masked_name,
        kind=person.kind.value,
        status=person.status.value,
        level=0 if person.level is None else int(person.level),
        has_password=person.has_password,
        has_authenticator=person.has_authenticator,
        has_passkey=person.has_passkey,
    )


def agency_name(services: Services, controller_id: str) -> str:
    """The name of an agency in the language of the request; its id where it is gone."""
    found = services.registry.find_controller(controller_id, now=services.time())
    if found is None:
        return controller_id
    return found.name_en if language() == "en" else found.name_vi
