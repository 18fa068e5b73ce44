"""The first page of an account: where everything of it is found.

What lives here: `/account`, which counts and leads on.  Whoever is not signed in signs in first and
comes back.  Not here: any act; each has its own page.
Source: architecture, J5.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, abort, request

from idp.accounts.model import AccountKind
from idp.own_sessions import OwnSessions
from idp.services import Services
from idp.web.account_pages import AccountPage
from idp.web.cookies import Cookies
from idp.web.flow import page_answer
from idp.web.own_sign_in import OwnSignIn

PLACE: Final = "/account"


def make_overview(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account`."""
    blueprint = Blueprint("account", __name__)
    sign_in = OwnSignIn(services, cookies=cookies)
    own = OwnSessions(services.database, sessions=services.sessions)

    @blueprint.get(PLACE)
    def show() -> Response:
        session = sign_in.find()
        if session is None:
            return sign_in.begin(PLACE)
        account = services.people.find_account(session.account_id)
        if account is None:
            abort(404)
        passkeys = services.passkeys.list_of(account.account_id)
        page = AccountPage(
            here=PLACE,
            name=account.profile.name,
            level=0 if account.level is None else int(account.level),
            sessions=len(own.list_of(session, now=services.time())),
            has_second_factor=services.people.second_factors(account.account_id).has_any,
            passkeys=None if services.signing is None else len(passkeys),
            has_number=account.kind is AccountKind.CITIZEN,
            duties=services.desks.officials.duties_of(account.account_id, now=services.time()),
            told="password" if request.args.get("told") == "password" else "",
        )
        return page_answer(page)

    return blueprint
