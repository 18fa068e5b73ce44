"""From a message to an answer: which part of the signer a request is for.

What lives here: `Answering`.  Whatever comes in, an answer goes out; what goes wrong inside is told
as `signing_failed` and never in detail.
Not here: connections (`keystore/strongroom/server.py`), judgement (`service`, `desk`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from keystore.backends import PersonalKeyBackend
from keystore.signer.desk import KeyDesk
from keystore.signer.errors import CallerRefused, RequestMalformed
from keystore.signer.service import SigningService
from keystore.signer.wire import (
    Activate,
    Answer,
    AreYouThere,
    DestroyKey,
    DestroyKeysOf,
    Done,
    Here,
    Made,
    MakeKey,
    Request,
    ResumeKey,
    ResumeOwnKey,
    Signed,
    SuspendKey,
    SuspendKeysOf,
)
from keystore.strongroom.errors import RoomError
from keystore.strongroom.frames import Refused

_FOR_KEEPERS: Final = (ResumeKey, DestroyKey, DestroyKeysOf)

_log = logging.getLogger("antin.signer")


class Answering:
    """Answers requests, each by the one that is for it; safe for any number of threads.

    Takes   time: the time now, of the signer's own clock.
    """

    def __init__(
        self,
        *,
        service: SigningService,
        desk: KeyDesk,
        backend: PersonalKeyBackend,
        time: Callable[[], datetime],
    ) -> None:
        self._service = service
        self._desk = desk
        self._backend = backend
        self._time = time

    def answer(self, request: Request, *, is_keeper: bool) -> Answer:
        """The answer to one request; never raises.

        Takes   is_keeper: whether who asks may resume and destroy keys.
        """
        try:
            if isinstance(request, _FOR_KEEPERS) and not is_keeper:
                raise CallerRefused("not_a_keeper")
            return self._answer(request, now=self._time())
        except RoomError as refusal:
            return Refused(refusal.code, refusal.reason)
        except Exception as failure:  # noqa: BLE001  one request must not end the signer
            _log.error("request_failed reason=%s", type(failure).__name__)
            return Refused("signing_failed", "internal")

    def purge(self) -> None:
        """Forget what was spent long ago."""
        try:
            self._service.purge(self._time())
        except Exception as failure:  # noqa: BLE001  the next time makes up for it
            _log.warning("purge_failed reason=%s", type(failure).__name__)

    def _answer(self, request: Request, *, now: datetime) -> Answer:
        match request:
            case Activate(activation, assertion, statement, request_info):
                evidence = assertion or statement
                if evidence is None or (assertion and statement):
                    raise RequestMalformed("evidence")
                return Signed(
                    self._service.activate(activation, evidence, request_info=request_info, now=now)
                )
            case ResumeOwnKey(activation, assertion, statement):
                own = assertion or statement
                if own is None or (assertion and statement):
                    raise RequestMalformed("evidence")
                return Done(int(self._service.resume(activation, own, now=now)))
            case MakeKey(enrolment, proof):
                return Made(self._desk.make(enrolment, proof, now=now))
            case SuspendKey(key_id, reason, operator):
                done = self._desk.suspend(key_id, reason=reason, operator=operator, now=now)
                return Done(int(done))
            case SuspendKeysOf(account_id, reason):
                return Done(self._desk.suspend_keys_of(account_id, reason=reason, now=now))
            case ResumeKey(key_id, reason, operator):
                done = self._desk.resume(key_id, reason=reason, operator=operator, now=now)
                return Done(int(done))
            case DestroyKey(key_id, reason, operator):
                done = self._desk.destroy(key_id, reason=reason, operator=operator, now=now)
                return Done(int(done))
            case DestroyKeysOf(account_id, reason):
                return Done(self._desk.destroy_keys_of(account_id, reason=reason, now=now))
            case AreYouThere():
                return Here(self._backend.kek_ids())
