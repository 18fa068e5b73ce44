"""The ear: connections, threads, frames, and the way from a message to an answer.

What lives here: `RoomServer`, which serves one listening socket until it is told to stop.  Whatever
comes in, an answer or nothing goes out.  Stopping finishes what is under way.  A slot belongs to
who was let in: whoever only connects, and says nothing at the door, is hung up on after a moment,
and at once when many others come.
Not here: who may connect (`gate`), what is answered.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from keystore.strongroom.errors import CallerRefused, RequestMalformed, RoomError
from keystore.strongroom.frames import Message, Refused, encode_frame, read_frame
from keystore.strongroom.gate import Admitted, Gate

_IDLE_S: Final = 60.0
_FRAME_S: Final = 10.0
_DOOR_S: Final = 3.0
_MOST_AT_DOOR: Final = 32
_LISTEN_S: Final = 0.5
_FINISH_S: Final = 30.0
_PURGE_EVERY_S: Final = 60


class Answers(Protocol):
    """What answers requests; safe for any number of threads."""

    def answer(self, request: Any, *, is_keeper: bool) -> Message:
        """The answer to one request; never raises.

        Takes   is_keeper: whether who asks may do what no person confirms.
        """

    def purge(self) -> None:
        """Forget what is over; never raises."""


class RoomServer:
    """Serves a listening socket with a thread per connection, and not more than `connections`.

    Takes   listener: bound and listening; it stays open, others may listen on it too; name:
            `signer` or another; decode_request: from `frames.make_decode`.
    """

    def __init__(
        self,
        listener: socket.socket,
        *,
        name: str,
        gate: Gate,
        decode_request: Callable[[bytes], Any],
        answering: Answers,
        connections: int = 64,
    ) -> None:
        self._name = name
        self._log = logging.getLogger(f"antin.{name}")
        self._decode = decode_request
        self._listener = listener
        self._gate = gate
        self._answering = answering
        self._free = threading.BoundedSemaphore(connections)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._at_door: dict[socket.socket, float] = {}
        self._threads: set[threading.Thread] = set()

    def serve(self) -> None:
        """Serve until `stop`; then finish what is under way and come back."""
        purger = threading.Thread(target=self._purge, name=f"{self._name}-purge", daemon=True)
        purger.start()
        self._listener.settimeout(_LISTEN_S)
        while not self._stopping.is_set():
            self._clear_door()
            if not self._free.acquire(timeout=_LISTEN_S):
                continue
            self._free.release()  # there is one; it is taken by who is let in
            connection = self._accept()
            if connection is None:
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
            self._log.warning("caller_refused reason=%s", refusal.reason)
            with suppress(OSError):
                connection.sendall(encode_frame(Refused(refusal.code, refusal.reason)))
        except (OSError, RoomError):
            pass  # the other side went away, was silent, or spoke another language
        finally:
            with self._lock:
                self._open.discard(connection)
                self._threads.discard(threading.current_thread())
            connection.close()

    def _admit(self, connection: socket.socket) -> Admitted:
        # inside of TLS it is another object, and the first has no socket any more: a handle of its
        # own hangs up on who is silent, whichever of the two it is by then
        handle = connection.dup()
        with self._lock:
            self._at_door[handle] = time.monotonic()
        try:
            return self._gate.admit(connection, timeout_s=_DOOR_S)
        finally:
            with self._lock:
                self._at_door.pop(handle, None)
            handle.close()

    def _clear_door(self) -> None:
        """Hang up on who has been at the door for too long, and on the first ones of too many."""
        with self._lock:
            now_s = time.monotonic()
            surplus = len(self._at_door) - _MOST_AT_DOOR
            for number, (handle, since_s) in enumerate(self._at_door.items()):
                if number < surplus or now_s - since_s > _DOOR_S:
                    with suppress(OSError):
                        handle.shutdown(socket.SHUT_RDWR)

    def _converse(self, connection: socket.socket) -> None:
        admitted = self._admit(connection)
        with self._lock:
            self._open.discard(connection)
            self._open.add(admitted.connection)
        with self._free:
            self._serve_one(admitted)

    def _serve_one(self, admitted: Admitted) -> None:
        inner = admitted.connection
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

    def _answer(self, body: bytes, *, is_keeper: bool) -> Message:
        return self._answering.answer(self._decode(body), is_keeper=is_keeper)

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
