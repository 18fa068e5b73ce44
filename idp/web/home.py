"""The first page of the service's own address.

What lives here: what the service is, or the page that whoever started it shows in its place.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from idp.services import Services
from idp.web.account.overview import PLACE as ACCOUNT
from idp.web.cookies import Cookies
from idp.web.flow import page_answer
from idp.web.pages import HomePage, Page

MakePage = Callable[[], Page | None]


def make_home(
    services: Services, *, cookies: Cookies, own_page: MakePage | None = None
) -> Blueprint:
    """The blueprint of `/`.

    Takes   own_page: makes the page that stands there instead, or None for once.
    """
    blueprint = Blueprint("home", __name__)

    @blueprint.get("/")
    def home() -> Response:
        page = None if own_page is None else own_page()
        token = cookies.read_session()
        is_signed_in = (
            token is not None and services.sessions.find(token, now=services.time()) is not None
        )
        return page_answer(page or HomePage(account_url=ACCOUNT if is_signed_in else None))

    return blueprint
