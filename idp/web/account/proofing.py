"""The person's own act in a proofing at a counter, on a device of their own.

What lives here: `/account/proofing`, where somebody who signed in within the last minutes types the
code that the official handed over, or stops it.  The activation code that comes of it stands in
that one answer: no official sees it.
Source: NĐ 69/2024/NĐ-CP Art. 10-11; architecture, decision 10.
Not here: what it raises (`idp/accounts/counter.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, Response, abort, request

from idp.accounts.counter_proofings import ProofingRefused
from idp.accounts.errors import TooManyAttempts
from idp.accounts.model import Account, AccountLevel
from idp.services import Services
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.official_door import agency_name
from idp.web.official_pages import OwnActivationPage, ProofingPage
from idp.web.own_sign_in import OwnSignIn
from idp.web.request import source_of_attempt
from idp.web.request_facts import note_refusal
from idp.web.source import TrustedProxies

PLACE: Final = "/account/proofing"
_STOP: Final = f"{PLACE}/stop"
_ENROL: Final = "/account/passkeys"
"""It asks for two factors: whoever has none is led through enrolling the first."""
_FRESH: Final = timedelta(minutes=30)


def make_proofing(services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> Blueprint:
    """The blueprint of `/account/proofing`."""
    pages = _ProofingPages(services, cookies=cookies, proxies=proxies)
    blueprint = Blueprint("proofing", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    blueprint.add_url_rule(PLACE, "confirm", pages.confirm, methods=["POST"])
    blueprint.add_url_rule(_STOP, "stop", pages.stop, methods=["POST"])
    blueprint.add_url_rule(_STOP, "stop_again", lambda: see_other(PLACE))
    return blueprint


class _ProofingPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> None:
        self._services = services
        self._cookies = cookies
        self._proxies = proxies
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def show(self) -> Response:
        """What waits, and the form that confirms it."""
        account = self._person()
        return account if isinstance(account, Response) else self._page(account)

    def confirm(self) -> Response:
        """The code of the official.  Raises CsrfFailed."""
        account = self._posted()
        if isinstance(account, Response):
            return account
        raw_code = request.form.get("code", "")
        if not raw_code.strip():
            return self._page(account, problem="code_missing")
        try:
            code = self._services.desks.counter.confirm_by_person(
                account.account_id,
                raw_code=raw_code,
                source=source_of_attempt(self._proxies, self._cookies),
                now=self._services.time(),
            )
        except ProofingRefused as refusal:
            return self._page(account, problem=refusal.reason)
        except TooManyAttempts as refusal:
            return self._page(account, problem="too_many_attempts", retry_at=refusal.retry_at)
        page = OwnActivationPage(
            here=PLACE, code=code, level=int(AccountLevel.TWO), next_url=_ENROL
        )
        return page_answer(page)

    def stop(self) -> Response:
        """It was not the person who is at that counter.  Raises CsrfFailed."""
        account = self._posted()
        if isinstance(account, Response):
            return account
        self._services.desks.counter.stop(
            account.account_id, by=account.account_id, now=self._services.time()
        )
        return see_other(PLACE)

    def _posted(self) -> Account | Response:
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        return self._person()

    def _person(self) -> Account | Response:
        session = self._sign_in.find(max_age=_FRESH)
        if session is None:
            return self._sign_in.begin(PLACE, max_age=_FRESH)
        account = self._services.people.find_account(session.account_id)
        return abort(404) if account is None else account

    def _page(
        self, account: Account, *, problem: str | None = None, retry_at: datetime | None = None
    ) -> Response:
        if problem is not None:
            note_refusal(f"proofing_{problem}")
        browser = self._cookies.read_browser() or make_browser_token()
        waiting = self._services.desks.counter.find_waiting(
            account.account_id, now=self._services.time()
        )
        page = ProofingPage(
            here=PLACE,
            name=account.profile.name,
            agency="" if waiting is None else agency_name(self._services, waiting.controller_id),
            document="" if waiting is None else waiting.document.value,
            started_at=None if waiting is None else waiting.started_at,
            waits_until=None if waiting is None else waiting.expires_at,
            action=PLACE,
            stop_action=_STOP,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            problem=problem,
            retry_at=retry_at,
        )
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response
