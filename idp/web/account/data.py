"""Everything that is held about the person, to take along.

What lives here: `/account/data`, which gives it as JSON or as a PDF after a fresh sign-in.  Both
are written while the database is read; nothing of them is kept.
Source: Law 91/2025/QH15 Art. 4; architecture, J5.
Not here: what is in it (`idp/own_export.py`), asking for something (`data_requests.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response, request

from idp.accounts.people import AccountRow
from idp.own_export import MOST_A_DAY, Form, TooManyExports, write_json
from idp.own_export_pdf import write_pdf
from idp.services import Services
from idp.web.account.fresh_holder import SLACK, FreshHolder
from idp.web.cookies import Cookies, make_browser_token
from idp.web.data_pages import DataPage, DataProblem
from idp.web.export_words import export_words
from idp.web.flow import CsrfFailed, page_answer
from idp.web.own_sign_in import OwnSignIn
from idp.web.request_facts import note_refusal

PLACE: Final = "/account/data"
_CONFIRMED: Final = f"{PLACE}/confirmed"
"""Where the way over the sign-in pages leads back to."""
_TYPES: Final[dict[Form, str]] = {"json": "application/json", "pdf": "application/pdf"}


def make_data(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/data`."""
    blueprint = Blueprint("data", __name__)
    sign_in = OwnSignIn(services, cookies=cookies)
    holder = FreshHolder(services, cookies=cookies)

    def page(row: AccountRow, *, problem: DataProblem | None = None) -> Response:
        browser = cookies.read_browser() or make_browser_token()
        shown = DataPage(
            here=PLACE,
            action=PLACE,
            csrf_token=cookies.csrf_token(browser, place=PLACE),
            most_a_day=MOST_A_DAY,
            has_second_factor=holder.has_second_factor(row),
            is_confirmed=request.path == _CONFIRMED,
            problem=problem,
        )
        response = page_answer(shown, problem=problem)
        cookies.ensure_browser(response, browser)
        return response

    @blueprint.get(_CONFIRMED, endpoint="confirmed")
    @blueprint.get(PLACE)
    def show() -> Response:
        found = sign_in.find_person()
        return sign_in.begin(PLACE) if found is None else page(found[1])

    @blueprint.post(PLACE)
    def take() -> Response:
        if not cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed
        found = holder.find(_CONFIRMED, slack=SLACK)
        if isinstance(found, Response):
            return found
        form: Form = "pdf" if request.form.get("form") == "pdf" else "json"
        now = services.time()
        try:
            export = services.rights.export.begin(found[1], form=form, now=now)
        except TooManyExports as refusal:
            note_refusal(refusal.code)
            return page(found[1], problem="too_many_exports")
        parts: Iterator[bytes] = (
            write_pdf(export, export_words(now)) if form == "pdf" else write_json(export)
        )
        response = Response(parts, mimetype=_TYPES[form])
        name = f"antin-{now:%Y-%m-%d}.{form}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint
