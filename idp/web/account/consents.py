"""What the signed-in person agreed to share, and taking it back.

What lives here: the list and the form of each consent.  Not here: what a withdrawal ends
(`idp.oauth.consent_withdrawal`), the receipt (`receipts.py`).
Source: Law 91/2025/QH15 Art. 9 (withdrawal is as easy as agreeing).
"""

from __future__ import annotations

from functools import partial
from typing import Final

from flask import Blueprint, Response, abort, request

from idp.ids import ConsentId
from idp.model import Consent
from idp.oauth.consent import CONSENT
from idp.oauth.consent_receipts import ConsentReceipts
from idp.oauth.errors import ConsentUnknown
from idp.services import Services
from idp.web.account.passkeys import PLACE as PASSKEYS
from idp.web.answer import see_other
from idp.web.consent_text import labels_of, name_of
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.own_sign_in import OwnSignIn
from idp.web.pages import ConsentsPage, GivenConsent

PLACE: Final = "/account/consents"
_WITHDRAWN: Final = "withdrawn"


def make_consents(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/consents`."""
    pages = _ConsentsPages(services, cookies=cookies)
    blueprint = Blueprint("consents", __name__)
    blueprint.add_url_rule(PLACE, "show", pages.show)
    blueprint.add_url_rule(
        f"{PLACE}/<consent_id>/withdraw", "withdraw", pages.withdraw, methods=["POST"]
    )
    return blueprint


class _ConsentsPages:
    """The views."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)
        self._receipts = ConsentReceipts(
            services.database, people=services.people, sealer=services.sealer
        )

    def show(self) -> Response:
        """Every consent of the person."""
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(PLACE)
        given = self._receipts.list_of(session.account_id)
        account = self._services.people.find_account(session.account_id)
        browser = self._cookies.read_browser() or make_browser_token()
        page = ConsentsPage(
            name="" if account is None else account.profile.name,
            # what is in force first, each half newest first
            consents=tuple(map(self._row, sorted(given, key=lambda one: bool(one.withdrawn_at)))),
            told=_WITHDRAWN if request.args.get("told") == _WITHDRAWN else "",
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            passkeys_url=PASSKEYS,
        )
        response = page_answer(page)
        self._cookies.ensure_browser(response, browser)
        return response

    def withdraw(self, consent_id: str) -> Response:
        """Take one back, with every other one to the same portal.  Raises CsrfFailed."""
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(PLACE)
        try:
            self._services.consent_withdrawal.withdraw(
                ConsentId(consent_id), account_id=session.account_id, now=self._services.time()
            )
        except ConsentUnknown:
            abort(404)
        return see_other(f"{PLACE}?told={_WITHDRAWN}")

    def _row(self, one: Consent) -> GivenConsent:
        registry, now = self._services.registry, self._services.time()
        client = registry.find_registered_client(one.client_id, now=now)
        place = f"{PLACE}/{one.consent_id}"
        may_withdraw = one.kind == CONSENT and one.withdrawn_at is None
        return GivenConsent(
            client_name=one.client_id if client is None else name_of(client),
            shared=labels_of(
                one.shared, find_server=partial(registry.find_resource_server, now=now)
            ),
            given_at=one.given_at,
            withdrawn_at=one.withdrawn_at,
            is_by_law=one.kind != CONSENT,
            receipt_url=place,
            withdraw_action=f"{place}/withdraw" if may_withdraw else None,
        )
