"""`/ocsp`: the status of certificates, over HTTP.

What lives here: GET with the request in the path, POST with it as the body, and the headers that
let others keep an answer.  Whatever the protocol has an answer for goes out with status 200,
refusals too.
Source: RFC 6960 appendix A; RFC 9919 §6, §7.2 (headers); RFC 9110 §13.1.2 (`If-None-Match`).
Not here: what the answer is (`keystore/pki/ocsp.py`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from keystore.pki.ocsp import OcspAnswer, OcspResponder
from keystore.pki.ocsp_cache import AnswerCache
from keystore.pki.ocsp_requests import MAX_BYTES
from keystore.web.answer import WebAnswer, WebRequest

_TYPE: Final = "application/ocsp-response"
_PATH: Final = "/ocsp/"
_KEEP: Final = timedelta(minutes=5)
"""How long an answer is given again from memory before it is looked up anew."""
_KEEP_UNKNOWN: Final = timedelta(seconds=2)
"""A certificate that was not issued yet may be in the next moment."""
_MAX_AGE: Final = timedelta(minutes=5)
"""Whoever asks through a cache learns of a revocation after this time at the latest."""
_NO_STORE: Final = (("Cache-Control", "no-store"),)


class OcspEndpoint:
    """The responder as an endpoint; one per process."""

    max_body_bytes = MAX_BYTES

    def __init__(self, responder: OcspResponder, *, cache: AnswerCache) -> None:
        self._responder = responder
        self._cache = cache

    def answer(self, request: WebRequest, *, now: datetime) -> WebAnswer:
        """Answer a question, from memory where the same bytes were asked before."""
        question: bytes | str
        if request.method == "POST":
            question = request.body
        elif request.method in ("GET", "HEAD"):
            question = request.path
        else:
            return WebAnswer(405, "text/plain", b"", (("Allow", "GET, HEAD, POST"),))
        kept = self._cache.find(question, now=now)
        if kept is None:
            kept = self._ask(question, now=now)
        if request.if_none_match and _etag(kept) in request.if_none_match:
            return WebAnswer(304, kept.content_type, b"", kept.headers)
        return kept

    def _ask(self, question: bytes | str, *, now: datetime) -> WebAnswer:
        raw = question if isinstance(question, bytes) else _from_path(question)
        answer = self._responder.answer(raw, now=now)
        if not answer.is_reusable or answer.next_update is None:
            return WebAnswer(200, _TYPE, answer.der, _NO_STORE)
        about = answer.about[0] if len(answer.about) == 1 else None
        until = min(now + (_KEEP_UNKNOWN if about is None else _KEEP), answer.next_update)
        given = WebAnswer(
            200, _TYPE, answer.der, _headers(answer, until=until, is_get=isinstance(question, str))
        )
        self._cache.keep(question, given, until=until, about=about)
        return given


def _from_path(path: str) -> bytes:
    """The request in a path; what is no base64 is no request either.

    Source  RFC 6960 appendix A.1.
    """
    try:
        return base64.b64decode(path.removeprefix(_PATH), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _headers(answer: OcspAnswer, *, until: datetime, is_get: bool) -> tuple[tuple[str, str], ...]:
    """What a cache may do with an answer; nothing is kept of a POST.

    The age counts from the last moment in which these headers are sent, so that it never reaches
    beyond `nextUpdate`.  Source  RFC 9919 §7.2.
    """
    if not is_get or answer.this_update is None or answer.next_update is None:
        return _NO_STORE
    seconds = int(max(timedelta(), min(_MAX_AGE, answer.next_update - until)).total_seconds())
    if all(about is None for about in answer.about):
        seconds = 0  # not issued yet is no state that lasts
    return (
        ("Cache-Control", f"max-age={seconds}, public, no-transform, must-revalidate"),
        ("ETag", f'"{hashlib.sha256(answer.der).hexdigest()[:32]}"'),
        ("Last-Modified", format_datetime(answer.this_update.astimezone(UTC), usegmt=True)),
        ("Expires", format_datetime(answer.next_update.astimezone(UTC), usegmt=True)),
    )


def _etag(answer: WebAnswer) -> str:
    return next((value for name, value in answer.headers if name == "ETag"), "\0")
