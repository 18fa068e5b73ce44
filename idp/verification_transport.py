"""The way from checking documents to addresses that stand in them, and to trusted lists.

What lives here: `VerificationTransport`.  What stands in our own certificates is answered by the
objects that answer it to everybody else; every other address goes through the one door for outgoing
HTTP, which calls no private address.  Addresses come out of certificates that anybody may have
made: what an operator opens for portals, or for our own authority's responders (`pki`), is not
open to them; what is open is under the name `verify` in the setting for private networks.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from idp.egress import Egress
from idp.egress.errors import EgressFailed, EgressRefused
from idp.signing_transport import SigningTransport
from signing.sources import Unreachable

CLIENT_ID: Final = "verify"
_OK: Final = 200
_LIST_S: Final = 60.0
"""A list is fetched by the worker, and a large one is tens of megabytes."""
_MOST_LIST_BYTES: Final = 32 << 20


class VerificationTransport:
    """An `OnlineTransport`; safe to share between threads.

    Takes   origins, ourselves: under which this deployment's own endpoints answer, and the way to
            them; None where there are none.
    """

    def __init__(
        self,
        egress: Egress,
        *,
        origins: frozenset[str] = frozenset(),
        ourselves: SigningTransport | None = None,
    ) -> None:
        self._egress = egress
        self._origins = origins
        self._ourselves = ourselves

    def exchange(
        self, url: str, *, body: bytes | None, content_type: str, most_bytes: int, timeout_s: float
    ) -> bytes:
        """See `OnlineTransport`."""
        parts = urlsplit(url)
        if self._ourselves is not None and f"{parts.scheme}://{parts.netloc}" in self._origins:
            return self._ourselves.exchange(url, body=body, content_type=content_type)
        return self._call(
            url, body=body, content_type=content_type, most_bytes=most_bytes, timeout_s=timeout_s
        )

    def fetch_list(self, url: str) -> bytes:
        """A trusted list, **not verified**.

        Raises  Unreachable, whose text says why.
        """
        return self._call(
            url, body=None, content_type="", most_bytes=_MOST_LIST_BYTES, timeout_s=_LIST_S
        )

    def _call(
        self, url: str, *, body: bytes | None, content_type: str, most_bytes: int, timeout_s: float
    ) -> bytes:
        try:
            reply = self._egress.exchange(
                url,
                body=body,
                content_type=content_type,
                client_id=CLIENT_ID,
                timeout_s=timeout_s,
                most_bytes=most_bytes,
                may_be_plain=True,
            )
        except (EgressFailed, EgressRefused) as failure:
            raise Unreachable(failure.reason) from failure
        if reply.status != _OK:
            raise Unreachable("answer_refused")
        return reply.body
