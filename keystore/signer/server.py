"""The signer's ear: connections, threads, frames, and the way from a message to an answer.

What lives here: `SignerServer`, which serves one listening socket until it is told to stop, and
`Desk`, which answers one request.  Whatever comes in, an answer or nothing goes out; what goes
wrong inside is told as `signing_failed` and never in detail.  Stopping finishes what is under way.
Not here: who may connect (`gate`), judgement (`service`, `desk`).
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from keystore.backends import PersonalKeyBackend
from keystore.signer.desk import KeyDesk
from keystore.signer.errors import CallerRefused, RequestMalformed, SignerError
from keystore.signer.gate import Gate
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
    Refused,
    Request,
    ResumeKey,
    Signed,
    SuspendKey,
    SuspendKeysOf,
    decode_request,
    encode_frame,
    read_frame,
)

_IDLE_S: Final = 60.0
_FRAME_S: Final = 10.0
_LISTEN_S: Final = 0.5
_FINISH_S: Final = 30.0
_PURGE_EVERY_S: Final = 60
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
        except SignerError as refusal:
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
            case Activate(activation, assertion, statement):
                evidence = assertion or statement
                if evidence is None or (assertion and statement):
                    raise RequestMalformed("evidence")
                return Signed(self._service.activate(activation, evidence, now=now))
            case MakeKey(enrolment, proof):
                return Made(self._desk.make(enrolment, proof, now=now))
            case SuspendKey(key_id, reason):
                return Done(int(self._desk.suspend(key_id, reason=reason, now=now)))
            case SuspendKeysOf(account_id, reason):
                return Done(self._desk.suspend_keys_of(account_id, reason=reason, now=now))
            case ResumeKey(key_id, reason):
                return Done(int(self._desk.resume(key_id, reason=reason, now=now)))
            case DestroyKey(key_id, reason):
                return Done(int(self._desk.destroy(key_id, reason=reason, now=now)))
            case DestroyKeysOf(account_id, reason):
                return Done(self._desk.destroy_keys_of(account_id, reason=reason, now=now))
            case AreYouThere():
                return Here(self._backend.kek_ids())


class SignerServer:
    """Serves a listening socket with a thread per connection, and not more than `connections`.

    Takes   listener: bound and listening; it stays open, others may listen on it too.
    """

    def __init__(
        self, listener: socket.socket, *, gate: Gate, answering: Answering, connections: int = 64
    ) -> None:
        self._listener = listener
        self._gate = gate
        self._answering = answering
        self._free = threading.BoundedSemaphore(connections)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()

    def serve(self) -> None:
        """Serve until `stop`; then finish what is under way and come back."""
        purger = threading.Thread(target=self._purge, name="signer-purge", daemon=True)
        purger.start()
        self._listener.settimeout(_LISTEN_S)
        while not self._stopping.is_set():
            if not self._free.acquire(timeout=_LISTEN_S):
                continue
            connection = self._accept()
            if connection is None:
                self._free.release()
                continue
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            with self._lock:
                self._open.add(connection)
                self._threads.add(thread)
            thread.start()
        self._finish()
        purger.join(_FINISH_S)

    def stop(self) -> None:
        """Let `serve` end; safe to call from a signal handler."""
        self._stopping.set()

    def _accept(self) -> socket.socket | None:
        try:
            return self._listener.accept()[0]
        except OSError:  # nobody came, or went away again at once
            return None

    def _run(self, connection: socket.socket) -> None:
        try:
            self._converse(connection)
        except CallerRefused as refusal:
            _log.warning("caller_refused reason=%s", refusal.reason)
            with suppress(OSError):
                connection.sendall(encode_frame(Refused(refusal.code, refusal.reason)))
        except (OSError, SignerError):
            pass  # the other side went away, was silent, or spoke another language
        finally:
            with self._lock:
                self._open.discard(connection)
                self._threads.discard(threading.current_thread())
            connection.close()
            self._free.release()

    def _converse(self, connection: socket.socket) -> None:
        admitted = self._gate.admit(connection, timeout_s=_FRAME_S)
        inner = admitted.connection
        with self._lock:  # inside of TLS it is another object, and the first has no socket any more
            self._open.discard(connection)
            self._open.add(inner)
        try:
            while not self._stopping.is_set():
                body = read_frame(inner, idle_s=_IDLE_S, frame_s=_FRAME_S)
                if body is None:
                    return
                frame = encode_frame(self._answer(body, is_keeper=admitted.is_keeper))
                inner.settimeout(_FRAME_S)
                inner.sendall(frame)
        except RequestMalformed as refusal:
            # what follows cannot be told from what came: say so once and hang up
            inner.settimeout(_FRAME_S)
            inner.sendall(encode_frame(Refused(refusal.code, refusal.reason)))
        finally:
            with self._lock:
                self._open.discard(inner)
            inner.close()

    def _answer(self, body: bytes, *, is_keeper: bool) -> Answer:
        return self._answering.answer(decode_request(body), is_keeper=is_keeper)

    def _purge(self) -> None:
        while not self._stopping.wait(_PURGE_EVERY_S):
            self._answering.purge()

    def _finish(self) -> None:
        with self._lock:
            connections, threads = list(self._open), list(self._threads)
        for connection in connections:
            # who waits for a request hears the end; who is at work still sends an answer
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RD)
        for thread in threads:
            thread.join(_FINISH_S)
