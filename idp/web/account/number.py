"""The person's page for a number that took the place of theirs.

What lives here: `/account/number`.  Whoever has a second factor must have given both within the
last minutes, whoever has none the password: the number is what they sign in with.
Source: NĐ 70/2024/NĐ-CP Art. 11–12.  Not here: when a number was replaced
(`idp/accounts/number_replacement.py`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, abort, request

from idp.accounts.errors import TooManyAttempts
from idp.accounts.model import Account, AccountKind
from idp.accounts.number_replacement import NumberNotReplaced
from idp.registers import RegisterError
from idp.services import Services
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.opening_pages import NumberPage
from idp.web.own_sign_in import OwnSignIn
from idp.web.pages import mask_number
from idp.web.request import source_address
from idp.web.request_facts import note_refusal
from idp.web.select_account import main_identifier
from idp.web.source import TrustedProxies

PLACE: Final = "/account/number"
_REPLACED: Final = f"{PLACE}?told=replaced"
_SHOWN_AGAIN: Final = 64
_UNAVAILABLE: Final = 503


def make_number(services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> Blueprint:
    """The blueprint of `/account/number`."""
    page = _NumberPage(services, cookies=cookies, proxies=proxies)
    blueprint = Blueprint("number", __name__)
    blueprint.add_url_rule(PLACE, "show", page.show)
    blueprint.add_url_rule(PLACE, "replace", page.replace, methods=["POST"])
    return blueprint


class _NumberPage:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> None:
        self._services = services
        self._cookies = cookies
        self._proxies = proxies
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def show(self) -> Response:
        """The form, after a sign-in that is fresh enough."""
        found = self._holder()
        if isinstance(found, Response):
            return found
        is_done = request.args.get("told") == "replaced"
        return self._page(found, here=_REPLACED if is_done else PLACE, is_done=is_done)

    def replace(self) -> Response:
        """Ask the register, and follow it.  Raises CsrfFailed."""
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        found = self._holder()
        if isinstance(found, Response):
            return found
        try:
            self._services.opening.numbers.replace(
                found,
                raw_new=request.form.get("identifier", ""),
                source=source_address(self._proxies),
                now=self._services.time(),
            )
        except NumberNotReplaced as refusal:
            note_refusal(f"number_{refusal.reason}")
            return self._page(found, problem=refusal.reason)
        except TooManyAttempts as refusal:
            return self._page(found, problem="too_many_attempts", retry_at=refusal.retry_at)
        except RegisterError as failure:
            note_refusal(failure.code)
            return self._page(found, problem="register_away", status=_UNAVAILABLE)
        return see_other(_REPLACED)

    def _holder(self) -> Account | Response:
        """Who is there, sure enough; or the way to the sign-in pages."""
        fresh = timedelta(seconds=self._services.settings.factor_change_fresh_s)
        session = self._sign_in.find(max_age=fresh)
        if session is None:
            return self._sign_in.begin(PLACE, max_age=fresh)
        account = self._services.people.find_account(session.account_id)
        if account is None or account.kind is not AccountKind.CITIZEN:
            abort(404)
        held = self._services.people.second_factors(account.account_id)
        if held.has_any and self._sign_in.find(level=2, max_age=fresh) is None:
            return self._sign_in.begin(PLACE, level=2, max_age=fresh)
        return account

    def _page(
        self,
        account: Account,
        *,
        here: str = PLACE,
        problem: str | None = None,
        status: int | None = None,
        **shown: Any,
    ) -> Response:
        browser = self._cookies.read_browser() or make_browser_token()
        page = NumberPage(
            here=here,
            action=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            masked=mask_number(main_identifier(account)),
            is_offered=self._services.opening.numbers.is_offered,
            identifier=request.form.get("identifier", "")[:_SHOWN_AGAIN],
            problem=problem,
            **shown,
        )
        response = (
            page_answer(page, problem=problem)
            if status is None
            else page_answer(page, status=status)
        )
        self._cookies.ensure_browser(response, browser)
        return response
