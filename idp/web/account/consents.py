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
from idp.model import Consent, Session
from idp.oauth.consent import CONSENT
from idp.oauth.consent_receipts import ConsentReceipts
from idp.oauth.errors import ConsentUnknown
from idp.services import Services
from idp.web.account.passkeys import PLACE as PASSKEYS
from idp.web.answer import see_other
from idp.web.consent_text import labels_of, name_of
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.pages import ConsentsPage, GivenConsent

PLACE: Final = "/account/consents"


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
    """The views; for who is not signed in there is no such page."""

    def __init__(self, services: Services, *, cookies: Cookies) -> None:
        self._services = services
        self._cookies = cookies
        self._receipts = ConsentReceipts(
            services.database, people=services.people, sealer=services.sealer
        )

    def show(self) -> Response:
        """Every consent of the person, newest first."""
        session = self._session()
        given = self._receipts.list_of(session.account_id)
        account = self._services.people.find_account(session.account_id)
        browser = self._cookies.read_browser() or make_browser_token()
        page = ConsentsPage(
            name="" if account is None else account.profile.name,
            consents=tuple(map(self._row, given)),
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            passkeys_url=PASSKEYS,
        )
        response = page_answer(page)
        self._cookies.ensure_browser(response, browser)
        return response

    def withdraw(self, consent_id: str) -> Response:
        """Take one back, with every other one to the same portal.  Raises CsrfFailed."""
        session = self._session()
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        try:
            self._services.consent_withdrawal.withdraw(
                ConsentId(consent_id), account_id=session.account_id, now=self._services.time()
            )
        except ConsentUnknown:
            abort(404)
        return see_other(PLACE)

    def _session(self) -> Session:
        token = self._cookies.read_session()
        now = self._services.time()
        session = None if token is None else self._services.sessions.find(token, now=now)
        if session is None:
            abort(404)
        return session

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
