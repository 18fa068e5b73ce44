"""An https server of the relying party's own: takes back-channel logouts, serves request objects.

What lives here: `Receiver`, a thread that keeps what is posted to it.
Source: Back-Channel Logout 1.0 §2.5, §2.8.  Not here: what a logout token must say (`tokens.py`).
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl

from tests.relying_party.certificates import Certificates
from tests.support.quiet_server import QuietServer

BACKCHANNEL_PATH = "/backchannel_logout"
REQUEST_OBJECT_PATH = "/request.jwt"


@dataclass(frozen=True, slots=True)
class Posted:
    """One request to the back-channel logout address."""

    path: str
    content_type: str
    form: tuple[tuple[str, str], ...] = field(repr=False)


class Receiver:
    """Listens on a loopback port over https until it is closed."""

    def __init__(self, certificates: Certificates) -> None:
        """Start listening."""
        self._arrived = threading.Condition()
        self._posted: list[Posted] = []
        self.request_object = ""
        self.fetched = 0
        self._server = QuietServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, wanted: Callable[[Posted], bool], *, timeout_s: float = 20) -> Posted:
        """The first request that is wanted; fails when none comes in time."""
        end = time.monotonic() + timeout_s
        with self._arrived:
            while True:
                for posted in self._posted:
                    if wanted(posted):
                        return posted
                left = end - time.monotonic()
                assert left > 0, f"no back-channel logout within {timeout_s} s"
                self._arrived.wait(left)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                form = tuple(parse_qsl(body.decode("ascii"), keep_blank_values=True))
                kind = self.headers.get("content-type", "")
                with receiver._arrived:
                    receiver._posted.append(Posted(self.path, kind, form))
                    receiver._arrived.notify_all()
                self.send_response(200)
                self.send_header("Cache-Control", "no-store")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                body = receiver.request_object.encode()
                receiver.fetched += 1
                self.send_response(200)
                self.send_header("Content-Type", "application/oauth-authz-req+jwt")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler
