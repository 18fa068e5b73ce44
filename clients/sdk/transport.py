"""The one door through which this package speaks HTTP.

What lives here: the Protocol that a portal may implement itself (a proxy, a test's in-process
provider) and the implementation over urllib3.  Redirects are never followed, bodies are bounded
and TLS certificates are always verified.  Not here: what the answers mean.

Source  RFC 9110; RFC 9700 §4.12 (a redirect of a back-end request is never followed).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import urllib3

from clients.sdk.errors import ProviderUnavailable

_BODY_LIMIT_BYTES = 1024 * 1024
"""Of an answer, unless its request says otherwise."""
_CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request; its parts may hold secrets and are not shown.

    `patience_s`: how much longer than usual its answer may take; `answer_limit_bytes`: how large
    that may be.
    """

    where: str
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    patience_s: float = 0.0
    answer_limit_bytes: int = _BODY_LIMIT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """One answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Transport(Protocol):
    """Sends one request and returns its answer, whatever the status."""

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Send it.

        Raises  ProviderUnavailable when there is no whole answer.
        """
        ...


class Urllib3Transport:
    """Connections of urllib3, kept open and shared by all threads of the portal."""

    def __init__(self, *, total_s: float = 10.0, ca_file: Path | None = None) -> None:
        """Open no connection yet.

        Takes   total_s: seconds that one answer may take; ca_file: PEM, instead of the system's.
        """
        self._total_s = total_s
        self._pool = urllib3.PoolManager(
            retries=False,
            maxsize=16,
            cert_reqs="CERT_REQUIRED",
            ca_certs=None if ca_file is None else str(ca_file),
        )

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Send it, once: a second try could spend a code or a refresh token twice.

        Raises  ProviderUnavailable.
        """
        # The read timeout starts again with every byte, so a slow body needs a clock of its own.
        total_s = self._total_s + request.patience_s
        deadline = time.monotonic() + total_s
        try:
            response = self._pool.request(
                request.method,
                request.url,
                body=request.body,
                headers=dict(request.headers),
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=min(5.0, self._total_s), read=total_s),
            )
            try:
                body = _read_all(response, request=request, deadline=deadline)
            except BaseException:
                response.close()
                raise
            response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ProviderUnavailable(request.where, reason="no_answer") from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpAnswer(status=response.status, headers=headers, body=body)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._pool.clear()


def _read_all(
    response: urllib3.BaseHTTPResponse, *, request: HttpRequest, deadline: float
) -> bytes:
    parts: list[bytes] = []
    size_bytes = 0
    while chunk := response.read1(_CHUNK_BYTES):
        size_bytes += len(chunk)
        if size_bytes > request.answer_limit_bytes:
            raise ProviderUnavailable(request.where, reason="answer_too_large")
        if time.monotonic() > deadline:
            raise ProviderUnavailable(request.where, reason="answer_too_slow")
        parts.append(chunk)
    return b"".join(parts)
