"""What an endpoint of the keystore is asked, and what it answers.

What lives here: the two values and the Protocol between whoever serves HTTP and the endpoints
beside this file.  Timestamps and certificate status are asked for thousands of times a second and
are neither pages nor forms, so nothing of a web framework stands between.
Not here: reading the request from the network and limiting its size, which the server's side does
before it asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebRequest:
    """One request.

    `path` is the whole path, percent-decoded once as WSGI hands it over (latin-1).  `body` is
    whole.
    """

    method: str
    path: str
    query: str = ""
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    if_none_match: str = ""


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """One whole answer; Content-Length is added by whoever sends it."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()


class Endpoint(Protocol):
    """Answers everything under one path, for any number of threads at once.

    Whatever comes in, an answer goes out: malformed input has the answer that the protocol gives
    it.  An exception is a defect, or storage that is away.
    """

    max_body_bytes: int
    """A longer body is refused (413) before the endpoint is asked."""

    def answer(self, request: WebRequest, *, now: datetime) -> WebAnswer:
        """The answer to one request."""
