"""The person's page for another password.

What lives here: `/account/password`.  The present password is given with the new one, counted like
a sign-in; who has a second factor must have given both factors within the last minutes beside that.
So a stolen session alone changes nothing, be it ever so fresh, and neither does a stolen password
where there is a second factor.  Who has no password, because it was made void, sets one.
Source: architecture, J5; OWASP ASVS 6.2.3, 7.5.1; docs/adr/0035.
Not here: which passwords are taken, what ends with the old one (`idp/accounts/password_*.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, Response, abort, request

from idp.accounts.errors import PasswordUnusable
from idp.accounts.model import Account
from idp.accounts.password_change import SessionGone
from idp.accounts.passwords import MIN_NEW_PASSWORD_CHARS
from idp.model import Session
from idp.services import Services
from idp.web.account.overview import PLACE as ACCOUNT
from idp.web.account.present_password import PresentPassword
from idp.web.account_pages import PasswordPage
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.own_sign_in import OwnSignIn
from idp.web.request_facts import note_refusal
from idp.web.source import TrustedProxies

PLACE: Final = "/account/password"


def make_password(services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> Blueprint:
    """The blueprint of `/account/password`."""
    page = _PasswordPage(services, cookies=cookies, proxies=proxies)
    blueprint = Blueprint("password", __name__)
    blueprint.add_url_rule(PLACE, "show", page.show)
    blueprint.add_url_rule(PLACE, "change", page.change, methods=["POST"])
    return blueprint


class _PasswordPage:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> None:
        self._services = services
        self._cookies = cookies
        self._present = PresentPassword(services, cookies, proxies)
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def show(self) -> Response:
        """The form, after a sign-in that is fresh enough."""
        found = self._holder()
        return found if isinstance(found, Response) else self._page(found[1])

    def change(self) -> Response:
        """Check what was typed and change it.  Raises CsrfFailed."""
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        found = self._holder()
        if isinstance(found, Response):
            return found
        session, account = found
        now = self._services.time()
        raw_new = request.form.get("new_password", "")
        if not raw_new:
            return self._page(account, problem="new_missing")
        if raw_new != request.form.get("new_password_again", ""):
            return self._page(account, problem="not_the_same")
        refused = self._present.refuse(account, now=now)
        if refused is not None:
            return self._page(account, problem=refused.reason, retry_at=refused.retry_at)
        try:
            token = self._services.password_change.change(
                session, account, raw_new=raw_new, now=now
            )
        except PasswordUnusable as refusal:
            note_refusal(f"password_{refusal.reason}")
            return self._page(account, problem=refusal.reason)
        except SessionGone:
            return self._sign_in.begin(PLACE)
        response = see_other(f"{ACCOUNT}?told=password")
        self._cookies.set_session(response, token)
        return response

    def _holder(self) -> tuple[Session, Account] | Response:
        """Who is there, sure enough to change a password; or the way to the sign-in pages."""
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(PLACE)
        account = self._services.people.find_account(session.account_id)
        if account is None:
            abort(404)
        if self._has_second_factor(account):
            fresh = timedelta(seconds=self._services.settings.factor_change_fresh_s)
            if self._sign_in.find(level=2, max_age=fresh) is None:
                return self._sign_in.begin(PLACE, level=2, max_age=fresh)
        return session, account

    def _has_second_factor(self, account: Account) -> bool:
        # who wants one always is never let through without, whatever became of it
        held = self._services.people.second_factors(account.account_id)
        return account.demands_second_factor or held.has_any

    def _page(
        self, account: Account, *, problem: str | None = None, retry_at: datetime | None = None
    ) -> Response:
        browser = self._cookies.read_browser() or make_browser_token()
        page = PasswordPage(
            here=PLACE,
            action=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            asks_current=self._present.is_asked(account),
            least_chars=MIN_NEW_PASSWORD_CHARS,
            problem=problem,
            retry_at=retry_at,
        )
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response
