"""The way from signing to timestamps and status: our own endpoints in this process, others outside.

What lives here: `SigningTransport`.  What stands in our own certificates is answered by the objects
that answer it to everybody else, without a request to ourselves; every other address goes through
the one door for outgoing HTTP.  A responder on a private network is opened under the name `pki` in
the setting for private networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from idp.egress import Egress
from idp.egress.errors import EgressFailed, EgressRefused
from keystore.web.answer import Endpoint, WebRequest
from signing.sources import Unreachable

CLIENT_ID: Final = "pki"
_OK: Final = 200


class SigningTransport:
    """A `Transport`; safe to share between threads.

    Takes   origins: under which this deployment's own endpoints answer; endpoints: by the first
            part of their paths; time: what tells the time.
    """

    def __init__(
        self,
        *,
        origins: frozenset[str],
        endpoints: Mapping[str, Endpoint],
        egress: Egress,
        time: Callable[[], datetime],
    ) -> None:
        self._origins = origins
        self._endpoints = endpoints
        self._egress = egress
        self._time = time

    def exchange(self, url: str, *, body: bytes | None, content_type: str) -> bytes:
        """See `Transport`."""
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" in self._origins:
            return self._ask_ourselves(parts.path, body=body, content_type=content_type)
        try:
            reply = self._egress.exchange(
                url, body=body, content_type=content_type, client_id=CLIENT_ID
            )
        except (EgressFailed, EgressRefused) as failure:
            raise Unreachable from failure
        if reply.status != _OK:
            raise Unreachable
        return reply.body

    def _ask_ourselves(self, path: str, *, body: bytes | None, content_type: str) -> bytes:
        endpoint = self._endpoints.get(path.split("/")[1] if "/" in path else "")
        if endpoint is None or len(body or b"") > endpoint.max_body_bytes:
            raise Unreachable
        request = WebRequest(
            method="GET" if body is None else "POST",
            path=path,
            content_type="" if body is None else content_type,
            body=body or b"",
        )
        answer = endpoint.answer(request, now=self._time())
        if answer.status != _OK:
            raise Unreachable
        return answer.body
