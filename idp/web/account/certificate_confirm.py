"""Another certificate, and a hold taken back: what is confirmed with the means of signing.

What lives here: `/account/certificates/new`, for whom and with what, then exactly that to confirm;
and `/account/certificates/<name>/resume`.  All of it takes two factors within the last minutes, and
then the factor of signing once more, for this alone: a code that signed in confirms nothing.
A key that is made here signs nothing; what it replaces stays good for what it signed, until its
date.
Source: architecture, decisions 10 and 11; ETSI EN 319 411-1 §6.3.6–6.3.9.
Not here: making a key (`idp/signing_enrolment.py`), resuming one (`idp/own_key_resuming.py`).
"""

from __future__ import annotations

import hmac
import math
from datetime import datetime, timedelta
from typing import Final, Literal

from flask import Blueprint, Response, abort, request

from idp.certificate_services import CertificateServices
from idp.ids import AccountId
from idp.own_certificates import (
    CertificateActRefused,
    OwnCertificate,
    OwnCertificateUnknown,
    Owner,
)
from idp.services import Services
from idp.signing import SigningServices
from idp.web.account.certificate_shown import grouped_serial
from idp.web.account.certificates import NAME, PLACE
from idp.web.account.passkeys import PLACE as PASSKEYS
from idp.web.answer import see_other
from idp.web.certificate_pages import CertificateConfirmPage, CertificateNewPage, WaysFor
from idp.web.certificate_sentences import CERTIFICATE_PROBLEMS, UNKNOWN
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.i18n import translate
from idp.web.own_sign_in import OwnSignIn
from idp.web.pages import Page
from idp.web.request_facts import note_refusal
from idp.web.sign.assertion import read_assertion
from idp.web.sign.enrol import BY_CODE, ways_to_enrol
from idp.web.sign.shown import decode, encode
from idp.web.sign_pages import PasskeyAsked
from keystore.clock import from_ms
from keystore.signer.activation import KeyEnrolment, SignatureActivation
from signing.errors import CertificateRefused, ConfirmationRefused, SigningError

_NEW: Final = f"{PLACE}/new"
Wanted = KeyEnrolment | SignatureActivation


def make_certificate_confirm(
    services: Services,
    signing: SigningServices,
    certificates: CertificateServices,
    *,
    cookies: Cookies,
) -> Blueprint:
    """The blueprint."""
    pages = _ConfirmPages(services, signing, certificates, cookies=cookies)
    blueprint = Blueprint("certificate_confirm", __name__)
    making, resuming = f"{_NEW}/<int(max=99):number>", f"{PLACE}/{NAME}/resume"
    blueprint.add_url_rule(_NEW, "choose", pages.choose)
    blueprint.add_url_rule(_NEW, "begin", pages.begin, methods=["POST"])
    blueprint.add_url_rule(making, "made", pages.made)
    blueprint.add_url_rule(making, "make", pages.make, methods=["POST"])
    blueprint.add_url_rule(resuming, "waiting", pages.waiting)
    blueprint.add_url_rule(resuming, "ask", pages.ask, methods=["POST"])
    blueprint.add_url_rule(f"{resuming}/confirm", "resume", pages.resume, methods=["POST"])
    # the language switch reloads by GET what a form answered
    blueprint.add_url_rule(f"{resuming}/confirm", "resume_again", pages.again)
    return blueprint


class _ConfirmPages:
    """The views."""

    def __init__(
        self,
        services: Services,
        signing: SigningServices,
        certificates: CertificateServices,
        *,
        cookies: Cookies,
    ) -> None:
        self._services = services
        self._enrolment = signing.enrolment
        self._own = certificates.own
        self._resuming = certificates.resuming
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)
        self._fresh = timedelta(seconds=services.settings.factor_change_fresh_s)

    # -- another certificate -----------------------------------------------------------------------

    def choose(self) -> Response:
        """For whom, and what will confirm every signature."""
        replaces = request.args.get("replaces", "")
        person_id = self._person(_NEW + (f"?replaces={replaces}" if replaces.isalnum() else ""))
        if isinstance(person_id, Response):
            return person_id
        return self._choice(person_id, replaces=replaces)

    def begin(self) -> Response:
        """Fix what shall be made.  Raises CsrfFailed."""
        person_id = self._person(_NEW, is_posted=True)
        if isinstance(person_id, Response):
            return person_id
        now = self._services.time()
        replaces, raw_number = request.form.get("replaces", ""), request.form.get("owner", "")
        owners = self._own.owners(person_id, now=now)
        number = int(raw_number) if raw_number.isascii() and raw_number.isdigit() else -1
        if not 0 <= number < len(owners):
            abort(404)
        followed = None
        if replaces:
            followed = self._get(person_id, replaces)
            if followed.owner.account_id != owners[number].account_id:
                abort(404)
        chosen = request.form.get("way", "")
        try:
            if followed is not None and not followed.may_renew:
                raise CertificateActRefused("not_in_force")
            passkeys = () if chosen == BY_CODE else (decode(chosen),)
            self._enrolment.prepare(
                owners[number].signer,
                scal=2 if passkeys else 1,
                passkeys=passkeys,
                replaces=None if followed is None else followed.record.serial,
                now=now,
            )
        except (SigningError, CertificateActRefused) as refusal:
            return self._choice(person_id, replaces=replaces, problem=_problem(refusal))
        return see_other(f"{_NEW}/{number}")

    def made(self, number: int) -> Response:
        """What is about to be made."""
        person_id = self._person(f"{_NEW}/{number}")
        if isinstance(person_id, Response):
            return person_id
        return self._making(self._owner(person_id, number), number)

    def make(self, number: int) -> Response:
        """Make it.  Raises CsrfFailed."""
        person_id = self._person(f"{_NEW}/{number}", is_posted=True)
        if isinstance(person_id, Response):
            return person_id
        owner = self._owner(person_id, number)
        try:
            self._make(owner)
        except SigningError as refusal:
            return self._making(owner, number, problem=_problem(refusal))
        return see_other(f"{PLACE}?told=issued")

    def _make(self, owner: Owner) -> None:
        now = self._services.time()
        wanted = self._enrolment.find(owner.signer, now=now)
        _check_shown(wanted)
        if wanted is None or not wanted.credentials:
            self._enrolment.finish_by_code(owner.signer, code=_code(), now=now)
            return
        assertion = read_assertion()
        if assertion is None:
            raise ConfirmationRefused("passkey_missing")
        self._enrolment.finish_by_passkey(owner.signer, evidence=assertion, now=now)

    # -- a hold taken back -------------------------------------------------------------------------

    def again(self, name: str) -> Response:
        """Where the form leads when it is loaded again."""
        return see_other(f"{PLACE}/{name}/resume")

    def ask(self, name: str) -> Response:
        """Fix what shall be confirmed.  Raises CsrfFailed."""
        place = f"{PLACE}/{name}"
        person_id = self._person(place, is_posted=True)
        if isinstance(person_id, Response):
            return person_id
        try:
            self._resuming.prepare(person_id, name, now=self._services.time())
        except OwnCertificateUnknown:
            abort(404)
        except (SigningError, CertificateActRefused) as refusal:
            problem = _problem(refusal)
            note_refusal(problem)
            return see_other(f"{place}?problem={problem}")
        return see_other(f"{place}/resume")

    def waiting(self, name: str) -> Response:
        """What is about to be confirmed."""
        person_id = self._person(f"{PLACE}/{name}/resume")
        if isinstance(person_id, Response):
            return person_id
        return self._resume_page(person_id, self._get(person_id, name))

    def resume(self, name: str) -> Response:
        """Take the hold back.  Raises CsrfFailed."""
        place = f"{PLACE}/{name}"
        person_id = self._person(place, is_posted=True)
        if isinstance(person_id, Response):
            return person_id
        now, found = self._services.time(), self._get(person_id, name)
        try:
            _check_shown(self._resuming.find(person_id, found, now=now))
            self._resuming.finish(
                person_id,
                name,
                code="".join(request.form.get("otp", "").split()),
                assertion=read_assertion(),
                now=now,
            )
        except CertificateActRefused as refusal:
            problem = _problem(refusal)
            note_refusal(problem)
            return see_other(f"{place}?problem={problem}")
        except SigningError as refusal:
            return self._resume_page(person_id, found, problem=_problem(refusal))
        return see_other(f"{place}?told=resumed")

    # -- pages -------------------------------------------------------------------------------------

    def _person(self, place: str, *, is_posted: bool = False) -> AccountId | Response:
        if is_posted and not self._cookies.is_csrf_token(
            request.form.get("csrf_token"), place=PLACE
        ):
            raise CsrfFailed
        # whoever reads a page slowly is not asked to sign in again by its button
        fresh = self._fresh * 2 if is_posted else self._fresh
        session = self._sign_in.find(level=2, max_age=fresh)
        if session is None:
            return self._sign_in.begin(place, level=2, max_age=self._fresh)
        return session.account_id

    def _owner(self, person_id: AccountId, number: int) -> Owner:
        owners = self._own.owners(person_id, now=self._services.time())
        return owners[number] if number < len(owners) else abort(404)

    def _get(self, person_id: AccountId, name: str) -> OwnCertificate:
        try:
            return self._own.get(person_id, name, now=self._services.time())
        except OwnCertificateUnknown:
            abort(404)

    def _choice(
        self, person_id: AccountId, *, replaces: str, problem: str | None = None
    ) -> Response:
        owners = tuple(enumerate(self._own.owners(person_id, now=self._services.time())))
        serial = ""
        if replaces:
            followed = self._get(person_id, replaces)
            serial = grouped_serial(followed.record.serial)
            only = followed.owner.account_id
            owners = tuple(one for one in owners if one[1].account_id == only)
        browser = self._cookies.read_browser() or make_browser_token()
        page = CertificateNewPage(
            here=_NEW + (f"?replaces={replaces}" if replaces else ""),
            owners=tuple(self._ways(number, owner, problem=problem) for number, owner in owners),
            action=_NEW,
            back_url=PLACE,
            passkeys_url=PASSKEYS,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            replaces=replaces,
            serial=serial,
            problem=problem,
        )
        return self._answer(page, browser=browser, problem=problem)

    def _ways(self, number: int, owner: Owner, *, problem: str | None) -> WaysFor:
        now = self._services.time()
        try:
            if problem is None:
                self._enrolment.keep_up(owner.signer, now=now)  # what was left without one
            ways = self._enrolment.ways(owner.signer, now=now)
            why = _sentence(ways.reason) if ways.reason else ""
            shown = () if ways.reason else ways_to_enrol(ways)
        except SigningError as refusal:
            why, shown = _sentence(_problem(refusal)), ()
        return WaysFor(
            number=number,
            # pages of problems name nobody
            name=owner.name if problem is None else "",
            is_organisation=owner.is_organisation,
            ways=shown,
            why_none=why,
        )

    def _making(self, owner: Owner, number: int, *, problem: str | None = None) -> Response:
        wanted = self._enrolment.find(owner.signer, now=self._services.time())
        if wanted is None:
            return see_other(PLACE if problem is None else f"{_NEW}")
        passkey = wanted.credentials[0].credential_id if wanted.credentials else b""
        return self._confirming(
            wanted,
            act="make",
            is_organisation=owner.is_organisation,
            place=f"{_NEW}/{number}",
            action=f"{_NEW}/{number}",
            back_url=PLACE,
            passkey=_asked(wanted, rp_id=wanted.rp_id, credential_id=passkey),
            problem=problem,
        )

    def _resume_page(
        self, person_id: AccountId, found: OwnCertificate, *, problem: str | None = None
    ) -> Response:
        place = f"{PLACE}/{found.name}"
        wanted = self._resuming.find(person_id, found, now=self._services.time())
        if wanted is None:
            return see_other(place if problem is None else f"{place}?problem={problem}")
        rp_id = self._resuming.rp_id(found)
        return self._confirming(
            wanted,
            act="resume",
            is_organisation=found.owner.is_organisation,
            place=f"{place}/resume",
            action=f"{place}/resume/confirm",
            back_url=place,
            passkey=_asked(wanted, rp_id=rp_id, credential_id=wanted.credential_id),
            problem=problem,
        )

    def _confirming(
        self,
        wanted: Wanted,
        *,
        act: Literal["make", "resume"],
        is_organisation: bool,
        place: str,
        action: str,
        back_url: str,
        passkey: PasskeyAsked | None,
        problem: str | None,
    ) -> Response:
        if problem is not None:
            note_refusal(problem)
        browser = self._cookies.read_browser() or make_browser_token()
        expires_at = from_ms(wanted.expires_ms)
        page = CertificateConfirmPage(
            here=place,
            act=act,
            is_organisation=is_organisation,
            action=action,
            back_url=back_url,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            window=wanted.challenge().hex(),
            expires_at=expires_at,
            left_s=_left_s(expires_at, now=self._services.time()),
            passkey=passkey,
            problem=problem,
        )
        status = "too_many_attempts" if problem == "too_many" else problem
        return self._answer(page, browser=browser, problem=status)

    def _answer(self, page: Page, *, browser: str, problem: str | None) -> Response:
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response


def _check_shown(wanted: Wanted | None) -> None:
    """Refuse what was not on the page that was read."""
    if wanted is None:
        raise ConfirmationRefused("window_closed")
    shown = request.form.get("window", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(shown, wanted.challenge().hex().encode()):
        raise ConfirmationRefused("window_changed")


def _code() -> str:
    code = "".join(request.form.get("otp", "").split())
    if not code:
        raise ConfirmationRefused("code_missing")
    return code


def _asked(wanted: Wanted, *, rp_id: str, credential_id: bytes) -> PasskeyAsked | None:
    if not credential_id:
        return None
    return PasskeyAsked(
        challenge=encode(wanted.challenge()), rp_id=rp_id, credential_id=encode(credential_id)
    )


def _left_s(expires_at: datetime, *, now: datetime) -> int:
    return math.ceil((expires_at - now).total_seconds())


def _problem(refusal: SigningError | CertificateActRefused | CertificateRefused) -> str:
    """The key of `CERTIFICATE_PROBLEMS`: by the reason, else by the kind."""
    reason = str(getattr(refusal, "reason", ""))
    if reason in CERTIFICATE_PROBLEMS:
        return reason
    return refusal.code if refusal.code in CERTIFICATE_PROBLEMS else UNKNOWN


def _sentence(code: str) -> str:
    return translate(CERTIFICATE_PROBLEMS.get(code, CERTIFICATE_PROBLEMS[UNKNOWN]).sentence)
