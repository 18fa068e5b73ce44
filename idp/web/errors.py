"""Errors that a person or a program sees: from an exception to a sentence and a next step.

What lives here: one table from error codes to kinds of page.  Public text never contains private
detail; both sides are found again by the reference, which is the request's id.  An unknown
exception is a fixed sentence.  Programs get the same as JSON at the endpoints they call.
Source: RFC 6749 §5.2; RFC 9110 §10.2.3 (Retry-After).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from idp.errors import AntinError, StorageUnavailable
from idp.oauth.errors import InvalidRequest, MalformedParameters
from idp.web.direct import json_answer
from idp.web.pages import ErrorKind, ErrorPage, render
from idp.web.request_facts import current_request_id, note_refusal

_PAGES: Final[Mapping[str, tuple[ErrorKind, int]]] = MappingProxyType(
    {
        "unknown_client": ("unknown_client", 400),
        "redirect_uri_mismatch": ("redirect_uri_mismatch", 400),
        "interaction_expired": ("interaction_expired", 410),
        "other_browser": ("other_browser", 403),
        "csrf_failed": ("csrf_failed", 403),
        "invalid_request": ("invalid_request", 400),
        # a duty that ended between the door and the act: as at the door, there is no such page
        "not_an_official": ("not_found", 404),
        "temporarily_unavailable": ("storage_unavailable", 503),
    }
)
_HTTP_PAGES: Final[Mapping[int, ErrorKind]] = MappingProxyType(
    {
        400: "invalid_request",
        404: "not_found",
        405: "method_not_allowed",
        411: "invalid_request",
        413: "too_large",
        429: "rate_limited",
        503: "storage_unavailable",
    }
)
_DETAILS: Final[Mapping[int, str]] = MappingProxyType({411: "no_length"})
_DIRECT: Final = frozenset({"/token", "/revoke", "/introspect", "/userinfo"})
_PORTAL_API: Final = "/sign/requests"
_BOTH: Final = frozenset({"/verify"})
"""A page for browsers, JSON for programs that ask for it."""
_SENTENCES: Final[Mapping[ErrorKind, str]] = MappingProxyType(
    {
        "storage_unavailable": "the service is interrupted; try again in a few seconds",
        "method_not_allowed": "this endpoint does not take that method",
        "too_large": "the body is too large",
        "server_error": "something went wrong here; it has been noted under the request id",
    }
)
_MALFORMED: Final = "the request cannot be read"
_PORTAL_CODES: Final[Mapping[int, str]] = MappingProxyType({411: "length_required"})
_RETRY_AFTER_S: Final = "5"

_log = structlog.get_logger("antin.web")


def install_errors(app: Flask) -> None:
    """Give an application its error pages."""

    @app.errorhandler(AntinError)
    def ours(error: AntinError) -> Response:
        kind, status = _PAGES.get(error.code, ("server_error", 500))
        note_refusal(error.code)
        detail = ""
        if isinstance(error, StorageUnavailable):
            # one line for every request that comes meanwhile: no trace
            _log.warning("store_unavailable", reason=type(error.__cause__).__name__)
        elif status >= 500:
            _log.error("refused", code=error.code, exc_info=error)
        if isinstance(error, MalformedParameters):
            detail = error.detail
            status = 413 if detail == "too_large" else status
        elif isinstance(error, InvalidRequest):
            detail = error.description if error.description.isidentifier() else ""
        return refusal_answer(kind, status, detail=detail)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        response = refusal_answer(_kind_of(status), status)
        allowed = getattr(error, "valid_methods", None)
        if status == 405 and allowed:
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> Response:
        note_refusal("server_error")
        _log.error("unexpected", exc_info=error)
        return refusal_answer("server_error", 500)


def refuse_early(
    app: Flask, environ: dict[str, Any], start_response: Any, *, status: int
) -> Iterable[bytes]:
    """Answer a request with an error page although no view was asked, and nothing was read."""
    with app.request_context(environ):
        response = app.process_response(
            refusal_answer(_kind_of(status), status, detail=_DETAILS.get(status, ""))
        )
        return [b"".join(response(environ, start_response))]


def refusal_answer(kind: ErrorKind, status: int, *, detail: str = "") -> Response:
    """A page, or JSON where programs ask."""
    path = request.path.rstrip("/")
    is_portal = path == _PORTAL_API or path.startswith(f"{_PORTAL_API}/")
    if path in _DIRECT or is_portal or (path in _BOTH and not _wants_a_page()):
        code = "temporarily_unavailable" if status == 503 else "server_error"
        if status < 500:
            code = "invalid_request" if path in _DIRECT else _PORTAL_CODES.get(status, kind)
        sentence = _SENTENCES.get(kind, _MALFORMED)
        answer = json_answer(status, {"error": code, "error_description": sentence})
        response = Response(answer.body, status=status, headers=[*answer.headers])
    else:
        page = ErrorPage(kind=kind, reference=current_request_id(), detail=detail)
        response = Response(render(page), status=status, mimetype="text/html")
    if status == 503:
        response.headers["Retry-After"] = _RETRY_AFTER_S
    return response


def _wants_a_page() -> bool:
    accepted = request.accept_mimetypes
    return not accepted or accepted.best_match(["text/html", "application/json"]) == "text/html"


def _kind_of(status: int) -> ErrorKind:
    return _HTTP_PAGES.get(status, "server_error" if status >= 500 else "invalid_request")
