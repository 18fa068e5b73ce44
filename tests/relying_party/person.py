"""The person at the browser: recognises our pages by their button ids and fills them in.

What lives here: a loop from the authorization request to the relying party's own address, or to a
page that asks for nothing.  Source: architecture, "Contracts", pages.  Not here: the protocol.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import pyotp

from tests.relying_party.browser import Answer, Browser
from tests.relying_party.pages import Button, Page

_MOST_HOPS: Final = 30


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with an account at the provider under test."""

    identifier: str = field(repr=False)
    password: str = field(repr=False)
    totp_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Arrival:
    """The browser is at the relying party's address."""

    url: str
    method: str
    fields: dict[str, str]
    asked: tuple[str, ...]
    """The pages that were filled in on the way: login, otp, capacity, consent, and the like."""
    query: dict[str, str]
    """What the address itself carried, which for form_post is nothing."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The browser shows a page that nothing more is to be done on."""

    answer: Answer
    page: Page
    asked: tuple[str, ...]


class Visit:
    """One way through the provider's pages."""

    def __init__(self, browser: Browser, person: Person, *, home: str) -> None:
        """Takes home: the address (without query) at which the browser leaves the provider."""
        self._browser = browser
        self._person = person
        self._home = home
        self._asked: list[str] = []
        self.login_pages: list[Page] = []

    def follow(self, answer: Answer) -> Arrival | Stopped:
        """Go on from an answer until the relying party is reached or no button is known."""
        for _ in range(_MOST_HOPS):
            location = answer.location
            if location is not None:
                if _without_query(location) == self._home:
                    fields = _fields(urlsplit(location).query)
                    return Arrival(location, "GET", fields, tuple(self._asked), fields)
                assert _origin(location) == _origin(answer.url), "sent to a foreign address"
                answer = self._browser.get(location)
                continue
            page = answer.page()
            posted = self._find_form_home(page)
            if posted is not None:
                return posted
            filled = self._fill_in(page)
            if filled is None:
                return Stopped(answer, page, tuple(self._asked))
            answer = filled
        raise AssertionError(f"no end after {_MOST_HOPS} pages: {self._asked}")

    def _find_form_home(self, page: Page) -> Arrival | None:
        for form in page.forms:
            if _without_query(form.action) == self._home:
                assert form.encoding == "application/x-www-form-urlencoded"
                fields = dict(form.fields)
                assert len(fields) == len(form.fields), "a response parameter comes twice"
                query = _fields(urlsplit(form.action).query)
                return Arrival(form.action, form.method.upper(), fields, tuple(self._asked), query)
        return None

    def _fill_in(self, page: Page) -> Answer | None:
        login = page.find_button("login-submit")
        if login is not None:
            self.login_pages.append(page)
            typed = {"identifier": self._person.identifier, "password": self._person.password}
            open_fields = page.form_of(login).open_fields
            return self._press(
                "login", page, login, {k: typed[k] for k in typed if k in open_fields}
            )
        otp = page.find_button("otp-submit")
        if otp is not None and self._person.totp_secret is not None:
            return self._press("otp", page, otp, {"otp": next_code(self._person.totp_secret)})
        capacity = _first_capacity(page)
        if capacity is not None:
            return self._press("capacity", page, capacity)
        consent = page.find_button("consent-accept")
        if consent is not None:
            return self._press("consent", page, consent)
        for name in ("information", "account"):
            button = page.find_button(f"{name}-continue")
            if button is not None:
                return self._press(name, page, button)
        return None

    def _press(
        self, name: str, page: Page, button: Button, typed: dict[str, str] | None = None
    ) -> Answer:
        assert name not in self._asked, f"{name} is asked again: {page.headings} {page.text[:200]}"
        self._asked.append(name)
        # Nothing is ticked beforehand; this person shares whatever is asked for.
        return self._browser.press(page, button, typed, ticked=page.form_of(button).unticked)


def _first_capacity(page: Page) -> Button | None:
    capacities = [
        button
        for button in page.buttons
        if button.id.startswith("capacity-") and button.id.removeprefix("capacity-").isdigit()
    ]
    return min(capacities, key=lambda one: int(one.id.removeprefix("capacity-")), default=None)


def _without_query(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _fields(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    fields = dict(pairs)
    assert len(fields) == len(pairs), "a response parameter comes twice"
    return fields


_spent: dict[str, int] = {}


def next_code(totp_secret: str) -> str:
    """A code that was not used yet; waits for the next step when this step's is spent."""
    step = int(time.time()) // 30
    while step <= _spent.get(totp_secret, 0):
        time.sleep(0.2)
        step = int(time.time()) // 30
    _spent[totp_secret] = step
    return pyotp.TOTP(totp_secret).at(step * 30)
