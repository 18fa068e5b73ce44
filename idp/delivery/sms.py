"""Text messages through an HTTP gateway.

What lives here: the request that an operator described (address, header of the token, members of
the JSON), filled in value by value, so that no text can become another member; and what the answer
means.  Gateways in Viet Nam commonly answer 200 and say in a member whether they took it: the
member and its value are part of the description.
Not here: how the texts are written (`idp/accounts/message_texts.py`), whether the description can
be used (`idp/settings_delivery.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from string import Template
from typing import Any, Final, Literal

import msgspec

from idp.delivery.gateway import TIMEOUT_S, Failing, NotSent, Outgoing
from idp.delivery.plain_text import Accents, as_text_message
from idp.egress import Egress, EgressFailed, EgressRefused, EgressReply

CLIENT_ID: Final = "sms"
"""Under this name an operator opens private networks for gateways of text messages."""
_MOST_BYTES: Final = 65_536
_OF_THE_GATEWAY: Final = frozenset({401, 402, 403, 404, 405, 407, 408, 415, 425, 429})
"""Refusals that are about us, or about now, and not about the message."""

NumberForm = Literal["e164", "digits", "national"]
_VIET_NAM: Final = "+84"


@dataclass(frozen=True, slots=True)
class SmsServer:
    """What an operator says about a gateway.

    Takes   body: JSON object whose strings may hold `$to`, `$text`, `$id` and `$token`;
            token_header: `Name: value`, with `$token`, or empty; accepted: `member=value` of the
            answer of a message that was taken (`a.b=value` for a member of a member), or empty:
            any 2xx; number: `e164` +84…, `digits` 84…, `national` 0….
    """

    url: str
    body: str
    token: str = field(default="", repr=False)
    token_header: str = ""
    accepted: str = ""
    number: NumberForm = "e164"


class SmsGateway:
    """One HTTP gateway.

    Takes   name: in metrics; accents: when Vietnamese keeps its marks.
    """

    def __init__(
        self,
        name: str,
        server: SmsServer,
        *,
        egress: Egress,
        accents: Accents,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.name = name
        self._server = server
        self._members: dict[str, Any] = json.loads(server.body)
        self._egress = egress
        self._accents: Accents = accents
        self._timeout_s = timeout_s

    def send(self, outgoing: Outgoing, *, now: datetime) -> None:  # noqa: ARG002 - of the Protocol
        """See `Gateway.send`."""
        values = {
            "to": written_number(outgoing.address, form=self._server.number),
            "text": as_text_message(outgoing.text, accents=self._accents),
            "id": outgoing.message_id,
            "token": self._server.token,
        }
        headers = {"Accept": "application/json", "Idempotency-Key": outgoing.message_id}
        name, colon, value = self._server.token_header.partition(":")
        if colon:
            headers[name.strip()] = Template(value.strip()).safe_substitute(values)
        try:
            reply = self._egress.exchange(
                self._server.url,
                body=msgspec.json.encode(_filled(self._members, values)),
                content_type="application/json",
                client_id=CLIENT_ID,
                timeout_s=self._timeout_s,
                most_bytes=_MOST_BYTES,
                headers=headers,
            )
        except (EgressFailed, EgressRefused) as failure:
            raise NotSent(failure.reason, failing=Failing.DOWN) from failure
        self._judge(reply)

    def _judge(self, reply: EgressReply) -> None:
        if not 200 <= reply.status < 300:
            is_about_it = 400 <= reply.status < 500 and reply.status not in _OF_THE_GATEWAY
            failing = Failing.NEVER if is_about_it else Failing.DOWN
            raise NotSent("refused" if is_about_it else "answer_refused", failing=failing)
        if not self._server.accepted:
            return
        path, _, value = self._server.accepted.partition("=")
        try:
            found: Any = msgspec.json.decode(reply.body)
        except msgspec.DecodeError as problem:
            raise NotSent("answer_malformed", failing=Failing.DOWN) from problem
        for member in path.split("."):
            found = found.get(member) if isinstance(found, dict) else None
        said = found if isinstance(found, str) else json.dumps(found)
        if said != value:
            # why is in words of the gateway, which may mean its account or this number
            raise NotSent("refused", failing=Failing.NOT_NOW)


def written_number(number: str, *, form: NumberForm) -> str:
    """A number in E.164 as a gateway wants it."""
    if form == "digits":
        return number.removeprefix("+")
    if form == "national" and number.startswith(_VIET_NAM):
        return "0" + number.removeprefix(_VIET_NAM)
    return number


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    match value:
        case str():
            return Template(value).safe_substitute(values)
        case dict():
            return {name: _filled(one, values) for name, one in value.items()}
        case list():
            return [_filled(one, values) for one in value]
        case _:
            return value
