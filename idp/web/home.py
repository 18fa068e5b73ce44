"""The first page of the service's own address.

What lives here: what the service is, or the page that whoever started it shows in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from flask import Blueprint, Response, abort

from idp.services import Services
from idp.web.account.overview import PLACE as ACCOUNT
from idp.web.cookies import Cookies
from idp.web.flow import page_answer
from idp.web.pages import HomePage, Page

MakePage = Callable[[], Page | None]


def make_home(
    services: Services,
    *,
    cookies: Cookies,
    own_page: MakePage | None = None,
    more_pages: Mapping[str, MakePage] | None = None,
) -> Blueprint:
    """The blueprint of `/`.

    Takes   own_page: makes the page that stands there instead, or None for once; more_pages: path →
            what makes the page that is to be had there as well, None: not found.
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

    def show(make: MakePage) -> Response:
        page = make()
        return abort(404) if page is None else page_answer(page)

    for path, make in (more_pages or {}).items():
        name = path.strip("/").replace("/", "_")
        blueprint.add_url_rule(path, name, partial(show, make), methods=["GET"])
    return blueprint
