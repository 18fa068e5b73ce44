"""The page of a signing request, and what its forms do.

What lives here: which page is shown when, opening the window, confirming, refusing.  Every answer
to a form that did something leads back to the request's one address, which tells how it stands;
a form that was refused shows the same page with a sentence.
Source: architecture, J3 and decision 11.
Not here: what is allowed when (`signing`), the sentences (`idp/web/sign_sentences.py`).
"""

from __future__ import annotations

import hmac
import math
from typing import Final
from urllib.parse import urlencode, urlsplit

from flask import Response, request

from idp.signing_enrolment import EnrolmentWays
from idp.web.account.passkeys import PLACE as PASSKEYS
from idp.web.answer import see_other
from idp.web.request_facts import current_request_id, note_refusal
from idp.web.sign.assertion import read_assertion
from idp.web.sign.enrol import ways_to_enrol
from idp.web.sign.shown import Way, documents_of, encode, page_of, ways_of
from idp.web.sign.visit import Desk, Visit, holding
from idp.web.sign_pages import (
    OutcomeKind,
    PasskeyAsked,
    ShownPage,
    SignConfirmPage,
    SignOutcomePage,
    SignPage,
    SignRefusePage,
)
from idp.web.sign_sentences import (
    REFUSAL_REASONS,
    SIGN_PROBLEMS,
    problem_of_signing,
    sentence_of_reason,
    sentence_of_waiting,
)
from keystore.errors import SealBroken
from signing.authorize import Window
from signing.errors import ConfirmationRefused, DocumentRefused, RequestNotWaiting, SigningError
from signing.model import RequestState, Role, SlotState
from signing.ports import Signer

_RELOAD_S: Final = 4
_FINAL: Final[dict[RequestState, OutcomeKind]] = {
    RequestState.SIGNED: "signed",
    RequestState.REFUSED: "refused",
    RequestState.EXPIRED: "expired",
    RequestState.FAILED: "failed",
}


class SignViews:
    """The views of `/sign/<request_id>`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._signing = desk.signing

    def show(self, request_id: str) -> Response:
        """How the request stands, for the person who is signed in."""
        visit = self._desk.arrive(request_id)
        if not isinstance(visit, Visit):
            return visit
        problem = request.args.get("problem")
        if problem == "window_closed" and self._window(visit) is not None:
            problem = None
        return self._page(visit, problem=problem if problem in SIGN_PROBLEMS else None)

    def open(self, request_id: str) -> Response:
        """The signer has read, and wants to sign: everything is prepared for her confirmation."""
        visit = self._desk.posted(request_id)
        if not isinstance(visit, Visit):
            return visit
        try:
            signer = holding(visit)
            way = self._way(signer, visit, value=request.form.get("credential", ""))
            if way is None:
                return self._page(visit, problem="credential_missing")
            self._signing.windows.open(
                visit.request,
                signer=signer,
                credential=way.credential,
                passkey=way.passkey,
                is_active=visit.account.may_sign,
                now=visit.now,
            )
        except (SigningError, SealBroken) as refusal:
            return self._refused(visit, refusal)
        return see_other(visit.place)

    def confirm(self, request_id: str) -> Response:
        """A code, or the answer of a passkey, for the window that was shown."""
        visit = self._desk.posted(request_id)
        if not isinstance(visit, Visit):
            return visit
        try:
            signer = holding(visit)
            window = self._window(visit)
            if window is None:
                self._signing.windows.turn_of(visit.request, signer=signer, now=visit.now)
                raise ConfirmationRefused("window_closed")
            if not hmac.compare_digest(
                request.form.get("window", "").encode("utf-8", "surrogatepass"),
                window.challenge.hex().encode(),
            ):
                return self._page(visit, problem="window_changed")
            if not self._is_offered(visit, signer, window):
                return self._page(visit)  # put on hold, revoked or out of time since it was opened
            missing = self._confirm(visit, signer, window)
        except (SigningError, SealBroken) as refusal:
            return self._refused(visit, refusal)
        return see_other(visit.place) if missing is None else self._page(visit, problem=missing)

    def refuse(self, request_id: str) -> Response:
        """The signer does not sign; she is asked once more before it ends."""
        visit = self._desk.posted(request_id)
        if not isinstance(visit, Visit):
            return visit
        if not visit.is_my_turn:
            return see_other(visit.place)
        if request.form.get("decision") != "refuse":
            browser = self._desk.browser()
            page = SignRefusePage(
                here=visit.place,
                client_name=visit.client_name,
                title=visit.request.text.title,
                action=f"{visit.place}/refuse",
                back_url=visit.place,
                csrf_token=self._desk.cookies.csrf_token(browser, place=visit.place),
            )
            return self._desk.answer(page, browser=browser)
        reason = request.form.get("reason", "")
        slot = visit.slot
        # whoever may not sign any more may still say so
        signer = visit.signer or self._signing.signers.get_signer(
            slot.account_id, role=slot.role, organisation_id=slot.organisation_id
        )
        try:
            self._signing.requests.refuse(
                visit.request,
                signer=signer,
                reason=reason if reason in REFUSAL_REASONS else "",
                now=visit.now,
            )
        except RequestNotWaiting as overtaken:
            note_refusal(overtaken.code)
        return see_other(visit.place)

    # -- which page

    def _page(self, visit: Visit, *, problem: str | None = None) -> Response:
        if not visit.is_my_turn:
            return self._outcome(visit)
        if visit.signer is None:
            return self._reading(visit, (), problem=problem or "mandate_ended")
        ways = self._ways(visit.signer, visit)
        if not ways:
            return self._without_certificate(visit, visit.signer, problem=problem)
        window = self._window(visit)
        if window is None:
            return self._reading(visit, ways, problem=problem or self._earlier(visit))
        confirmed_by = (window.activation.key_id, window.activation.credential_id)
        way = next((w for w in ways if (w.credential.key_id, w.passkey) == confirmed_by), None)
        if way is None:
            return self._reading(visit, ways, problem=problem or "certificate_refused")
        return self._confirming(visit, way, window, problem=problem)

    def _without_certificate(
        self, visit: Visit, signer: Signer, *, problem: str | None
    ) -> Response:
        """To read, and to ask for a certificate; one that is only late is looked for first."""
        enrolment = self._signing.enrolment
        try:
            if enrolment.keep_up(signer, now=visit.now) and (ways := self._ways(signer, visit)):
                return self._reading(visit, ways, problem=problem)
            ways_to = enrolment.ways(signer, now=visit.now)
        except SigningError as refusal:
            return self._reading(visit, (), problem=problem or problem_of_signing(refusal))
        return self._reading(visit, (), problem=problem, enrolment=ways_to)

    def _reading(
        self,
        visit: Visit,
        ways: tuple[Way, ...],
        *,
        problem: str | None,
        enrolment: EnrolmentWays | None = None,
    ) -> Response:
        browser, shown = self._desk.browser(), self._shown(visit)
        page = SignPage(
            here=self._here(visit),
            client_name=visit.client_name,
            title=visit.request.text.title,
            documents=documents_of(visit, shown=shown),
            shown=shown,
            for_whom=self._desk.for_whom(visit),
            is_seal=visit.slot.role is Role.SEAL,
            csrf_token=self._desk.cookies.csrf_token(browser, place=visit.place),
            refuse_action=f"{visit.place}/refuse",
            problem=problem,
            reference=current_request_id(),
            certificates=tuple(way.shown for way in ways),
            action=f"{visit.place}/open",
            expires_at=visit.request.expires_at,
            window_minutes=math.ceil(visit.request.window.total_seconds() / 60),
            enrol_ways=() if enrolment is None else ways_to_enrol(enrolment),
            enrol_action=f"{visit.place}/certificate",
            why_none="" if enrolment is None else sentence_of_reason(enrolment.reason),
            passkeys_url=PASSKEYS,
        )
        return self._desk.answer(page, browser=browser, problem=self._of_form(problem))

    def _confirming(
        self, visit: Visit, way: Way, window: Window, *, problem: str | None
    ) -> Response:
        browser, shown = self._desk.browser(), self._shown(visit)
        passkey = None
        if way.passkey:
            passkey = PasskeyAsked(
                challenge=encode(window.challenge),
                rp_id=way.credential.rp_id,
                credential_id=encode(way.passkey),
            )
        page = SignConfirmPage(
            here=self._here(visit),
            client_name=visit.client_name,
            title=visit.request.text.title,
            documents=documents_of(visit, shown=shown),
            shown=shown,
            for_whom=self._desk.for_whom(visit),
            is_seal=visit.slot.role is Role.SEAL,
            csrf_token=self._desk.cookies.csrf_token(browser, place=visit.place),
            refuse_action=f"{visit.place}/refuse",
            problem=problem,
            reference=current_request_id(),
            certificate=way.shown,
            action=f"{visit.place}/confirm",
            window=window.challenge.hex(),
            expires_at=window.expires_at,
            left_s=math.ceil((window.expires_at - visit.now).total_seconds()),
            passkey=passkey,
            here_url=f"{visit.place}?problem=window_closed",
        )
        return self._desk.answer(page, browser=browser, problem=self._of_form(problem))

    def _outcome(self, visit: Visit) -> Response:
        found, slot = visit.request, visit.slot
        outcome = _FINAL.get(visit.state)
        if outcome is None:
            is_done = slot.state is SlotState.SIGNED
            is_under_way = slot.state is SlotState.CONFIRMED
            outcome = (
                "under_way" if is_under_way else "waiting_for_others" if is_done else "not_yet"
            )
        is_over = outcome not in {"under_way", "not_yet"}
        ended_at = found.ended_at
        if visit.state is RequestState.EXPIRED:
            ended_at = found.expires_at
        page = SignOutcomePage(
            here=visit.place,
            outcome=outcome,
            client_name=visit.client_name,
            title=found.text.title,
            documents=documents_of(visit),
            is_mine=slot.state is SlotState.REFUSED,
            at=slot.ended_at if outcome == "waiting_for_others" else ended_at,
            reason=_why(outcome, found.reason),
            signed=sum(one.state is SlotState.SIGNED for one in found.slots),
            signers=len(found.slots),
            return_url=_return_url(visit) if is_over else None,
            reload_url=None if is_over else visit.place,
            reference=current_request_id(),
        )
        response = self._desk.answer(page, browser=self._desk.browser())
        if outcome == "under_way":
            response.headers["Refresh"] = str(_RELOAD_S)
        return response

    # -- parts

    def _confirm(self, visit: Visit, signer: Signer, window: Window) -> str | None:
        """Hand the confirmation on; a problem where there is none.

        Raises  SigningError.
        """
        if not window.activation.credential_id:
            code = "".join(request.form.get("otp", "").split())
            if not code:
                return "code_missing"
            self._signing.confirming.confirm_by_code(
                visit.request,
                signer=signer,
                code=code,
                window=window,
                is_active=visit.account.may_sign,
                now=visit.now,
            )
            return None
        assertion = read_assertion()
        if assertion is None:
            return "passkey_missing"
        self._signing.confirming.confirm(
            visit.request,
            signer=signer,
            confirmation=assertion,
            challenge=window.challenge,
            window=window,
            is_active=visit.account.may_sign,
            now=visit.now,
        )
        return None

    def _refused(self, visit: Visit, refusal: Exception) -> Response:
        if isinstance(refusal, SealBroken):
            refusal = DocumentRefused("document_changed")
        problem = problem_of_signing(refusal) if isinstance(refusal, SigningError) else ""
        note_refusal(problem)
        again = self._desk.arrive(visit.request.request_id)
        return self._page(again, problem=problem) if isinstance(again, Visit) else again

    def _window(self, visit: Visit) -> Window | None:
        if not visit.is_my_turn or visit.signer is None:
            return None
        return self._signing.windows.window_of(
            visit.request, visit.preparation, signer=visit.signer, now=visit.now
        )

    def _is_offered(self, visit: Visit, signer: Signer, window: Window) -> bool:
        asked = (window.activation.key_id, window.activation.credential_id)
        ways = self._ways(signer, visit)
        return any((way.credential.key_id, way.passkey) == asked for way in ways)

    def _way(self, signer: Signer, visit: Visit, *, value: str) -> Way | None:
        return next((way for way in self._ways(signer, visit) if way.value == value), None)

    def _ways(self, signer: Signer, visit: Visit) -> tuple[Way, ...]:
        return ways_of(self._signing.credentials.credentials_of(signer, now=visit.now))

    def _earlier(self, visit: Visit) -> str | None:
        """Why the request waits again, when a confirmation of it was cut off or refused."""
        reason = visit.request.reason
        return problem_of_signing(ConfirmationRefused(reason)) if reason else None

    def _of_form(self, problem: str | None) -> str | None:
        """A problem counts as one of the form where there was a form."""
        return problem if request.method == "POST" else None

    def _shown(self, visit: Visit) -> ShownPage | None:
        return page_of(visit, document=request.args.get("document"), page=request.args.get("page"))

    def _here(self, visit: Visit) -> str:
        asked = [
            (name, request.args[name]) for name in ("document", "page") if name in request.args
        ]
        return f"{visit.place}?{urlencode(asked)}" if asked else visit.place


def _why(outcome: OutcomeKind, reason: str) -> str:
    if outcome == "under_way":
        return sentence_of_waiting(reason)
    return sentence_of_reason(reason) if outcome in {"refused", "failed"} else ""


def _return_url(visit: Visit) -> str | None:
    """The portal's address, with what it needs to look; it was found to be the portal's own."""
    uri = visit.request.return_uri
    if not uri:
        return None
    joint = "&" if urlsplit(uri).query else "?"
    members = {"request_id": visit.request.request_id, "state": visit.state.value}
    return f"{uri}{joint}{urlencode(members)}"
