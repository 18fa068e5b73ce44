"""What programs call without a browser: /token, /revoke, /introspect and /userinfo, before Flask.

What lives here: the request and the answer of such an endpoint, the dispatch by path, and the one
table of what goes wrong on the way.  They have neither session nor cookie nor page, and they are
called more often than everything else together: half of what an introspection cost was a framework
around it (docs/adr/0007).  They stand inside of the application, so whoever serves it serves them.
Not here: what they answer (`token.py`, `userinfo.py`).
Source: RFC 6749 §5.2; RFC 9110 §10.2.1 (Allow), §10.2.3 (Retry-After); PEP 3333.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import msgspec
import structlog

from idp.errors import AntinError, StorageUnavailable
from idp.oauth.errors import MalformedParameters, OAuthError
from idp.oauth.parameters import MAX_BYTES, Parameters, parse_parameters
from idp.web.request_facts import note_refusal, note_route
from idp.web.source import TrustedProxies

_FORM: Final = "application/x-www-form-urlencoded"
_STATUS: Final[Mapping[int, str]] = {one.value: f"{one.value} {one.phrase}" for one in HTTPStatus}
_NOT_KEPT: Final = (
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("Pragma", "no-cache"),
)
_NO_CONTENT: Final = 204
_RETRY_AFTER: Final = ("Retry-After", "5")

_log = structlog.get_logger("antin.web")


class DirectRequest:
    """One request to a direct endpoint; each part is read when it is asked for."""

    __slots__ = ("_environ",)

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ

    @property
    def method(self) -> str:
        """The method, in capitals."""
        method: str = self._environ["REQUEST_METHOD"]
        return method

    @property
    def path(self) -> str:
        """The path, without a query."""
        path: str = self._environ["PATH_INFO"]
        return path

    @property
    def authorization(self) -> str | None:
        """The Authorization header as it was sent."""
        return self._environ.get("HTTP_AUTHORIZATION")

    @property
    def is_form(self) -> bool:
        """Whether the body says that it is a form."""
        kind: str = self._environ.get("CONTENT_TYPE") or ""
        # most say exactly this, and need not be parsed
        return kind == _FORM or kind.partition(";")[0].strip().lower() == _FORM

    def source(self, proxies: TrustedProxies) -> str:
        """The client's address."""
        return proxies.client_address(
            self._environ.get("REMOTE_ADDR") or "",
            forwarded_for=self._environ.get("HTTP_X_FORWARDED_FOR"),
        )

    def form(self) -> Parameters:
        """The parameters of a form body; a query string beside it is not read.

        Raises  MalformedParameters: wrong media type, too large, no length, cut off.
        """
        if not self.is_form:
            raise MalformedParameters("not_a_form")
        length: str = self._environ.get("CONTENT_LENGTH") or ""
        if not (length.isascii() and length.isdigit()):
            # without a length a body can be cut off in silence: refuse
            raise MalformedParameters("no_length")
        size = int(length)
        if size > MAX_BYTES:
            raise MalformedParameters("too_large")
        raw: bytes = self._environ["wsgi.input"].read(size)
        if len(raw) != size:
            raise MalformedParameters("cut_off")
        return parse_parameters(raw)


@dataclass(frozen=True, slots=True)
class DirectAnswer:
    """One whole answer."""

    status: int
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...]


Handle = Callable[[DirectRequest], DirectAnswer]


@dataclass(frozen=True, slots=True)
class DirectEndpoint:
    """`handle` answers requests of these methods; it raises what `DirectEndpoints` knows."""

    methods: frozenset[str]
    handle: Handle


class DirectEndpoints:
    """WSGI application that answers the direct endpoints and leaves the rest to another one."""

    def __init__(self, application: Any, *, by_path: Mapping[str, DirectEndpoint]) -> None:
        self._application = application
        self.by_path: Final = MappingProxyType(dict(by_path))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, or hand on."""
        path: str = environ["PATH_INFO"]
        endpoint = self.by_path.get(path) or self.by_path.get(path.rstrip("/"))
        if endpoint is None:
            rest: Iterable[bytes] = self._application(environ, start_response)
            return rest
        note_route(path.rstrip("/"))
        answer = _answer(endpoint, DirectRequest(environ))
        headers = [*answer.headers]
        if answer.status != _NO_CONTENT:  # RFC 9110 §8.6
            headers.append(("Content-Length", str(len(answer.body))))
        start_response(_STATUS[answer.status], headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body]


def json_answer(status: int, body: Any, *more: tuple[str, str]) -> DirectAnswer:
    """A JSON answer that nobody may keep.  RFC 6749 §5.1."""
    return DirectAnswer(status, msgspec.json.encode(body), (*_NOT_KEPT, *more))


def malformed_answer(problem: MalformedParameters) -> DirectAnswer:
    """A body that could not be read."""
    note_refusal(problem.code)
    status = 413 if problem.detail == "too_large" else 400
    return json_answer(
        status, {"error": "invalid_request", "error_description": f"body: {problem.detail}"}
    )


def error_answer(error: OAuthError, *, used_basic: bool) -> DirectAnswer:
    """An error of a direct endpoint.

    Source  RFC 6749 §5.2: 401 with WWW-Authenticate when the client used the Authorization header.
    """
    note_refusal(error.code)
    body = {"error": error.code, "error_description": error.description}
    if error.status == 401 and used_basic:
        return json_answer(error.status, body, ("WWW-Authenticate", 'Basic realm="token"'))
    return json_answer(error.status, body)


def _answer(endpoint: DirectEndpoint, request: DirectRequest) -> DirectAnswer:
    if request.method not in endpoint.methods:
        allowed = ("Allow", ", ".join(sorted(endpoint.methods)))
        return _refusal(405, "invalid_request", "this endpoint does not take that method", allowed)
    try:
        return endpoint.handle(request)
    except StorageUnavailable as failure:
        note_refusal(failure.code)
        # one line for every request that comes meanwhile: no trace
        _log.warning("store_unavailable", reason=type(failure.__cause__).__name__)
    except AntinError as error:
        note_refusal(error.code)
        _log.error("refused", code=error.code, exc_info=error)
        return _broken()
    except Exception as error:  # noqa: BLE001 - nothing of it may reach the client
        note_refusal("server_error")
        _log.error("unexpected", exc_info=error)
        return _broken()
    return _refusal(
        503,
        "temporarily_unavailable",
        "the service is interrupted; try again in a few seconds",
        _RETRY_AFTER,
    )


def _broken() -> DirectAnswer:
    sentence = "something went wrong here; it has been noted under the request id"
    return _refusal(500, "server_error", sentence)


def _refusal(status: int, code: str, sentence: str, *more: tuple[str, str]) -> DirectAnswer:
    return json_answer(status, {"error": code, "error_description": sentence}, *more)
