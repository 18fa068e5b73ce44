"""The person's cases: what they reported, and what became of it.

What lives here: `/account/cases`.
Source: architecture, J5; Law 91/2025/QH15 Art. 4.
Not here: what opens a case (`idp/accounts/not_me.py`), closing one.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, abort

from idp.accounts.case_model import Case
from idp.services import Services
from idp.web.cookies import Cookies
from idp.web.devices import device_name
from idp.web.flow import page_answer
from idp.web.own_sign_in import OwnSignIn
from idp.web.recovery_pages import CasesPage, ShownCase

PLACE: Final = "/account/cases"


def make_cases(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/cases`."""
    blueprint = Blueprint("cases", __name__)
    sign_in = OwnSignIn(services, cookies=cookies)

    @blueprint.get(PLACE)
    def show() -> Response:
        session = sign_in.find()
        if session is None:
            return sign_in.begin(PLACE)
        account = services.people.find_account(session.account_id)
        if account is None:
            abort(404)
        found = services.recovering.cases.list_of(account.account_id)
        page = CasesPage(
            here=PLACE, name=account.profile.name, cases=tuple(_shown(one) for one in found)
        )
        return page_answer(page)

    return blueprint


def _shown(case: Case) -> ShownCase:
    device = case.facts.get("device", "")
    return ShownCase(
        number=case.number,
        kind=case.kind.value,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        device=device_name(device) if device else "",
    )
