"""The page `/verify` and its API: files in, answers out.

What lives here: which files are taken, who may have how many checked, and in which form the answer
goes.  A browser gets a page; whoever asks for JSON, XML or PDF by Accept gets that.  A portal that
shows who it is may have a lasting report made, and is not counted.
Source: architecture, J4 and "HTTP"; RFC 9110 §12.5.1 (Accept), §10.2.3 (Retry-After).
Not here: reading what was sent (`asked.py`), checking (`checking.py`), words (`told.py`).
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import Response, abort, request
from werkzeug.exceptions import RequestEntityTooLarge

from idp.services import Services
from idp.shown_reports import LIFETIME
from idp.validation import ValidationServices
from idp.web.headers import allow_connecting
from idp.web.i18n import translate
from idp.web.pages import render
from idp.web.request_facts import note_refusal
from idp.web.sign.shown import size_text
from idp.web.sign_door import RegisteredPortals, most_bytes_of_request
from idp.web.source import TrustedProxies
from idp.web.verify.answers import ENDINGS, JSON, PDF, XML, json_of, report_answer
from idp.web.verify.asked import MOST_FILES, Asked, read_asked
from idp.web.verify.checking import Checked, check_all
from idp.web.verify.told import tell
from idp.web.verify_pages import ShownResult, VerifyPage, VerifyResultPage
from idp.web.verify_sentences import VERIFY_PROBLEMS
from signing.errors import RequestRefused, SigningError
from signing.validation.model import DocumentReport
from signing.validation.report.json import report_members
from signing.web.ports import CallerRefused, PortalCaller

PLACE: Final = "/verify"
_HTML: Final = "text/html"
_STATUS: Final = {
    "malformed": 400,
    "length_required": 411,
    "too_large": 413,
    "unsupported_media_type": 415,
    "too_many_checks": 429,
}
_DESCRIPTIONS: Final = {
    "malformed": "the body cannot be read",
    "length_required": "a form needs its length",
    "too_large": "the files are too large",
    "unsupported_media_type": "send a form with files, or JSON",
    "too_many_checks": "too many files from this address; come back later",
    "too_many_files": "too many files at once",
    "file_missing": "there is no file in `file`",
    "digest_malformed": "a digest is `sha256`, `sha384` or `sha512` in hexadecimal digits",
}
_LATER: Final = frozenset({"busy", "not_started"})
_RETRY_S: Final = 5


@dataclass(frozen=True, slots=True)
class VerifyViews:
    """The views of `/verify`."""

    services: Services
    validation: ValidationServices
    proxies: TrustedProxies
    portals: RegisteredPortals

    def form(self) -> Response:
        """The page to choose files on."""
        return _page(self._form_page())

    def check(self) -> Response:
        """Check what was sent."""
        wanted = wanted_form()
        try:
            with ExitStack() as held:
                caller = self._caller()
                asked = read_asked(
                    request, max_bytes=most_bytes_of_request(self.services.settings), held=held
                )
                self._admit(asked, caller)
                checked = check_all(asked, check=self.validation.check, now=self.services.time())
        except RequestEntityTooLarge:
            return self._refused("too_large", wanted)
        except CallerRefused as refused:
            return _challenge(refused)
        except RequestRefused as refused:
            return self._refused(refused.reason, wanted)
        except _TooMany as refused:
            response = self._refused("too_many_checks", wanted)
            response.headers["Retry-After"] = str(refused.wait_s)
            return response
        return self._answer(checked, wanted, caller=caller, keep=asked.keep)

    def report(self, report_id: str, form: str) -> Response:
        """A report that was shown, or one that is kept for the portal that asks."""
        if form not in ENDINGS:
            abort(404)
        now = self.services.time()
        found = self.validation.shown.find(report_id, now=now)
        if found is None and request.headers.get("Authorization"):
            try:
                caller = self.portals.authenticate(request.headers["Authorization"], now=now)
            except CallerRefused as refused:
                return _challenge(refused)
            found = self.validation.kept.find(report_id, client_id=caller.client_id, now=now)
        if found is None:
            abort(404)
        return self._in_form(found, form)

    # -- who may, and how much

    def _caller(self) -> PortalCaller | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        return self.portals.authenticate(header, now=self.services.time())

    def _admit(self, asked: Asked, caller: PortalCaller | None) -> None:
        if caller is not None:
            return
        address = self.proxies.client_address(
            request.remote_addr or "", forwarded_for=request.headers.get("X-Forwarded-For")
        )
        wait_s = self.validation.limits.admit(
            address, files=len(asked.files), now=self.services.time()
        )
        if wait_s:
            raise _TooMany(wait_s)

    # -- answers

    def _answer(
        self,
        checked: tuple[Checked, ...],
        wanted: str,
        *,
        caller: PortalCaller | None,
        keep: bool,
    ) -> Response:
        if wanted == _HTML:
            response = self._result_page(checked)
        elif wanted == JSON:
            response = self._members(checked, caller=caller, keep=keep)
        elif len(checked) != 1:
            return self._refused("too_many_files", JSON)
        else:
            response = self._in_form(checked[0].report, "xml" if wanted == XML else "pdf")
        if any(_is_for_later(one.report) for one in checked):
            response.status_code = 503
            response.headers["Retry-After"] = str(_RETRY_S)
        return response

    def _members(
        self, checked: tuple[Checked, ...], *, caller: PortalCaller | None, keep: bool
    ) -> Response:
        reports: list[dict[str, Any]] = []
        for one in checked:
            members = report_members(one.report)
            if keep and caller is not None:
                kept = self.validation.kept.keep(
                    one.report, client_id=caller.client_id, now=self.services.time()
                )
                members["kept"] = {
                    "report_id": kept.report_id,
                    "until": kept.kept_until.isoformat(timespec="seconds").replace("+00:00", "Z"),
                }
            reports.append(members)
        return json_of(reports[0] if len(reports) == 1 else {"reports": reports})

    def _result_page(self, checked: tuple[Checked, ...]) -> Response:
        now = self.services.time()
        results = []
        for number, one in enumerate(checked, 1):
            told = tell(one.report, say=translate)
            report_id = self.validation.shown.keep(one.report, now=now)
            results.append(
                ShownResult(
                    number=number,
                    told=replace(told, name=told.name or translate("Tệp không có tên")),
                    size=size_text(told.size),
                    report_url=None if report_id is None else f"{PLACE}/reports/{report_id}",
                    has_pdf=self.validation.seal is not None,
                    others=one.others,
                )
            )
        page = VerifyResultPage(
            here=PLACE,
            results=tuple(results),
            signed_action=f"{PLACE}/signed",
            report_minutes=int(LIFETIME.total_seconds() // 60),
        )
        return _page(page)

    def _in_form(self, report: DocumentReport, form: str) -> Response:
        try:
            answer = report_answer(
                report, form=form, services=self.services, validation=self.validation
            )
        except SigningError as failure:
            note_refusal(failure.code)
            response = json_of({"error": "temporarily_unavailable"}, status=503)
            response.headers["Retry-After"] = str(_RETRY_S)
            return response
        if answer is None:
            abort(404)
        return answer

    def refuse_page(self, problem: str, *, status: int = 422) -> Response:
        """The form again, with a problem."""
        note_refusal(problem)
        return _page(self._form_page(problem=problem), status=status)

    def _refused(self, reason: str, wanted: str) -> Response:
        status = _STATUS.get(reason, 422)
        if wanted == _HTML:
            shown = reason if reason in VERIFY_PROBLEMS else "malformed"
            return self.refuse_page(shown, status=status)
        note_refusal(reason)
        said = _DESCRIPTIONS.get(reason, "the request cannot be read")
        return json_of({"error": reason, "error_description": said}, status=status)

    def _form_page(self, *, problem: str | None = None) -> VerifyPage:
        settings = self.services.settings
        return VerifyPage(
            here=PLACE,
            action=PLACE,
            most_mib=settings.document_mib,
            most_files=MOST_FILES,
            problem=problem,
        )


class _TooMany(Exception):
    """Too many files came from one address."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


def wanted_form() -> str:
    """In which form the answer is wanted; a page for whoever does not say.

    Source  RFC 9110 §12.5.1.
    """
    accepted = request.accept_mimetypes
    if not accepted:
        return JSON if request.mimetype == JSON else _HTML
    if request.mimetype == JSON and _HTML not in {named for named, _ in accepted}:
        return accepted.best_match([JSON, XML, PDF], default=JSON)
    return accepted.best_match([_HTML, JSON, XML, PDF], default=_HTML)


def _is_for_later(report: DocumentReport) -> bool:
    found = (*report.conclusion.reasons, *report.findings)
    return not report.signatures and any(one.code in _LATER for one in found)


def _challenge(refused: CallerRefused) -> Response:
    note_refusal(refused.error)
    said = "an access token for signing is needed, or none"
    response = json_of({"error": refused.error, "error_description": said}, status=refused.status)
    response.headers["WWW-Authenticate"] = refused.challenge
    return response


def _page(page: VerifyPage | VerifyResultPage, *, status: int = 200) -> Response:
    allow_connecting()
    return Response(render(page), status=status, mimetype=_HTML)
