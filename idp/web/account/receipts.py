"""The printable receipt of a consent, for the person who gave it.

What lives here: one page.  A receipt of somebody else does not exist as far as the reader can see.
Source: Law 91/2025/QH15 Art. 9 (a consent can be printed and copied).
"""

from __future__ import annotations

from typing import Literal

from flask import Blueprint, Response, abort

from idp.oauth.consent import CONSENT
from idp.oauth.consent_receipts import ConsentReceipts
from idp.services import Services
from idp.web.account.consents import PLACE as CONSENTS
from idp.web.consent_evidence import read_evidence
from idp.web.cookies import Cookies
from idp.web.flow import page_answer
from idp.web.own_sign_in import OwnSignIn
from idp.web.pages import ReceiptPage


def make_receipts(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/consents/<id>`."""
    blueprint = Blueprint("receipts", __name__)
    sign_in = OwnSignIn(services, cookies=cookies)
    receipts = ConsentReceipts(services.database, people=services.people, sealer=services.sealer)

    @blueprint.get("/account/consents/<consent_id>")
    def receipt(consent_id: str) -> Response:
        session = sign_in.find()
        if session is None:
            # whatever number is asked for: whoever asks signs in first and is told then
            return sign_in.begin(CONSENTS)
        found = receipts.find(consent_id, account_id=session.account_id)
        if found is None:
            abort(404)
        evidence = read_evidence(found.text)
        account = services.people.find_account(found.consent.account_id)
        shown: Literal["vi", "en"] = "en" if found.consent.language == "en" else "vi"
        page = ReceiptPage(
            number=found.consent.consent_id,
            name="" if account is None else account.profile.name,
            client_name=evidence.client_name,
            controller=evidence.controller,
            dpo_contact=evidence.contact,
            given_at=found.consent.given_at,
            withdrawn_at=found.consent.withdrawn_at,
            purposes=evidence.shared,
            text_shown=evidence.lines,
            text_language=shown,
            text_version=found.consent.text_version,
            text_sha256=found.consent.text_sha256,
            is_by_law=found.consent.kind != CONSENT,
            return_url=CONSENTS,
        )
        return page_answer(page)

    return blueprint
