"""The endpoints of the keystore as part of this server: timestamps, status, certificates, the log.

What lives here: which path belongs to which endpoint, and the way from a WSGI request to the value
that `keystore/web` is asked with, and back.  They are asked thousands of times a second by programs
that take bytes, so neither sessions nor pages stand between.
Not here: what they answer (`keystore/web`); the pages about them, which are pages like all others.
Source: RFC 3161 §3.4, RFC 6960 appendix A, RFC 5280 §4.2.1.13 (the paths are read by programs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from idp.web.intake import find_fault
from idp.web.standing import Standing
from keystore.web.answer import Endpoint, WebAnswer, WebRequest

_STATUS: Final[Mapping[int, str]] = {one.value: f"{one.value} {one.phrase}" for one in HTTPStatus}
_PAGES: Final = frozenset({"ca", "log"})
"""Places that have pages for people beside files for programs."""


@dataclass(frozen=True, slots=True)
class Found:
    """An endpoint, and the first segment of the path that led to it."""

    place: str
    endpoint: Endpoint


class ByteEndpoints:
    """Everything of the keystore that this process serves.

    Takes   by_place: first segment of the path (`tsa`, `ocsp`, `crl`, `ca`, `log`) → its endpoint.
    """

    def __init__(self, by_place: Mapping[str, Endpoint]) -> None:
        self._by_place = dict(by_place)

    def find(self, path: str) -> Found | None:
        """The place and the endpoint of a path, or None when it is the application's.

        Pages for people are `/log`, and under `/ca` whatever has no dot in its last segment.
        """
        place, _, rest = path[1:].partition("/")
        endpoint = self._by_place.get(place)
        if endpoint is None or (place in _PAGES and _is_page(place, rest)):
            return None
        return Found(place, endpoint)

    def answer(self, endpoint: Endpoint, environ: dict[str, Any], *, now: datetime) -> Standing:
        """Ask the endpoint; what must not be read is refused before."""
        fault = find_fault(environ, most_bytes=endpoint.max_body_bytes)
        if fault is not None:
            return _refuse(fault)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        request = WebRequest(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=environ.get("QUERY_STRING", ""),
            content_type=environ.get("CONTENT_TYPE", ""),
            body=environ["wsgi.input"].read(length) if length else b"",
            if_none_match=environ.get("HTTP_IF_NONE_MATCH", ""),
        )
        if len(request.body) < length:
            return _refuse(400)  # the client went away in the middle
        return _standing(endpoint.answer(request, now=now))


def _is_page(place: str, rest: str) -> bool:
    if place == "log":
        return not rest
    return "." not in rest.rsplit("/", 1)[-1]


def _standing(answer: WebAnswer) -> Standing:
    headers = (
        *answer.headers,
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
    )
    return Standing(_STATUS[answer.status], headers, answer.body)


def _refuse(status: int) -> Standing:
    body = f"{_STATUS[status]}\n".encode()
    return _standing(WebAnswer(status, "text/plain", body, (("Cache-Control", "no-store"),)))
