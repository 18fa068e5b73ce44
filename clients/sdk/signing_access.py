"""The portal's access token for signing: asked for rarely, shared by all threads.

What lives here: the client credentials grant for the resource `sign` of the provider, and how long
its token is kept.  Not here: what is done with it (`documents.py`).

Source  RFC 6749 §4.4; RFC 8707 §2 (`resource`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clients.sdk.login import LoginDoor
from clients.sdk.model import Metadata, Secret
from clients.sdk.token_endpoint import request_tokens

SCOPE: Final = "sign"
_BEFORE_ITS_END: Final = timedelta(seconds=30)
_UNSAID: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Kept:
    token: Secret
    until: datetime


class SigningAccess:
    """The token with which this portal asks for signatures."""

    def __init__(self, door: LoginDoor) -> None:
        self._door = door
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def token(self, *, metadata: Metadata, now: datetime) -> Secret:
        """A token that holds for a while yet.

        Raises  TokenRequestRefused: `invalid_target` or `invalid_scope` when the portal was not
                registered for signing; TokenAnswerMalformed; ProviderUnavailable.
        """
        kept = self._kept
        if kept is not None and now < kept.until:
            return kept.token
        with self._lock:
            newest = self._kept
            if newest is not None and newest is not kept and now < newest.until:
                return newest.token
            answer = request_tokens(
                {
                    "grant_type": "client_credentials",
                    "scope": SCOPE,
                    "resource": metadata.issuer.rstrip("/") + "/sign",
                },
                transport=self._door.transport,
                metadata=metadata,
                credentials=self._door.credentials,
                now=now,
            )
            ends = now + _UNSAID if answer.expires_at is None else answer.expires_at
            self._kept = _Kept(answer.access_token, ends - _BEFORE_ITS_END)
            return answer.access_token

    def forget(self, token: Secret) -> None:
        """That token was refused: the next one is asked for anew."""
        with self._lock:
            if self._kept is not None and self._kept.token is token:
                self._kept = None
