"""What is known about the request at hand, for its log line and its metrics.

What lives here: the request's id and the few words that endpoints add while they answer: the code
of a refusal, the grant type of issued tokens, the outcome of a factor.  All of them come from lists
of ours; nothing of what a client or a person sent may be put here.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar, Token
from typing import Any, Final

from idp.web.source import TrustedProxies

_FROM_A_PROXY: Final = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
_HEADER: Final = "HTTP_X_REQUEST_ID"
NO_ROUTE: Final = "none"


class RequestFacts:
    """One request; mutable, held by one thread."""

    __slots__ = ("factor", "grant_type", "refusal", "request_id", "route", "status")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.status = 500
        self.route = NO_ROUTE
        """The template of the route that answers, never the path."""
        self.refusal: str | None = None
        self.grant_type: str | None = None
        self.factor: tuple[str, str] | None = None


_current: ContextVar[RequestFacts | None] = ContextVar("antin_request", default=None)


def begin_request(facts: RequestFacts) -> Token[RequestFacts | None]:
    """Make `facts` those of the calling thread, until `end_request`."""
    return _current.set(facts)


def end_request(token: Token[RequestFacts | None]) -> None:
    """Forget the request."""
    _current.reset(token)


def current_request_id() -> str:
    """The id of the request that the calling thread answers, or ""."""
    facts = _current.get()
    return "" if facts is None else facts.request_id


def note_route(route: str) -> None:
    """An endpoint outside of the framework answers; `route` is a constant of ours."""
    facts = _current.get()
    if facts is not None:
        facts.route = route


def note_refusal(code: str) -> None:
    """The request is refused; `code` is the stable code of an error class of ours."""
    facts = _current.get()
    if facts is not None:
        facts.refusal = code


def note_tokens(grant_type: str) -> None:
    """Tokens are issued under a registered grant type."""
    facts = _current.get()
    if facts is not None:
        facts.grant_type = grant_type


def note_factor(factor: str, *, outcome: str) -> None:
    """A factor was tried; both words come from enumerations of ours."""
    facts = _current.get()
    if facts is not None:
        facts.factor = (factor, outcome)


class RequestIds:
    """Gives every request its id: a trusted proxy's, or a new one."""

    def __init__(self, proxies: TrustedProxies) -> None:
        self._proxies = proxies

    def choose(self, environ: dict[str, Any]) -> str:
        """The id; a header from anybody else, or of another form, is not even read."""
        if _HEADER in environ and self._proxies.is_listed(environ.get("REMOTE_ADDR", "")):
            sent: str = environ[_HEADER]
            if _FROM_A_PROXY.fullmatch(sent):
                return sent
        return f"req_{secrets.token_hex(8)}"
