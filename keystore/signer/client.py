"""Asking the signer: what web workers and commands have in place of personal keys.

What lives here: `SignerClient`, with a pool of connections that belongs to one process.  The signer
may be killed and started again at any time: connections are made anew, for as long as the caller is
patient.  A request whose answer was lost is sent a second time, because each can be done once only:
if the first one got through, the second finds its confirmation spent, and the caller learns that
the outcome is unknown and asks the person for another.
Not here: what may be asked (`wire`), any key.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Final, TypeVar

from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.signer.errors import (
    ActivationSpent,
    OutcomeUnknown,
    RequestMalformed,
    SignerError,
    SignerUnavailable,
)
from keystore.signer.evidence import (
    EnrolmentEvidence,
    Evidence,
    StatementEvidence,
    WebauthnEvidence,
)
from keystore.signer.model import MadeKey
from keystore.signer.wire import (
    Activate,
    Address,
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
    decode_answer,
    encode_frame,
    parse_address,
    read_frame,
)

_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 0.5
_CONNECT_S: Final = 5.0
_MOST_IDLE: Final = 16

_Expected = TypeVar("_Expected", Signed, Made, Done, Here)


class SignerClient:
    """Asks one signer; safe for any number of threads, and after a fork.

    Takes   address: `unix:/path` or `tls://host:port`; tls: for the latter, see
            `gate.client_context`; patience_s: how long to try to connect before giving up;
            answer_s: how long an answer may take.
    """

    def __init__(
        self,
        address: str,
        *,
        tls: ssl.SSLContext | None = None,
        patience_s: float = 3.0,
        answer_s: float = 15.0,
    ) -> None:
        self._address: Address = parse_address(address)
        if (self._address.path is None) != (tls is not None):
            raise ValueError("signer_address")
        self._tls = tls
        self._patience_s = patience_s
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._process = os.getpid()

    def activate(self, activation: SignatureActivation, evidence: Evidence) -> tuple[bytes, ...]:
        """The signatures of the digests that a person confirmed, in their order.

        Raises  a subclass of SignerError as the signer raised it; SignerUnavailable;
                OutcomeUnknown when the signer went away and the confirmation is spent.
        """
        request = Activate(
            activation,
            assertion=evidence if isinstance(evidence, WebauthnEvidence) else None,
            statement=evidence if isinstance(evidence, StatementEvidence) else None,
        )
        return self._ask(request, Signed).signatures

    def make_key(self, enrolment: KeyEnrolment, evidence: EnrolmentEvidence) -> MadeKey:
        """A new signing key for an account.

        Raises  as `activate`.
        """
        return self._ask(MakeKey(enrolment, evidence), Made).key

    def suspend_key(self, key_id: str, *, reason: str) -> bool:
        """Let a key sign nothing; False when it did not anyway.

        Takes   reason: a lower_snake word, recorded.
        """
        return bool(self._ask(SuspendKey(key_id, reason), Done).changed)

    def suspend_keys_of(self, account_id: str, *, reason: str) -> int:
        """Let no key of an account sign; returns how many did until now."""
        return self._ask(SuspendKeysOf(account_id, reason), Done).changed

    def resume_key(self, key_id: str, *, reason: str) -> bool:
        """Let a suspended key sign again; False when it was not suspended.

        Raises  CallerRefused("not_a_keeper"), as do both that destroy.
        """
        return bool(self._ask(ResumeKey(key_id, reason), Done).changed)

    def destroy_key(self, key_id: str, *, reason: str) -> bool:
        """Forget a private half for ever; False when that had happened before.

        Raises  CallerRefused; DestructionBudgetSpent.
        """
        return bool(self._ask(DestroyKey(key_id, reason), Done).changed)

    def destroy_keys_of(self, account_id: str, *, reason: str) -> int:
        """Forget every private half of an account; returns how many there were.

        Raises  CallerRefused; DestructionBudgetSpent, after which some may be left.
        """
        return self._ask(DestroyKeysOf(account_id, reason), Done).changed

    def kek_ids(self) -> tuple[str, ...]:
        """Whether the signer is there: the ids of its root keys, the one in use first."""
        return self._ask(AreYouThere(), Here).kek_ids

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _ask(self, request: Request, expected: type[_Expected]) -> _Expected:
        frame = encode_frame(request)
        was_sent = False
        until_s = time.monotonic() + self._patience_s
        while True:
            connection = self._take(until_s)
            try:
                answer = self._exchange(connection, frame)
            except (OSError, RequestMalformed) as failure:
                connection.close()
                if time.monotonic() > until_s:
                    raise OutcomeUnknown from failure
                was_sent = True  # perhaps; see the head of this file
                time.sleep(_FIRST_PAUSE_S)
                continue
            self._give_back(connection)
            if isinstance(answer, Refused):
                refusal = answer.error()
                if was_sent and isinstance(refusal, ActivationSpent):
                    raise OutcomeUnknown from refusal
                raise refusal
            if not isinstance(answer, expected):
                raise SignerError("answer")
            return answer

    def _exchange(self, connection: socket.socket, frame: bytes) -> Answer:
        connection.settimeout(self._answer_s)
        with suppress(BrokenPipeError):  # who does not let us in has said so before hanging up
            connection.sendall(frame)
        body = read_frame(connection, idle_s=self._answer_s, frame_s=self._answer_s)
        if body is None:
            raise ConnectionResetError
        return decode_answer(body)

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
                    raise SignerUnavailable("connect") from failure
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
