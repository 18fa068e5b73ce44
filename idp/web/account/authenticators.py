"""Adding another authenticator app from the person's own pages.

What lives here: `/account/factors/apps`: the QR code, and the first code.  It needs no activation
code, because a second factor, or a recovery code beside the password, was given just now; the first
app of all is enrolled on the way to a portal, with one (`idp/web/totp_enrolment.py`).
Source: architecture, decision 10.
Not here: how an enrolment goes (`idp/accounts/enrolment.py`), who may (`gate.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from flask import Blueprint, Response, request

from idp.accounts.authenticators import NameUnusable
from idp.accounts.enrolment import PendingTotp
from idp.accounts.errors import EnrolmentRefused, TooManyAttempts, TooManyFactors
from idp.model import Factor
from idp.services import Services
from idp.sessions import prove_factor
from idp.web.account.factors import PLACE as FACTORS
from idp.web.account.gate import Changer, Gate
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.factor_pages import AuthenticatorAddPage
from idp.web.flow import CsrfFailed, page_answer
from idp.web.qr import qr_data_uri
from idp.web.request import source_of_attempt
from idp.web.request_facts import note_refusal
from idp.web.select_account import main_identifier
from idp.web.source import TrustedProxies
from idp.web.totp_enrolment import grouped_secret, label_of

PLACE: Final = f"{FACTORS}/apps"


def make_authenticators(
    services: Services, *, cookies: Cookies, proxies: TrustedProxies
) -> Blueprint:
    """The blueprint of `/account/factors/apps`."""
    pages = _AddPages(services, cookies=cookies, proxies=proxies)
    blueprint = Blueprint("authenticators", __name__)
    blueprint.add_url_rule(PLACE, "begin", pages.begin, methods=["POST"])
    blueprint.add_url_rule(PLACE, "begin_again", pages.back)
    one = f"{PLACE}/<string(length=36):pending_id>"
    blueprint.add_url_rule(one, "show", pages.show)
    blueprint.add_url_rule(one, "confirm", pages.confirm, methods=["POST"])
    return blueprint


class _AddPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies, proxies: TrustedProxies) -> None:
        self._services = services
        self._cookies = cookies
        self._proxies = proxies
        self._gate = Gate(services, cookies=cookies)

    def back(self) -> Response:
        """Where the form that begins leads when it is loaded again."""
        return see_other(FACTORS)

    def begin(self) -> Response:
        """Have a secret made for an app with this name.  Raises CsrfFailed."""
        found = self._changer(FACTORS)
        if isinstance(found, Response):
            return found
        account = found.account
        try:
            pending = self._services.enrolment.start_beside(
                account.account_id,
                session_id=found.session.session_id,
                name=request.form.get("name", ""),
                label=label_of(main_identifier(account)),
                now=self._services.time(),
            )
        except NameUnusable:
            return _refused("name")
        except TooManyFactors:
            return _refused("too_many")
        return see_other(f"{PLACE}/{pending.pending_id}")

    def show(self, pending_id: str) -> Response:
        """The QR code, until the first code was given."""
        found = self._gate.find(FACTORS, is_sent=True)
        if isinstance(found, Response):
            return found
        return self._page(found, pending_id)

    def confirm(self, pending_id: str) -> Response:
        """The first code.  Raises CsrfFailed."""
        found = self._changer(PLACE)
        if isinstance(found, Response):
            return found
        raw_code = request.form.get("otp", "")
        if not raw_code.strip():
            return self._page(found, pending_id, problem="code_missing")
        now = self._services.time()
        try:
            self._services.enrolment.confirm(
                found.account.account_id,
                pending_id=pending_id,
                raw_code=raw_code,
                session_id=found.session.session_id,
                source=source_of_attempt(self._proxies, self._cookies),
                now=now,
            )
        except EnrolmentRefused:
            return self._page(found, pending_id, problem="wrong_code")
        except TooManyAttempts as refusal:
            at = refusal.retry_at
            return self._page(found, pending_id, problem="too_many_attempts", retry_at=at)
        except TooManyFactors:
            return _refused("too_many")
        response = see_other(f"{FACTORS}?told=added")
        if found.is_recovering:
            # the new app has just shown a code: from here on it is the second factor
            opened = prove_factor(found.session, factor=Factor.OTP, now=now)
            if self._services.sessions.store_alone(opened, now=now):
                self._cookies.set_session(response, opened.token)
        return response

    def _changer(self, place: str) -> Changer | Response:
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=place):
            raise CsrfFailed
        found = self._gate.find(FACTORS, is_sent=True)
        if isinstance(found, Response) or found.may_add:
            return found
        if found.is_by_message:
            return see_other(FACTORS)  # which says what is needed
        return self._gate.begin_with_both(FACTORS)

    def _page(
        self,
        found: Changer,
        pending_id: str,
        *,
        problem: str | None = None,
        retry_at: datetime | None = None,
    ) -> Response:
        pending = self._find(found, pending_id)
        if pending is None:
            return _refused("lapsed")
        browser = self._cookies.read_browser() or make_browser_token()
        page = AuthenticatorAddPage(
            here=f"{PLACE}/{pending_id}",
            qr_svg_data_uri=qr_data_uri(pending.otpauth_uri),
            secret_grouped=grouped_secret(pending.secret),
            action=f"{PLACE}/{pending_id}",
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            back_url=FACTORS,
            is_for_signing=self._services.signing is not None,
            problem=problem,
            retry_at=retry_at,
        )
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response

    def _find(self, found: Changer, pending_id: str) -> PendingTotp | None:
        account = found.account
        return self._services.enrolment.find_pending(
            account.account_id,
            pending_id=pending_id,
            label=label_of(main_identifier(account)),
            session_id=found.session.session_id,
            now=self._services.time(),
        )


def _refused(problem: str) -> Response:
    note_refusal(f"factor_{problem}")
    return see_other(f"{FACTORS}?problem={problem}")
