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
import ssl
import threading
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any, Final

from keystore.log.witness import MOST_BYTES, TEXT_TYPE, Witness, WitnessAnswer

_TIMEOUT_S: Final = 10
_MOST_CONNECTIONS: Final = 64
_MOST_SKIPPED: Final = 1024 * 1024
_LATEST: Final = "/latest/"


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness until `shutdown` is called.

    Takes   address: host and port, port 0 for any that is free; time: tells the time;
            tls: for https without a proxy in front.
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
    ) -> None:
        self.witness = witness
        self.time = time
        self._tls = tls
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
            request.settimeout(_TIMEOUT_S)
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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "antin-witness"
    sys_version = ""
    timeout = _TIMEOUT_S
    server: WitnessServer

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
        self._send(self.server.witness.add_checkpoint(body, now=self.server.time()))

    def do_GET(self) -> None:
        """Show the last checkpoint of a log."""
        origin = None
        if self.path.startswith(_LATEST):
            origin = self.server.origins.get(self.path.removeprefix(_LATEST))
        note = None if origin is None else self.server.witness.latest(origin)
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
