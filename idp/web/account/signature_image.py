"""What the person's signature looks like on paper: seen, set from a photograph, removed.

What lives here: `/account/signature-image`.  It takes a sign-in with two factors: the image proves
nothing, but it is what people look at.  What is kept is shown; a photograph is kept nowhere.
Source: NĐ 30/2020/NĐ-CP Annex I II.7d; architecture, J5; RFC 7578.
Not here: how it is found on the paper (`signing/parsing/signature_photo`), organisations'
seals, which an operator sets.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import RequestEntityTooLarge

from idp.accounts.model import AccountKind
from idp.accounts.people import AccountRow
from idp.services import Services
from idp.signing import SigningServices
from idp.web.answer import see_other
from idp.web.cookies import Cookies, make_browser_token
from idp.web.flow import CsrfFailed, page_answer
from idp.web.own_sign_in import OwnSignIn
from idp.web.request_facts import note_refusal
from idp.web.signature_image_pages import SignatureImagePage, SignatureImageProblem, Told
from idp.web.signature_image_sentences import SIGNATURE_IMAGE_PROBLEMS
from signing.errors import DocumentRefused, ParsingFailed, RequestRefused
from signing.isolation.blob import Blob
from signing.web.form_files import UploadedForm, read_files

PLACE: Final = "/account/signature-image"
MOST_MIB: Final = 12
_WORDS: Final = 64 * 1024
_LEVEL: Final = 2
_MOST_AN_HOUR: Final = 20
_HOUR: Final = timedelta(hours=1)
_STATUS: Final[Mapping[str, int]] = {"too_large": 413, "too_many": 429, "busy": 503}
_TOLD: Final[Mapping[str, Told]] = {"set": "set", "removed": "removed"}


def make_signature_image(
    services: Services, signing: SigningServices, *, cookies: Cookies
) -> Blueprint:
    """The blueprint of `/account/signature-image`."""
    page = _SignatureImagePage(services, signing, cookies=cookies)
    blueprint = Blueprint("signature_image", __name__)
    blueprint.add_url_rule(PLACE, "show", page.show)
    blueprint.add_url_rule(PLACE, "change", page.change, methods=["POST"])
    return blueprint


class _SignatureImagePage:
    """The views."""

    def __init__(self, services: Services, signing: SigningServices, *, cookies: Cookies) -> None:
        self._services = services
        self._images = signing.images
        self._cookies = cookies
        self._sign_in = OwnSignIn(services, cookies=cookies)

    def show(self) -> Response:
        """The image that there is, and the form."""
        person = self._person()
        return self._page(person) if isinstance(person, AccountRow) else person

    def change(self) -> Response:
        """Take a photograph, or forget the image.  Raises CsrfFailed."""
        person = self._person()  # before a body of megabytes is read
        if not isinstance(person, AccountRow):
            return person
        now = self._services.time()
        with ExitStack() as held:
            try:
                form = self._read(held)
            except RequestEntityTooLarge:
                return self._refused(person, "too_large")
            except RequestRefused:
                return self._refused(person, "malformed")
            if not self._cookies.is_csrf_token(form.texts.get("csrf_token"), place=PLACE):
                raise CsrfFailed
            if form.texts.get("decision") == "remove":
                self._images.remove_image(person.account_id, now=now)
                return see_other(f"{PLACE}?told=removed")
            photos = form.files.get("photo", ())
            if not photos or not photos[0].content.size:
                return self._refused(person, "nothing_chosen")
            problem = self._keep(person, photos[0].content, now=now)
        return see_other(f"{PLACE}?told=set") if problem is None else self._refused(person, problem)

    def _person(self) -> AccountRow | Response:
        found = self._sign_in.find_person(level=_LEVEL)
        if found is None:
            return self._sign_in.begin(PLACE, level=_LEVEL)
        if found[1].kind is AccountKind.ORGANISATION:
            abort(404)
        return found[1]

    def _read(self, held: ExitStack) -> UploadedForm:
        return read_files(request, max_bytes=(MOST_MIB << 20) + _WORDS, most_files=1, held=held)

    def _keep(
        self, person: AccountRow, photo: Blob, *, now: datetime
    ) -> SignatureImageProblem | None:
        counted = self._services.ephemeral.count(
            f"signature_image:{person.account_id}", window=_HOUR, now=now
        )
        if counted > _MOST_AN_HOUR:
            return "too_many"
        try:
            self._images.set_from_photo(person.account_id, photo, now=now)
        except DocumentRefused as refusal:
            return _problem(refusal.reason)
        except ParsingFailed as failure:
            return "busy" if failure.reason in {"busy", "not_started"} else "photo_damaged"
        return None

    def _refused(self, person: AccountRow, problem: SignatureImageProblem) -> Response:
        note_refusal(f"signature_image_{problem}")
        return self._page(person, problem=problem)

    def _page(
        self, person: AccountRow, *, problem: SignatureImageProblem | None = None
    ) -> Response:
        browser = self._cookies.read_browser() or make_browser_token()
        found = self._images.find_image(person.account_id)
        told = _TOLD.get(request.args.get("told", ""), "")
        page = SignatureImagePage(
            here=PLACE,
            action=PLACE,
            csrf_token=self._cookies.csrf_token(browser, place=PLACE),
            most_mib=MOST_MIB,
            image_uri=""
            if found is None
            else f"data:image/png;base64,{b64encode(found.png).decode('ascii')}",
            told="" if problem else told,
            problem=problem,
        )
        status = _STATUS.get(problem or "", 400 if problem else 200)
        response = page_answer(page, status=status)
        self._cookies.ensure_browser(response, browser)
        return response


def _problem(reason: str) -> SignatureImageProblem:
    # what was cut out is checked as every image is: it can only be too pale, or nothing
    return reason if reason in SIGNATURE_IMAGE_PROBLEMS else "photo_nothing_on_it"  # type: ignore[return-value]  # of that table's keys
