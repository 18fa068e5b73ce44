"""What the endpoints of signing need of whoever serves them.

What lives here: Protocols, fulfilled by the provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from signing.errors import SigningError


@dataclass(frozen=True, slots=True)
class PortalCaller:
    """A portal that has shown who it is."""

    client_id: str


class CallerRefused(SigningError):
    """A caller that may not ask.

    Takes   status: 401 without a good token, 403 without the right; challenge: what stands in
            WWW-Authenticate.
    Source  RFC 6750 §3.
    """

    code: ClassVar[str] = "caller_refused"

    def __init__(self, status: int, *, error: str, challenge: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.challenge = challenge


class PortalDoor(Protocol):
    """Who calls, and what of it is theirs."""

    def authenticate(self, authorization: str | None, *, now: datetime) -> PortalCaller:
        """The portal behind a request.

        Takes   authorization: the header as it was sent, or None.
        Raises  CallerRefused.
        """

    def admit(self, caller: PortalCaller, *, now: datetime) -> None:
        """Count a request of a portal that will be worked for; nobody is let in uncounted.

        Raises  RequestRefused(too_many_requests); LimitsUnavailable.
        """

    def is_own_address(self, uri: str, *, client_id: str, now: datetime) -> bool:
        """Whether people, or messages, may be sent to this address on behalf of that portal."""
