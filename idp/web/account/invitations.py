"""The person's side of an invitation to enrol anew: see it, stop it, use it when its time has come.

What lives here: `/account/invitations`, and `/stop/…`, to which the notice leads: one
press stops it without signing in, and a mail program that looks at addresses stops nothing.  Using
one takes a sign-in of the last minutes; the activation code stands in that one answer.
Source: architecture, decision 10; NIST SP 800-63B-4 §4.6.
Not here: what a use costs (`idp/accounts/invitations.py`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint, Response, abort, request

from idp.accounts.invitation_model import InvitationRefused
from idp.accounts.invitations import STOP_PLACE
from idp.accounts.model import Account, AccountLevel
from idp.services import Services
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.official_pages import InvitationsPage, OwnActivationPage, StopInvitationPage
from idp.web.own_sign_in import OwnSignIn
from idp.web.request_facts import note_refusal
from idp.web.shown_invitations import shown_invitation

PLACE: Final = "/account/invitations"
_STOP: Final = f"{PLACE}/stop"
_ENROL: Final = "/account/passkeys"
"""It asks for two factors: whoever has none is led through enrolling the first."""
_TAKE: Final = f"{PLACE}/take"
_FRESH: Final = timedelta(minutes=10)


def make_invitations(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/invitations` and of what the notice leads to."""
    pages = _InvitationPages(services, cookies=cookies)
    blueprint = Blueprint("invitations", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    for name, act in (("stop", pages.stop), ("take", pages.take)):
        blueprint.add_url_rule(f"{PLACE}/{name}", name, act, methods=["POST"])
        # the language switch reloads by GET what a form answered
        blueprint.add_url_rule(f"{PLACE}/{name}", f"{name}_again", lambda: see_other(PLACE))
    noticed = f"{STOP_PLACE}<string(maxlength=64):mark>"
    blueprint.add_url_rule(noticed, "noticed", pages.noticed)
    blueprint.add_url_rule(noticed, "stop_noticed", pages.stop_noticed, methods=["POST"])
    return blueprint


class _InvitationPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._desk = services.desks.invitations
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def show(self) -> Response:
        """Every invitation there ever was."""
        account = self._person()
        return account if isinstance(account, Response) else self._page(account)

    def stop(self) -> Response:
        """Stop the one that is open.  Raises CsrfFailed."""
        self._check_csrf(PLACE)
        account = self._person()
        if isinstance(account, Response):
            return account
        now = self._services.time()
        found = self._desk.find_open(account.account_id, now=now)
        if found is None or not self._desk.stop(found.invitation_id, by="person", now=now):
            return self._page(account, problem="nothing_open")
        return see_other(PLACE)

    def take(self) -> Response:
        """Use the one whose time has come.  Raises CsrfFailed."""
        self._check_csrf(PLACE)
        account = self._person(max_age=_FRESH)
        if isinstance(account, Response):
            return account
        try:
            code = self._desk.take(account.account_id, now=self._services.time())
        except InvitationRefused as refusal:
            return self._page(account, problem=refusal.reason)
        page = OwnActivationPage(
            here=PLACE, code=code, level=int(AccountLevel.ONE), next_url=_ENROL
        )
        return page_answer(page)

    def noticed(self, mark: str) -> Response:
        """What the notice leads to; looking stops nothing."""
        return self._stop_page(mark)

    def stop_noticed(self, mark: str) -> Response:
        """One press.  Raises CsrfFailed."""
        self._check_csrf(STOP_PLACE)
        found = self._desk.find_by_mark(mark)
        if found is None:
            abort(404)
        stopped = self._desk.stop(found.invitation_id, by="notice", now=self._services.time())
        return self._stop_page(mark, is_stopped=stopped)

    def _check_csrf(self, place: str) -> None:
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=place):
            raise CsrfFailed

    def _person(self, *, max_age: timedelta | None = None) -> Account | Response:
        session = self._sign_in.find(max_age=max_age)
        if session is None:
            return self._sign_in.begin(PLACE, max_age=max_age)
        account = self._services.people.find_account(session.account_id)
        return abort(404) if account is None else account

    def _page(self, account: Account, *, problem: str | None = None) -> Response:
        if problem is not None:
            note_refusal(f"invitation_{problem}")
        browser = self._cookies.read_browser() or make_browser_token()
        now = self._services.time()
        page = InvitationsPage(
            here=PLACE,
            name=account.profile.name,
            invitations=tuple(
                shown_invitation(self._services, one, now=now, stop_action=_STOP, take_action=_TAKE)
                for one in self._desk.list_of(account.account_id)
            ),
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            problem=problem,
        )
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response

    def _stop_page(self, mark: str, *, is_stopped: bool = False) -> Response:
        found = self._desk.find_by_mark(mark)
        if found is None:
            abort(404)
        browser = self._cookies.read_browser() or make_browser_token()
        page = StopInvitationPage(
            is_open=found.is_open(now=self._services.time()),
            is_stopped=is_stopped,
            action=f"{STOP_PLACE}{mark}",
            csrf_token=self._cookies.csrf_token(browser, place=STOP_PLACE),
        )
        response = page_answer(page)
        self._cookies.ensure_browser(response, browser)
        return response
