"""A request that is made once however often it is sent: the words for it.

What lives here: under which key a portal sends, and what was answered.
Source: draft-ietf-httpapi-idempotency-key-header §2.
Not here: where keys are kept (`signing/storage/idempotency`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from signing.model import RequestState, SigningRequest, SlotState


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Under which key a portal sends a request, and the hash of everything that it sent."""

    key: str = field(repr=False)
    body_sha256: bytes = field(repr=False)

    @property
    def key_sha256(self) -> bytes:
        """As the key is kept."""
        return hashlib.sha256(self.key.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Made:
    """A request as it was made, now or (`is_replay`) when the same was sent before."""

    request: SigningRequest
    is_replay: bool


def as_made(request: SigningRequest) -> SigningRequest:
    """A request as it stood when it was made, whatever became of it since."""
    return replace(
        request,
        state=RequestState.WAITING,
        reason="",
        ended_at=None,
        documents=tuple(replace(one, result=None) for one in request.documents),
        slots=tuple(
            replace(
                one, state=SlotState.WAITING, ended_at=None, key_id=None, certificate_sha256=None
            )
            for one in request.slots
        ),
    )
