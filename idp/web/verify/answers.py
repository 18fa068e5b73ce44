"""A report as an answer over HTTP: JSON, XML, or a sealed PDF.

What lives here: forms, media types and headers of downloads.  A report names people: nobody may
keep it in a cache, and no browser shows it as a page of ours.
Source: RFC 6266, RFC 8187 (names); RFC 9530 (Repr-Digest); ETSI TS 119 102-2 §4.5.
Not here: the page.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import msgspec
from flask import Response

from idp.services import Services
from idp.validation import ValidationServices
from idp.web.i18n import language, translate
from idp.web.request_facts import note_refusal
from idp.web.sentences import N_
from idp.web.verify.report_words import report_words
from idp.web.verify.told import tell
from signing.errors import SigningError
from signing.validation.model import DocumentReport
from signing.validation.report.etsi_xml import report_xml
from signing.validation.report.json import report_json
from signing.web.document_answer import answer_document

JSON: Final = "application/json"
XML: Final = "application/xml"
PDF: Final = "application/pdf"
ENDINGS: Final = {"json": JSON, "xml": XML, "pdf": PDF}
_ALONE: Final = "default-src 'none'; sandbox"


def json_of(body: Any, *, status: int = 200) -> Response:
    """Members as JSON that nobody may keep."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    response = Response(raw, status=status, mimetype=JSON)
    response.headers["Cache-Control"] = "no-store"
    return response


def _xml(report: DocumentReport, services: Services, validation: ValidationServices) -> bytes:
    """The XML, signed where somebody can: the standard lets it be without."""
    raw = report_xml(report)
    if validation.seal is None:
        return raw
    try:
        return validation.seal.seal_xml(raw, is_sandbox=services.is_sandbox, now=services.time())
    except SigningError as failure:
        note_refusal(failure.code)
        return raw


def report_answer(
    report: DocumentReport, *, form: str, services: Services, validation: ValidationServices
) -> Response | None:
    """The report in one of its forms, as a download; None for a PDF where nothing seals.

    Raises  SealUnavailable; ParsingFailed.
    """
    stem = (report.name or "report").rpartition("/")[2]
    if form == "pdf":
        if validation.seal is None:
            return None
        told = tell(report, say=translate)
        words = report_words(
            told, say=translate, language=language(), issuer=services.settings.issuer
        )
        sealed = validation.seal.seal(
            words,
            name=f"{translate(N_('Kết quả kiểm tra'))} {stem}.pdf",
            is_sandbox=services.is_sandbox,
            now=services.time(),
        )
        response = answer_document(
            sealed, name=f"{translate(N_('Kết quả kiểm tra'))} {stem}.pdf", media_type=PDF
        )
    else:
        raw = report_json(report) if form == "json" else _xml(report, services, validation)
        response = Response(raw, mimetype=ENDINGS[form])
        name = quote(f"{stem}.report.{form}", safe="")
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = _ALONE
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
