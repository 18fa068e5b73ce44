"""A certificate at first need: asked for on the way to signing, confirmed, then back to reading.

What lives here: `/sign/<request_id>/certificate`.  The person chooses what will confirm her
signatures, sees what is made, and confirms that with the same means; this code or touch makes a key
and signs nothing.
Source: architecture, J3 and decisions 10 and 11.
Not here: who may have one, making it (`idp/signing_enrolment.py`).
"""

from __future__ import annotations

import hmac
import math

from flask import Response, request

from idp.signing_enrolment import EnrolmentWays
from idp.web.answer import see_other
from idp.web.request_facts import current_request_id, note_refusal
from idp.web.sign.assertion import read_assertion
from idp.web.sign.shown import decode, encode
from idp.web.sign.visit import Desk, Visit, holding
from idp.web.sign_pages import EnrolWay, PasskeyAsked, SignCertificatePage
from idp.web.sign_sentences import problem_of_signing
from keystore.clock import from_ms
from keystore.signer.activation import KeyEnrolment
from signing.errors import ConfirmationRefused, SigningError
from signing.ports import Signer

BY_CODE = "code"


class EnrolViews:
    """The views."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._enrolment = desk.signing.enrolment

    def begin(self, request_id: str) -> Response:
        """Fix what shall be made."""
        visit = self._desk.posted(request_id)
        if not isinstance(visit, Visit):
            return visit
        chosen = request.form.get("way", "")
        try:
            passkeys = () if chosen == BY_CODE else (decode(chosen),)
            self._enrolment.prepare(
                holding(visit), scal=2 if passkeys else 1, passkeys=passkeys, now=visit.now
            )
        except SigningError as refusal:
            note_refusal(refusal.code)
            return self._page(visit, problem=problem_of_signing(refusal))
        return see_other(f"{visit.place}/certificate")

    def show(self, request_id: str) -> Response:
        """What is about to be made."""
        visit = self._desk.arrive(request_id)
        return self._page(visit) if isinstance(visit, Visit) else visit

    def confirm(self, request_id: str) -> Response:
        """Make it, and go on to the document."""
        visit = self._desk.posted(request_id)
        if not isinstance(visit, Visit):
            return visit
        try:
            problem = self._confirm(visit, holding(visit))
        except SigningError as refusal:
            problem = problem_of_signing(refusal)
            note_refusal(problem)
        return see_other(visit.place) if problem is None else self._page(visit, problem=problem)

    def _confirm(self, visit: Visit, signer: Signer) -> str | None:
        wanted = self._enrolment.find(signer, now=visit.now)
        if wanted is None:
            raise ConfirmationRefused("window_closed")
        shown = request.form.get("window", "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(shown, wanted.challenge().hex().encode()):
            return "window_changed"
        if not wanted.credentials:
            code = "".join(request.form.get("otp", "").split())
            if not code:
                return "code_missing"
            self._enrolment.finish_by_code(signer, code=code, now=visit.now)
            return None
        assertion = read_assertion()
        if assertion is None:
            return "passkey_missing"
        self._enrolment.finish_by_passkey(signer, evidence=assertion, now=visit.now)
        return None

    def _page(self, visit: Visit, *, problem: str | None = None) -> Response:
        wanted = None
        if visit.signer is not None and visit.is_my_turn:
            wanted = self._enrolment.find(visit.signer, now=visit.now)
        if wanted is None:
            place = visit.place if problem is None else f"{visit.place}?problem={problem}"
            return see_other(place)
        browser = self._desk.browser()
        page = SignCertificatePage(
            here=f"{visit.place}/certificate",
            client_name=visit.client_name,
            name=self._desk.name_of(visit.account.account_id),
            for_whom=self._desk.for_whom(visit),
            action=f"{visit.place}/certificate/confirm",
            back_url=visit.place,
            csrf_token=self._desk.cookies.csrf_token(browser, place=visit.place),
            window=wanted.challenge().hex(),
            expires_at=from_ms(wanted.expires_ms),
            left_s=math.ceil((from_ms(wanted.expires_ms) - visit.now).total_seconds()),
            passkey=_passkey(wanted),
            problem=problem,
            reference=current_request_id(),
        )
        return self._desk.answer(page, browser=browser, problem=problem)


def ways_to_enrol(ways: EnrolmentWays) -> tuple[EnrolWay, ...]:
    """What may confirm a new key, as a page offers it: passkeys before codes."""
    shown = [EnrolWay(value=encode(one.credential_id), name=one.name) for one in ways.alone]
    return (*shown, *([EnrolWay(value=BY_CODE, is_passkey=False)] if ways.by_code else ()))


def _passkey(wanted: KeyEnrolment) -> PasskeyAsked | None:
    if not wanted.credentials:
        return None
    return PasskeyAsked(
        challenge=encode(wanted.challenge()),
        rp_id=wanted.rp_id,
        credential_id=encode(wanted.credentials[0].credential_id),
    )
