"""A connection to one address that was checked, with one deadline for all of it.

What lives here: sockets whose every wait is cut to what is left of the deadline, because a timeout
per wait lets a server that drips one byte a second hold us for ever; and connections of urllib3
that go to a given address while name, SNI, certificate and Host stay those of the URL.
Not here: which address that is (`door`).
"""

from __future__ import annotations

import math
import socket
import ssl
import time
from functools import cache
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection

from idp.egress.addresses import Address
from idp.egress.errors import EgressFailed


class Deadline:
    """A number of seconds that begins now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds left, above zero.

        Raises  TimeoutError when there are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._end


_NEVER: Final = Deadline(math.inf)


class _PlainSocket(socket.socket):
    """A TCP socket that keeps to `deadline`."""

    deadline: Deadline = _NEVER

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        self.settimeout(self.deadline.left_s)
        return super().recv_into(*arguments, **options)

    def sendall(self, *arguments: Any, **options: Any) -> None:
        self.settimeout(self.deadline.left_s)  # here a limit for the whole of it
        super().sendall(*arguments, **options)


class _TlsSocket(ssl.SSLSocket):
    """A TLS socket that keeps to `deadline`."""

    deadline: Deadline = _NEVER

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        self.settimeout(self.deadline.left_s)
        return super().recv_into(*arguments, **options)

    def send(self, *arguments: Any, **options: Any) -> int:
        self.settimeout(self.deadline.left_s)
        return super().send(*arguments, **options)


def make_tls_context(ca_file: str | None) -> ssl.SSLContext:
    """The system's trust anchors and those of `ca_file` (PEM); TLS 1.2 or later."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    context.sslsocket_class = _TlsSocket
    return context


@cache
def system_tls() -> ssl.SSLContext:
    """The system's trust anchors alone, read at the first call: 20 ms that most starts need not."""
    return make_tls_context(None)


def open_connection(
    host: str,
    *,
    port: int,
    addresses: tuple[Address, ...],
    tls: ssl.SSLContext | None,
    deadline: Deadline,
) -> HTTPConnection:
    """Connect to the first of `addresses` that answers; nothing is resolved here.

    Takes   host: as in the URL, for SNI, the certificate and the Host field; tls: None for http.
    Raises  EgressFailed (`unreachable`); TimeoutError; ssl.SSLError.
    """
    connection: HTTPConnection
    if tls is None:
        connection = _Pinned(host, port, timeout=None)
    else:
        connection = _PinnedTls(host, port, timeout=None, ssl_context=tls)
    connection.reached = connect_to(addresses, port=port, deadline=deadline)
    try:
        connection.connect()
        keep_to(connection.sock, deadline=deadline)
    except BaseException:
        connection.reached.close()
        connection.close()
        raise
    return connection


class _Pinned(HTTPConnection):
    reached: _PlainSocket

    def _new_conn(self) -> socket.socket:
        return self.reached


class _PinnedTls(HTTPSConnection):
    reached: _PlainSocket

    def _new_conn(self) -> socket.socket:
        return self.reached


def keep_to(connected: object, *, deadline: Deadline) -> None:
    """Let a socket of this file, or what TLS made of it, keep to `deadline`."""
    if not isinstance(connected, _PlainSocket | _TlsSocket):
        raise TypeError("a socket without a deadline")
    connected.deadline = deadline


def connect_to(addresses: tuple[Address, ...], *, port: int, deadline: Deadline) -> _PlainSocket:
    """A socket that keeps to `deadline`, to the first of `addresses` that answers.

    Raises  EgressFailed: `unreachable`, `timed_out`.
    """
    problem: OSError | None = None
    for remaining, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        reached = _PlainSocket(family, socket.SOCK_STREAM)
        try:
            # an address that does not answer leaves time for those after it
            reached.settimeout(deadline.left_s / remaining)
            reached.connect((str(address), port))
            reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reached.settimeout(deadline.left_s)  # the handshake takes it over as its limit
        except OSError as failure:
            reached.close()
            problem = failure
        else:
            reached.deadline = deadline
            return reached
    raise EgressFailed("timed_out" if deadline.is_over else "unreachable") from problem
