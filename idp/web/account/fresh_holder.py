"""Who is at the browser, sure enough for what is not undone: a fresh sign-in with all they have.

What lives here: the rule of pages that give a person's data away or change what it rests on: both
factors within the last minutes where there is a second one, the password within them where not.
Source: architecture, J5; OWASP ASVS 7.5.1.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Response

from idp.accounts.people import AccountRow
from idp.model import Session
from idp.services import Services
from idp.web.cookies import Cookies
from idp.web.own_sign_in import OwnSignIn

SLACK = timedelta(minutes=10)
"""So that nobody who reads the page slowly is asked to sign in again by pressing its button."""


class FreshHolder:
    """For pages of ours; safe to share between threads."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def find(
        self, back_to: str, *, slack: timedelta = timedelta(0)
    ) -> tuple[Session, AccountRow] | Response:
        """The session and its account; or the way to the sign-in pages, and to `back_to` after."""
        found = self._sign_in.find_person()
        if found is None:
            return self._sign_in.begin(back_to)
        fresh = timedelta(seconds=self._services.settings.factor_change_fresh_s)
        level = 2 if self.has_second_factor(found[1]) else 1
        sure = self._sign_in.find_person(level=level, max_age=fresh + slack)
        return sure or self._sign_in.begin(back_to, level=level, max_age=fresh)

    def has_second_factor(self, row: AccountRow) -> bool:
        """Whether the person can be asked for one, or wants to be always."""
        held = self._services.people.second_factors(row.account_id)
        return row.demands_second_factor or held.has_any
