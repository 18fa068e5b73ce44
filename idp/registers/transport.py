"""What both registers need of the door: an exchange, and its failures in their words.

What lives here: nothing of any register.  Private networks on which a register stands are opened
under its name in `ANTIN_EGRESS_PRIVATE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from idp.egress import EgressFailed, EgressRefused, EgressReply
from idp.registers.errors import RegisterNonsense, RegisterUnavailable
from idp.registers.model import RegisterName

MOST_BYTES: Final = 256 * 1024
_NONSENSE: Final = frozenset({"answer_malformed", "answer_too_large"})
_OK: Final = 200


class Exchange(Protocol):
    """The egress door, as far as this package looks."""

    def exchange(
        self,
        url: str,
        *,
        body: bytes | None,
        content_type: str,
        client_id: str,
        timeout_s: float = ...,
        most_bytes: int = ...,
        headers: Mapping[str, str] | None = ...,
    ) -> EgressReply:
        """See `Egress.exchange`."""


def fetch(
    door: Exchange,
    url: str,
    *,
    register: RegisterName,
    body: bytes | None,
    content_type: str,
    timeout_s: float,
    headers: Mapping[str, str],
) -> EgressReply:
    """Ask once; the reply has any status.

    Raises  RegisterUnavailable; RegisterNonsense (not HTTP, or too long).
    """
    try:
        return door.exchange(
            url,
            body=body,
            content_type=content_type,
            client_id=register.value,
            timeout_s=timeout_s,
            most_bytes=MOST_BYTES,
            headers=headers,
        )
    except EgressRefused as failure:
        raise RegisterUnavailable(register, failure.reason) from failure
    except EgressFailed as failure:
        kind = RegisterNonsense if failure.reason in _NONSENSE else RegisterUnavailable
        raise kind(register, failure.reason) from failure


def require_ok(reply: EgressReply, *, register: RegisterName) -> bytes:
    """The body of an answer.  Raises  RegisterUnavailable (`status_refused`)."""
    if reply.status != _OK:
        raise RegisterUnavailable(register, "status_refused")
    return reply.body
