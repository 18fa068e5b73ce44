"""What stands before Flask in every worker.

What lives here: the outermost WSGI application.  In this order it takes the process's own variables
out of the request, gives it an id, refuses what must not be read, answers what never changes, hands
on the rest, and counts.  Headers that every answer carries are added here, the page's own in
`idp/web/headers.py`.  Source: PEP 3333; RFC 6797 §7.1 (HSTS over https only).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, Final

import structlog
from flask import Flask

from idp.metrics import Metrics
from idp.oauth.parameters import MAX_BYTES
from idp.services import Services
from idp.web.account.signature_image import PLACE as SIGNATURE_IMAGE
from idp.web.endpoints import ByteEndpoints
from idp.web.errors import refuse_early
from idp.web.health import Health
from idp.web.intake import find_fault
from idp.web.request_facts import RequestFacts, RequestIds, begin_request, end_request
from idp.web.sign_door import PORTAL_API, most_bytes_of_request
from idp.web.source import TrustedProxies
from idp.web.standing import Standing, StandingAnswers
from idp.web.verify.views import PLACE as VERIFY

StartResponse = Callable[..., Any]

_DOCUMENTS: Final = ("/sign/", "/verify")
"""Below these an answer may be too large to be put together in memory."""
_IN_ONE_PIECE: Final = 1 << 20
_SIZE: Final = "antin.size"
"""Where a request carries how long its answer says to be."""
_UPLOADS: Final = frozenset({PORTAL_API, VERIFY, f"{VERIFY}/signed", SIGNATURE_IMAGE})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})
_log = structlog.get_logger("antin.web")


class Front:
    """The outermost WSGI application of a worker.

    Takes   metrics: where to count, or None; health: readiness of this process; endpoints: of the
            keystore, where this process serves any.
    """

    def __init__(
        self,
        app: Flask,
        *,
        services: Services,
        metrics: Metrics | None = None,
        health: Health | None = None,
        endpoints: ByteEndpoints | None = None,
    ) -> None:
        settings = services.settings
        self._app = app
        self._metrics = metrics
        self._is_logged = settings.access_log
        self._ids = RequestIds(TrustedProxies(settings.trusted_proxies))
        self._standing = StandingAnswers(services, health=health or make_health(services))
        self._endpoints = endpoints or ByteEndpoints({})
        self._time = services.time
        self._most_of_documents = most_bytes_of_request(settings)
        # the server merges the process's variables into every request
        self._foreign = tuple(os.environ)
        self._always = [("X-Content-Type-Options", "nosniff"), ("Server", "antin")]
        if settings.is_https:
            hsts = "max-age=63072000; includeSubDomains"
            self._always.append(("Strict-Transport-Security", hsts))

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        began = perf_counter()
        for name in self._foreign:
            environ.pop(name, None)
        facts = RequestFacts(self._ids.choose(environ))
        token = begin_request(facts)

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            facts.status = int(status[:3])
            environ[_SIZE] = _size_of(headers)
            # Flask takes its request away when it is done
            rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
            if rule is not None:
                facts.route = rule.rule
            headers += self._always
            headers.append(("X-Request-Id", facts.request_id))
            return start_response(status, headers)

        path: str = environ["PATH_INFO"]
        try:
            standing = self._standing.find(path, method=environ["REQUEST_METHOD"])
            if standing is not None:
                facts.route = path
                return _give(standing, start, has_body=environ["REQUEST_METHOD"] != "HEAD")
            found = self._endpoints.find(path)
            if found is not None:
                facts.route = f"/{found.place}"
                given = self._endpoints.answer(found.endpoint, environ, now=self._time())
                return _give(given, start, has_body=environ["REQUEST_METHOD"] != "HEAD")
            return self._ask_app(environ, start)
        except Exception as error:  # noqa: BLE001 - nothing of it may reach the client
            _log.error("unexpected", exc_info=error)
            return _fail(start)
        finally:
            self._count(environ, facts, seconds=perf_counter() - began)
            end_request(token)

    def _ask_app(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        most_bytes = self._most_of_documents if path in _UPLOADS else MAX_BYTES
        fault = find_fault(environ, most_bytes=most_bytes)
        if fault is not None:
            return refuse_early(self._app, environ, start, status=fault)
        answer = self._app(environ, start)
        if path.startswith(_DOCUMENTS) and environ[_SIZE] > _IN_ONE_PIECE:
            return answer
        try:
            # nothing else that we send is a stream; one piece is what the server sends fastest,
            # which wakes two threads for each piece of a stream
            return [b"".join(answer)]
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()

    def _count(self, environ: dict[str, Any], facts: RequestFacts, *, seconds: float) -> None:
        metrics = self._metrics
        method: str = environ["REQUEST_METHOD"]
        if metrics is not None:
            metrics.request_answered(
                route=facts.route, method=method, status=facts.status, seconds=seconds
            )
            if facts.refusal is not None:
                metrics.refused(route=facts.route, code=facts.refusal)
            if facts.grant_type is not None:
                metrics.tokens_issued(facts.grant_type)
            if facts.factor is not None:
                metrics.factor_tried(facts.factor[0], outcome=facts.factor[1])
        if self._is_logged:
            _log.info(
                "request",
                method=method if method in _METHODS else "other",
                route=facts.route,
                status=facts.status,
                ms=round(seconds * 1000, 1),
                pid=os.getpid(),
                **({} if facts.refusal is None else {"refusal": facts.refusal}),
            )


def make_health(services: Services, *, is_draining: Callable[[], bool] = lambda: False) -> Health:
    """Readiness over the stores of these services."""
    return Health(
        {"database": services.database.is_up, "ephemeral": services.ephemeral.is_up},
        is_draining=is_draining,
    )


def _size_of(headers: list[tuple[str, str]]) -> float:
    """What an answer says about its length; without end, if it says nothing."""
    for name, value in headers:
        if name.lower() == "content-length":
            return int(value)
    return math.inf


def _give(standing: Standing, start: StartResponse, *, has_body: bool) -> list[bytes]:
    start(standing.status, list(standing.headers))
    return [standing.body] if has_body else []


def _fail(start: StartResponse) -> list[bytes]:
    """Even the error page failed."""
    body = b"server_error\n"
    start(
        "500 Internal Server Error",
        [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))],
    )
    return [body]
