"""Endpoints of the keystore as a server of their own, without pages, accounts or sessions.

What lives here: the outermost WSGI application of a process that serves nothing else: health, and
what `ByteEndpoints` answers.  Source: PEP 3333; architecture, "Processes".
Not here: what they answer (`keystore/web`); the front of the provider (`front.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

import structlog

from idp.web.endpoints import ByteEndpoints
from idp.web.health import Health

_ALWAYS: Final = (("X-Content-Type-Options", "nosniff"), ("Server", "antin"))
_PLAIN: Final = (("Content-Type", "text/plain"), ("Cache-Control", "no-store"))
_log = structlog.get_logger("antin.web")


class ByteFront:
    """Takes   health: readiness of this process; time: the time now."""

    def __init__(
        self, endpoints: ByteEndpoints, *, health: Health, time: Callable[[], datetime]
    ) -> None:
        self._endpoints = endpoints
        self._health = health
        self._time = time

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request; what goes wrong unexpectedly is logged and says nothing outside."""
        try:
            status, headers, body = self._answer(environ)
        except Exception as error:  # noqa: BLE001 - nothing of it may reach the client
            _log.error("unexpected", exc_info=error)
            status, headers, body = "500 Internal Server Error", _PLAIN, b"error\n"
        start_response(status, [*headers, *_ALWAYS])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[str, tuple[tuple[str, str], ...], bytes]:
        path: str = environ["PATH_INFO"]
        found = self._endpoints.find(path)
        if found is not None:
            given = self._endpoints.answer(found.endpoint, environ, now=self._time())
            return given.status, given.headers, given.body
        if path == "/healthz":
            return "200 OK", _PLAIN, b"ok\n"
        if path == "/readyz":
            if self._health.is_ready():
                return "200 OK", _PLAIN, b"ready\n"
            return "503 Service Unavailable", _PLAIN, b"unavailable\n"
        return "404 Not Found", _PLAIN, b"not found\n"
