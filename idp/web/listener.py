"""The operator's listener: metrics and the details of readiness, on a port of their own.

What lives here: a small HTTP server in a thread.  It is never the public one: what it tells is
for the operator's own network.  It writes no lines and reads nothing but the path.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from idp.errors import SettingsInvalid
from idp.web.health import Health

_METRICS_TYPE: Final = "text/plain; version=1.0.0; charset=utf-8"
_PATIENCE_S: Final = 10


class Listener:
    """Serves `/metrics`, `/readyz` (with details) and `/healthz`.

    Takes   setting: the name of the setting to blame when the port is taken.
    Raises  SettingsInvalid when the port is taken.
    """

    def __init__(self, host: str, *, port: int, setting: str) -> None:
        try:
            self._server = _Server((host, port))
        except OSError as problem:
            raise SettingsInvalid(setting, reason="the port cannot be listened on") from problem
        self.port: int = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="antin-metrics", daemon=True
        )

    def start(self, *, metrics: Callable[[], bytes], health: Health) -> None:
        """Answer from now on; `metrics` gives the page."""
        self._server.metrics = metrics
        self._server.health = health
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    metrics: Callable[[], bytes]
    health: Health

    def __init__(self, address: tuple[str, int]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that goes away is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE_S
    server_version = "antin"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one of the three paths."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, _METRICS_TYPE, self.server.metrics())
        elif path == "/readyz":
            details = dict(self.server.health.details())
            is_draining = self.server.health.is_draining()
            is_ready = all(details.values()) and not is_draining
            body = {"ready": is_ready, "draining": is_draining, "stores": details}
            self._answer(200 if is_ready else 503, "application/json", json.dumps(body).encode())
        elif path == "/healthz":
            self._answer(200, "text/plain", b"ok\n")
        else:
            self._answer(404, "text/plain", b"not found\n")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Silent: somebody reads every few seconds."""
