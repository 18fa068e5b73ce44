"""Errors that a person sees: from an exception to a page with a sentence and a next step.

What lives here: one table from error codes to kinds of page.  Public text never contains private
detail; both sides are found again by the reference.  An unknown exception is a fixed sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from idp.errors import AntinError
from idp.oauth.errors import InvalidRequest, MalformedParameters
from idp.web.authlib_server import json_answer
from idp.web.pages import ErrorKind, ErrorPage, render

_PAGES: Final[Mapping[str, tuple[ErrorKind, int]]] = MappingProxyType(
    {
        "unknown_client": ("unknown_client", 400),
        "redirect_uri_mismatch": ("redirect_uri_mismatch", 400),
        "interaction_expired": ("interaction_expired", 410),
        "other_browser": ("other_browser", 403),
        "csrf_failed": ("csrf_failed", 403),
        "invalid_request": ("invalid_request", 400),
        "temporarily_unavailable": ("storage_unavailable", 503),
    }
)
_HTTP_PAGES: Final[Mapping[int, ErrorKind]] = MappingProxyType(
    {404: "not_found", 405: "method_not_allowed", 413: "too_large", 400: "invalid_request"}
)
_DIRECT: Final = frozenset({"/token", "/revoke", "/introspect", "/userinfo"})
_RETRY_AFTER_S: Final = "5"

_log = structlog.get_logger(__name__)


def install_errors(app: Flask) -> None:
    """Give an application its error pages."""

    @app.errorhandler(AntinError)
    def ours(error: AntinError) -> Response:
        kind, status = _PAGES.get(error.code, ("server_error", 500))
        if status >= 500:
            _log.error("refused", code=error.code, error=type(error).__name__, exc_info=error)
        detail = ""
        if isinstance(error, MalformedParameters):
            detail = error.detail
            status = 413 if detail == "too_large" else status
        elif isinstance(error, InvalidRequest):
            detail = error.description if error.description.isidentifier() else ""
        return answer(kind, status, detail=detail)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        kind = _HTTP_PAGES.get(status, "server_error" if status >= 500 else "invalid_request")
        response = answer(kind, status)
        if status == 405 and getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
        return response

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> Response:
        _log.error("unexpected", error=type(error).__name__, exc_info=error)
        return answer("server_error", 500)

    def answer(kind: ErrorKind, status: int, *, detail: str = "") -> Response:
        if request.path in _DIRECT:
            code = "temporarily_unavailable" if status == 503 else "server_error"
            if status < 500:
                code = "invalid_request"
            response = json_answer(status, {"error": code, "error_description": kind})
        else:
            page = ErrorPage(kind=kind, reference=g.get("request_id", ""), detail=detail)
            response = Response(render(page), status=status, mimetype="text/html")
        if status == 503:
            response.headers["Retry-After"] = _RETRY_AFTER_S
        return response
