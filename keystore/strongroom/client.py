"""Asking a process that keeps a secret: what web workers and commands have in place of it.

What lives here: `RoomClient`, with a pool of connections that belongs to one process.  The other
side may be killed and started again at any time: connections are made anew, for as long as the
caller is patient.  A request whose answer was lost is sent a second time, because each can be done
once only: if the first one got through, the second is refused as done before, and the caller learns
that the outcome is unknown.  So it does when nobody is there any more to be asked a second time:
`unavailable` means that nothing was sent.  Not here: what may be asked, any secret.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import ClassVar, Final, TypeVar

from keystore.strongroom.errors import RequestMalformed, RoomError, RoomUnavailable
from keystore.strongroom.frames import (
    Address,
    Message,
    Refused,
    encode_frame,
    parse_address,
    read_frame,
)

_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 0.5
_CONNECT_S: Final = 5.0
_MOST_IDLE: Final = 16
_QUEUE_S: Final = 0.3

_Expected = TypeVar("_Expected", bound=Message)


class RoomClient(ABC):
    """Asks one such process; safe for any number of threads, and after a fork.

    Takes   address: `unix:/path` or `tls://host:port`; tls: for the latter, see
            `gate.client_context`; patience_s: how long to try to connect before giving up;
            answer_s: how long an answer may take; most_at_once: how many threads may be in here
            together, so that a room that hangs keeps no more of them from other work; queue_s: how
            long who comes beside them waits before being told that nobody answers.
    A subclass says how answers are read, how long one usually may take, and which errors they
    are here.
    """

    usual_answer_s: ClassVar[float] = 15.0
    refusals: ClassVar[Mapping[str, type[RoomError]]] = {}
    refused: ClassVar[type[RoomError]] = RoomError
    malformed: ClassVar[type[RoomError]] = RequestMalformed
    unavailable: ClassVar[type[RoomError]] = RoomUnavailable
    outcome_unknown: ClassVar[type[RoomError]] = RoomUnavailable

    def __init__(
        self,
        address: str,
        *,
        tls: ssl.SSLContext | None = None,
        patience_s: float = 3.0,
        answer_s: float | None = None,
        most_at_once: int | None = None,
        queue_s: float = _QUEUE_S,
    ) -> None:
        self._address: Address = parse_address(address)
        if (self._address.path is None) != (tls is not None):
            raise ValueError("address")
        self._tls = tls
        self._patience_s = patience_s
        self._answer_s = self.usual_answer_s if answer_s is None else answer_s
        self._most_at_once = most_at_once
        self._queue_s = queue_s
        self._slots = threading.Condition()
        self._slots_of = os.getpid()
        self._asking = 0
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._process = os.getpid()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @abstractmethod
    def decode(self, raw: bytes) -> Message:
        """An answer out of its frame.

        Raises  RequestMalformed.
        """

    def is_in_doubt(self, answer: Message) -> bool:  # noqa: ARG002 - for subclasses to look at
        """Whether this answer to a request that was sent twice may be the echo of the first."""
        return False

    def ask(self, request: Message, expected: type[_Expected]) -> _Expected:
        """The answer to one request.

        Raises  a refusal as it was raised on the other side; `unavailable`: nothing was sent;
                `outcome_unknown`: it was sent, and nobody said whether it was done.
        """
        try:
            frame = encode_frame(request)
        except RequestMalformed as refusal:
            raise self.malformed(refusal.reason) from refusal
        with self._slot():
            return self._ask(frame, expected)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if self._most_at_once is None:
            yield
            return
        most, process = self._most_at_once, os.getpid()
        with self._slots:
            if self._slots_of != process:  # a child's threads are its own
                self._slots_of, self._asking = process, 0
            if not self._slots.wait_for(lambda: self._asking < most, timeout=self._queue_s):
                raise self.unavailable("busy")
            self._asking += 1
        try:
            yield
        finally:
            with self._slots:
                self._asking -= 1
                self._slots.notify()

    def _ask(self, frame: bytes, expected: type[_Expected]) -> _Expected:
        was_sent = False
        until_s = time.monotonic() + self._patience_s
        while True:
            try:
                connection = self._take(until_s)
            except self.unavailable as away:
                if was_sent:
                    raise self.outcome_unknown from away
                raise
            try:
                answer = self._exchange(connection, frame)
            except (OSError, RequestMalformed) as failure:
                connection.close()
                if time.monotonic() > until_s:
                    raise self.outcome_unknown from failure
                was_sent = True  # perhaps; see the head of this file
                time.sleep(_FIRST_PAUSE_S)
                continue
            self._give_back(connection)
            if was_sent and self.is_in_doubt(answer):
                raise self.outcome_unknown
            if isinstance(answer, Refused):
                told = answer.error(self.refusals, otherwise=self.refused)
                if was_sent and isinstance(told, self.unavailable):
                    raise self.outcome_unknown from told
                raise told
            if not isinstance(answer, expected):
                raise self.refused("answer")
            return answer

    def _exchange(self, connection: socket.socket, frame: bytes) -> Message:
        connection.settimeout(self._answer_s)
        with suppress(BrokenPipeError):  # who does not let us in has said so before hanging up
            connection.sendall(frame)
        body = read_frame(connection, idle_s=self._answer_s, frame_s=self._answer_s)
        if body is None:
            raise ConnectionResetError
        return self.decode(body)

    def _take(self, until_s: float) -> socket.socket:
        with self._lock:
            if os.getpid() != self._process:  # a child must not speak over its parent's connections
                self._process = os.getpid()
                self._idle.clear()
            while self._idle:
                connection = self._idle.pop()
                if _is_open(connection):
                    return connection
                connection.close()
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return self._connect()
            except OSError as failure:
                if time.monotonic() + pause_s > until_s:
                    raise self.unavailable("connect") from failure
            time.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)

    def _connect(self) -> socket.socket:
        if self._address.path is not None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.settimeout(_CONNECT_S)
                connection.connect(str(self._address.path))
            except OSError:
                connection.close()
                raise
            return connection
        plain = socket.create_connection(
            (self._address.host, self._address.port), timeout=_CONNECT_S
        )
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                raise ConnectionError
            return self._tls.wrap_socket(plain, server_hostname=self._address.host)
        except OSError:
            plain.close()
            raise

    def _give_back(self, connection: socket.socket) -> None:
        with self._lock:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        with suppress(OSError):
            connection.close()


def _is_open(connection: socket.socket) -> bool:
    # nothing is on its way to us between two requests: what can be read is the end
    connection.settimeout(0)
    try:
        socket.socket.recv(connection, 1, socket.MSG_PEEK)  # also inside of TLS: the bare socket
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
