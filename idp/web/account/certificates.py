"""The person's signing certificates: the list, one of them, its files; putting on hold, revoking.

What lives here: `/account/certificates`.  Reading and putting on hold takes a sign-in, which for
the latter is not old: whoever suspects a misuse shall not have to look for a telephone first, and
what a stranger puts on hold, the holder takes back.  Revoking is final and takes two factors within
the last minutes.
Source: architecture, J5 and decisions 10 and 11; RFC 5280 §5.3.1.
Not here: what an act is (`idp/own_certificates.py`), another certificate (`certificate_new.py`),
taking a hold back (`certificate_resume.py`), where keys were used (`key_uses.py`).
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Final

from flask import Blueprint, Response, abort, request

from idp.certificate_services import CertificateServices
from idp.ids import AccountId
from idp.own_certificates import (
    HOLDER_REASONS,
    CertificateActRefused,
    OwnCertificate,
    OwnCertificateUnknown,
    Standing,
)
from idp.services import Services
from idp.web.account.certificate_shown import CertificatesShown, grouped_serial
from idp.web.answer import see_other
from idp.web.certificate_pages import (
    CertificatePage,
    CertificateRevokePage,
    CertificatesPage,
)
from idp.web.certificate_sentences import CERTIFICATE_PROBLEMS, REVOCATION_REASONS
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.i18n import translate
from idp.web.own_sign_in import OwnSignIn
from idp.web.pages import Page
from idp.web.request_facts import note_refusal
from keystore.pki.model import RevocationReason

PLACE: Final = "/account/certificates"
SIGNATURES: Final = "/account/signatures"
NAME: Final = "<string(length=36):name>"
_TOLD: Final = frozenset({"suspended", "resumed", "revoked"})
_FILES: Final = {
    "certificate.pem": "application/x-pem-file",
    "certificate.der": "application/pkix-cert",
    "chain.pem": "application/x-pem-file",
}
_LINE: Final = 64


def make_certificates(
    services: Services, certificates: CertificateServices, *, cookies: Cookies
) -> Blueprint:
    """The blueprint of `/account/certificates`."""
    pages = _CertificatePages(services, certificates, cookies=cookies)
    blueprint = Blueprint("certificates", __name__)
    one = f"{PLACE}/{NAME}"
    blueprint.add_url_rule(PLACE, "show", pages.show)
    blueprint.add_url_rule(one, "one", pages.one)
    blueprint.add_url_rule(f"{one}/<any({','.join(map(repr, _FILES))}):file>", "file", pages.file)
    blueprint.add_url_rule(f"{one}/suspend", "suspend", pages.suspend, methods=["POST"])
    # the language switch reloads by GET what a form answered
    blueprint.add_url_rule(f"{one}/suspend", "suspend_again", pages.back)
    blueprint.add_url_rule(f"{one}/revoke", "ask", pages.ask)
    blueprint.add_url_rule(f"{one}/revoke", "revoke", pages.revoke, methods=["POST"])
    return blueprint


class _CertificatePages:
    """The views."""

    def __init__(
        self, services: Services, certificates: CertificateServices, *, cookies: Cookies
    ) -> None:
        self._services = services
        self._own = certificates.own
        self._shown = CertificatesShown(services.passkeys)
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)
        self._fresh = timedelta(seconds=services.settings.factor_change_fresh_s)

    def show(self) -> Response:
        """The list."""
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(PLACE)
        account = self._services.people.find_account(session.account_id)
        if account is None:
            abort(404)
        found = self._own.list_of(session.account_id, now=self._services.time())
        page = CertificatesPage(
            here=PLACE,
            name=account.profile.name,
            certificates=self._shown.many(found, person_id=session.account_id),
            new_url=f"{PLACE}/new",
            signatures_url=SIGNATURES,
            told="issued" if request.args.get("told") == "issued" else "",
        )
        return page_answer(page)

    def one(self, name: str) -> Response:
        """One, and what can be done."""
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(_place(name))
        found = self._get(session.account_id, name)
        browser = self._cookies.read_browser() or make_browser_token()
        place, standing = _place(name), found.standing
        is_live = standing in {Standing.IN_FORCE, Standing.SUSPENDED}
        problem = request.args.get("problem")
        told = request.args.get("told", "")
        page = CertificatePage(
            here=place,
            certificate=self._shown.many((found,), person_id=session.account_id)[0],
            pem_url=f"{place}/certificate.pem",
            der_url=f"{place}/certificate.der",
            chain_url=f"{place}/chain.pem",
            uses_url=f"{place}/uses",
            renew_url=f"{PLACE}/new?replaces={name}" if found.may_renew else "",
            suspend_action=f"{place}/suspend" if standing is Standing.IN_FORCE else "",
            resume_action=f"{place}/resume" if found.may_resume else "",
            revoke_url=f"{place}/revoke" if is_live and found.owner.may_end else "",
            back_url=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            is_held_by_others=standing is Standing.SUSPENDED and not found.may_resume,
            is_key_gone=is_live and found.key is not None and found.key.destroyed_at is not None,
            told=told if told in _TOLD else "",
            problem=problem if problem in CERTIFICATE_PROBLEMS else None,
        )
        return self._answer(page, browser=browser)

    def file(self, name: str, file: str) -> Response:
        """The certificate as a program reads it, alone or with its authorities."""
        session = self._sign_in.find()
        if session is None:
            return self._sign_in.begin(_place(name))
        try:
            chain = self._own.open(self._get(session.account_id, name))
        except OwnCertificateUnknown:
            abort(404)
        if file == "certificate.der":
            body = chain[0]
        else:
            wanted = chain if file == "chain.pem" else chain[:1]
            body = "".join(map(_pem, wanted)).encode()
        response = Response(body, mimetype=_FILES[file])
        response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
        return response

    def back(self, name: str) -> Response:
        """Where a form of one certificate leads when it is loaded again."""
        return see_other(_place(name))

    def suspend(self, name: str) -> Response:
        """Put it on hold: one press.  Raises CsrfFailed."""
        self._check_form()
        session = self._sign_in.find(max_age=self._fresh * 2)
        if session is None:
            return self._sign_in.begin(_place(name), max_age=self._fresh)
        try:
            self._own.suspend(session.account_id, name, now=self._services.time())
        except OwnCertificateUnknown:
            abort(404)
        except CertificateActRefused as refusal:
            return _refused(name, refusal.reason)
        return see_other(f"{_place(name)}?told=suspended")

    def ask(self, name: str) -> Response:
        """Why, and once more."""
        session = self._sign_in.find(level=2, max_age=self._fresh)
        if session is None:
            return self._begin(name)
        return self._revoke_page(self._get(session.account_id, name))

    def revoke(self, name: str) -> Response:
        """End it for good.  Raises CsrfFailed."""
        self._check_form()
        # whoever reads the page slowly is not asked to sign in again by its button
        session = self._sign_in.find(level=2, max_age=self._fresh * 2)
        if session is None:
            return self._begin(name)
        found = self._get(session.account_id, name)
        raw_reason = request.form.get("reason", "")
        if raw_reason not in HOLDER_REASONS:
            return self._revoke_page(found, problem="reason_missing")
        try:
            self._own.revoke(
                session.account_id,
                name,
                reason=RevocationReason(raw_reason),
                now=self._services.time(),
            )
        except CertificateActRefused as refusal:
            return _refused(name, refusal.reason)
        return see_other(f"{_place(name)}?told=revoked")

    def _begin(self, name: str) -> Response:
        return self._sign_in.begin(f"{_place(name)}/revoke", level=2, max_age=self._fresh)

    def _get(self, person_id: AccountId, name: str) -> OwnCertificate:
        try:
            return self._own.get(person_id, name, now=self._services.time())
        except OwnCertificateUnknown:
            abort(404)

    def _check_form(self) -> None:
        if not self._cookies.is_csrf_token(request.form.get("csrf_token"), place=PLACE):
            raise CsrfFailed

    def _revoke_page(self, found: OwnCertificate, *, problem: str | None = None) -> Response:
        if problem is not None:
            note_refusal(problem)
        browser = self._cookies.read_browser() or make_browser_token()
        place = _place(found.name)
        page = CertificateRevokePage(
            here=f"{place}/revoke",
            serial=grouped_serial(found.record.serial),
            reasons=tuple(
                (one.value, translate(REVOCATION_REASONS[one])) for one in HOLDER_REASONS
            ),
            action=f"{place}/revoke",
            back_url=place,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            problem=problem,
        )
        return self._answer(page, browser=browser, problem=problem)

    def _answer(self, page: Page, *, browser: str, problem: str | None = None) -> Response:
        response = page_answer(page, problem=problem)
        self._cookies.ensure_browser(response, browser)
        return response


def _place(name: str) -> str:
    return f"{PLACE}/{name}"


def _refused(name: str, reason: str) -> Response:
    note_refusal(f"certificate_{reason}")
    return see_other(f"{_place(name)}?problem={reason}")


def _pem(der: bytes) -> str:
    """RFC 7468 §5."""
    text = base64.b64encode(der).decode("ascii")
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))
