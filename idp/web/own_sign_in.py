"""A page of our own that needs to know who is at the browser.

What lives here: the session of a request, and the way to the sign-in pages and back to exactly this
place.  Not here: the sign-in pages (`idp/web/interaction.py`), what makes them safe
(`idp/oauth/own_pages.py`).
"""

from __future__ import annotations

from datetime import timedelta

from flask import Response

from idp.accounts.people import AccountRow
from idp.model import AuthLevel, Session
from idp.oauth.assurance import assess
from idp.oauth.own_pages import own_request
from idp.services import Services
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token


class OwnSignIn:
    """For every page of ours; safe to share between threads."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies

    def find(self, *, level: int = 1, max_age: timedelta | None = None) -> Session | None:
        """The session of this request, if it is live, its account active and its level enough.

        Takes   max_age: what was proven longer ago does not count.
        """
        found = self.find_person(level=level, max_age=max_age)
        return None if found is None else found[0]

    def find_person(
        self, *, level: int = 1, max_age: timedelta | None = None
    ) -> tuple[Session, AccountRow] | None:
        """The same with the account's row, which was read for it: nothing of it is unsealed."""
        now = self._services.time()
        token = self._cookies.read_session()
        found = None
        if token is not None:
            found = self._services.sessions.find_with_account(token, now=now)
        if found is None:
            return None
        session, account = found
        if account is None or not account.is_active:
            return None
        needed = AuthLevel(max(level, 2 if account.demands_second_factor else 1))
        reached = assess(
            session.factors, now=now, max_age=max_age, started_at=now, only_since_start=False
        ).level
        return (session, account) if reached is not None and reached >= needed else None

    def begin(
        self,
        path: str,
        *,
        level: int = 1,
        max_age: timedelta | None = None,
        is_another: bool = False,
        is_anew: bool = False,
    ) -> Response:
        """Send the browser to the sign-in pages; it comes back to `path`.

        Takes   path: of this server; max_age: as `find` wants it; is_another: the person wants
                another account than the one that is signed in; is_anew: what was given before
                counts for nothing.
        """
        now = self._services.time()
        browser = self._cookies.read_browser() or make_browser_token()
        begun = self._services.interactions.begin(
            own_request(path, level=level, max_age=max_age, is_anew=is_anew),
            browser=browser,
            refuses_session=is_another,
            now=now,
        )
        response = see_other(f"/interaction/{begun.interaction_id}")
        self._cookies.ensure_browser(response, browser)
        return response
