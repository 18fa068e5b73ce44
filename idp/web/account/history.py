"""The person's history: sign-ins, refusals counted, and who got which of their data, with proofs.

What lives here: `/account/history`, newest first, and the proof of one row as a file that anybody
checks without us.  The place where a page goes on is in its address; it names a row and opens
nothing: each page shows rows of whoever is signed in.
Source: architecture, J5 and "State".
Not here: what is shown (`idp/own_history.py`), in which words (`history_words.py`).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, abort, request

from idp.history import HistoryPlace
from idp.own_history import HistoryUnknown, OwnHistory, ProofNotYet
from idp.services import Services
from idp.web.account_pages import HistoryPage
from idp.web.answer import see_other
from idp.web.cookies import Cookies
from idp.web.flow import page_answer
from idp.web.history_words import HistoryWords
from idp.web.own_sign_in import OwnSignIn

PLACE: Final = "/account/history"
MOST_SEQ: Final = 2**63 - 1
"""More no database counts; what is beyond is no page, and is asked of none."""
_BEFORE: Final = re.compile(r"([0-9]{1,15})\.([0-9]{1,15})\.([\x21-\x7e]{1,80})", re.ASCII)
_NOT_YET: Final = "proof_not_yet"


def make_history(services: Services, *, cookies: Cookies) -> Blueprint:
    """The blueprint of `/account/history`."""
    blueprint = Blueprint("history", __name__)
    sign_in = OwnSignIn(services, cookies=cookies)
    history = OwnHistory(services.database, services.sealer, services.trust.log.proofs)
    words = HistoryWords(services.registry)

    @blueprint.get(PLACE)
    def show() -> Response:
        session = sign_in.find()
        if session is None:
            return sign_in.begin(PLACE)
        account = services.people.find_account(session.account_id)
        if account is None:
            abort(404)
        raw_before = request.args.get("before")
        found = history.page(account.account_id, before=read_place(raw_before))
        now = services.time()
        page = HistoryPage(
            name=account.profile.name,
            days=words.days(found.rows, proof_url=lambda row: _proof_url(row.place), now=now),
            is_first=raw_before is None,
            older_url="" if found.goes_on is None else _older_url(found.goes_on),
            newest_url=PLACE,
            is_proof_early=_NOT_YET in request.args,
        )
        return page_answer(page)

    @blueprint.get(f"{PLACE}/<string(maxlength=80):writer>/<int(max={MOST_SEQ}):seq>")
    def prove(writer: str, seq: int) -> Response:
        session = sign_in.find()
        if session is None:
            return sign_in.begin(PLACE)
        try:
            text = history.prove(session.account_id, writer=writer, seq=seq)
        except HistoryUnknown:
            abort(404)
        except ProofNotYet:
            return see_other(f"{PLACE}?{_NOT_YET}=1")
        response = Response(text, mimetype="text/plain")
        response.headers["Content-Disposition"] = f'attachment; filename="antin-{seq}.proof.txt"'
        return response

    return blueprint


def read_place(raw_before: str | None) -> HistoryPlace | None:
    """Where the page begins; whatever is no place of ours is the beginning."""
    match = None if raw_before is None else _BEFORE.fullmatch(raw_before)
    return None if match is None else HistoryPlace(int(match[1]), match[3], int(match[2]))


def _older_url(place: HistoryPlace) -> str:
    return f"{PLACE}?{urlencode({'before': f'{place.at_ms}.{place.seq}.{place.writer}'})}"


def _proof_url(place: HistoryPlace) -> str:
    return f"{PLACE}/{quote(place.writer, safe='')}/{place.seq}"
