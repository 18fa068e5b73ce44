"""`/tsa`: the timestamp authority over HTTP.

What lives here: media types and methods.  A request that can be read as HTTP gets the answer of the
protocol with status 200, also when there is no token; only what is no request at all gets a status
of HTTP.  Source: RFC 3161 §3.4; RFC 9110 §15.5.6 and §15.5.16.
Not here: the answer itself (`keystore/pki/timestamping.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from keystore.pki.timestamp_requests import MAX_REQUEST_BYTES
from keystore.pki.timestamping import TimestampAuthority
from keystore.web.answer import WebAnswer, WebRequest

_QUERY: Final = "application/timestamp-query"
_REPLY: Final = "application/timestamp-reply"
_PATHS: Final = frozenset({"/tsa", "/tsa/"})
_NO_STORE: Final = (("Cache-Control", "no-store"),)
_WRONG_METHOD: Final = WebAnswer(
    405, "text/plain", b"POST a TimeStampReq\n", (("Allow", "POST"), *_NO_STORE)
)
_ELSEWHERE: Final = WebAnswer(404, "text/plain", b"/tsa is the only place\n", _NO_STORE)
_WRONG_TYPE: Final = WebAnswer(415, "text/plain", b"POST application/timestamp-query\n", _NO_STORE)


class TsaEndpoint:
    """The endpoint of one authority."""

    max_body_bytes = MAX_REQUEST_BYTES

    def __init__(self, authority: TimestampAuthority) -> None:
        self._respond = authority.respond

    def answer(self, request: WebRequest, *, now: datetime) -> WebAnswer:  # noqa: ARG002 - Endpoint's
        """The answer to one request.

        Takes   now: not looked at: a token says when it was made, by a clock that is watched, not
                when the request came in.
        """
        if request.path not in _PATHS:
            return _ELSEWHERE
        if request.method != "POST":
            return _WRONG_METHOD
        kind = request.content_type
        if kind != _QUERY and kind.partition(";")[0].strip().lower() != _QUERY:
            return _WRONG_TYPE
        return WebAnswer(200, _REPLY, self._respond(request.body), _NO_STORE)
