"""The way to the witnesses of the log, through the one door.

What lives here: `WitnessTransport` of the keystore over `Egress`.  Witnesses on a private network
are opened under the name `witness` in the setting for private networks.
Source: C2SP tlog-witness.
"""

from __future__ import annotations

from typing import Final

from idp.egress.door import Egress
from idp.egress.errors import EgressFailed, EgressRefused
from keystore.log.errors import WitnessUnreachable
from keystore.log.witnessing import WitnessReply

CLIENT_ID: Final = "witness"
_TEXT: Final = "text/plain; charset=utf-8"


class EgressWitnesses:
    """Posts to witnesses and fetches from them."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    def post(self, url: str, *, body: bytes) -> WitnessReply:
        """See `WitnessTransport.post`."""
        return self._call(url, body=body)

    def get(self, url: str) -> WitnessReply:
        """See `WitnessTransport.get`."""
        return self._call(url, body=None)

    def _call(self, url: str, *, body: bytes | None) -> WitnessReply:
        try:
            reply = self._egress.exchange(url, body=body, content_type=_TEXT, client_id=CLIENT_ID)
        except (EgressFailed, EgressRefused) as failure:
            raise WitnessUnreachable from failure
        return WitnessReply(reply.status, reply.content_type, reply.body)
