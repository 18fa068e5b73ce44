"""The witness on the network: two small endpoints over `Witness`.

    POST /add-checkpoint     as the specification says
    GET  /latest/<hex>       the last checkpoint cosigned, for SHA-256 of an origin; ours, because
                             the specification does not say yet how others read a witness

What lives here: HTTP, with limits of its own because nobody stands before it: a deadline for each
request, a number of connections, a length of the body.  A witness asks nobody anything.
Source: C2SP tlog-witness; RFC 9110.  Not here: the judgement (`keystore/log/witness.py`).
"""

from __future__ import annotations

import hashlib
import io
import ssl
import threading
import time
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import TYPE_CHECKING, Any, Final

from keystore.log.errors import WitnessStateMissing
from keystore.log.witness import MOST_BYTES, TEXT_TYPE, Witness, WitnessAnswer

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_TIMEOUT_S: Final = 10
_MOST_CONNECTIONS: Final = 64
_MOST_SKIPPED: Final = 1024 * 1024
_LATEST: Final = "/latest/"
_FORGOTTEN: Final = WitnessAnswer(500, TEXT_TYPE, "state missing\n")


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness until `shutdown` is called.

    Takes   address: host and port, port 0 for any that is free; time: tells the time;
            tls: for https without a proxy in front; deadline_s: for a whole request, from the end
            of the one before it.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        *,
        witness: Witness,
        time: Callable[[], datetime],
        tls: ssl.SSLContext | None = None,
        deadline_s: float = _TIMEOUT_S,
    ) -> None:
        self.witness = witness
        self.time = time
        self._tls = tls
        self.deadline_s = deadline_s
        self._free = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self.origins = {
            hashlib.sha256(origin.encode()).hexdigest(): origin for origin in witness.origins
        }
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection, if there are not too many."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection in its thread; TLS begins here, where it holds up nobody."""
        try:
            request.settimeout(self.deadline_s)
            served: socket = request
            if self._tls is not None:
                served = self._tls.wrap_socket(request, server_side=True)
            super().process_request_thread(served, client_address)
        except OSError:
            self.shutdown_request(request)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is nobody's business."""


class _Incoming(io.RawIOBase):
    """What comes in, until a deadline; answers are bound by what is left then."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self.until_s = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        left_s = self.until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._connection.settimeout(left_s)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "antin-witness"
    sys_version = ""
    server: WitnessServer

    def setup(self) -> None:
        """Read through a deadline for the whole, so that a byte now and then keeps nobody."""
        super().setup()
        self.rfile.close()
        self._incoming = _Incoming(self.connection)
        self.rfile = io.BufferedReader(self._incoming)

    def handle_one_request(self) -> None:
        """One request; its deadline begins now."""
        self._incoming.until_s = time.monotonic() + self.server.deadline_s
        super().handle_one_request()

    def do_POST(self) -> None:
        """Take a checkpoint."""
        if self.path != "/add-checkpoint":
            self._send(WitnessAnswer(404, TEXT_TYPE, "not found\n"))
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > 9:
            self._refuse(411)
            return
        if int(length) > MOST_BYTES:
            self.rfile.read(min(int(length), _MOST_SKIPPED))  # or the answer would not be read
            self._refuse(413)
            return
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            self.close_connection = True
            return
        try:
            self._send(self.server.witness.add_checkpoint(body, now=self.server.time()))
        except WitnessStateMissing:
            self._send(_FORGOTTEN)

    def do_GET(self) -> None:
        """Show the last checkpoint of a log."""
        origin = None
        if self.path.startswith(_LATEST):
            origin = self.server.origins.get(self.path.removeprefix(_LATEST))
        try:
            note = None if origin is None else self.server.witness.latest(origin)
        except WitnessStateMissing:
            self._send(_FORGOTTEN)
            return
        if note is None:
            self._send(WitnessAnswer(404, TEXT_TYPE, "not found\n"))
        else:
            self._send(WitnessAnswer(200, TEXT_TYPE, note))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Nothing: what a witness knows is in its folder."""

    def _refuse(self, status: int) -> None:
        self.close_connection = True
        self._send(WitnessAnswer(status, TEXT_TYPE, "length\n"))

    def _send(self, answer: WitnessAnswer) -> None:
        body = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
