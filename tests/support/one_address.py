"""One address before several servers: a balancer as small as it can be.

What lives here: `OneAddress`.  Connections go to the servers in turn, to the next one when a server
does not accept; a connection that was accepted and then cut stays cut.  Not here: HTTP.
"""

from __future__ import annotations

import contextlib
import itertools
import selectors
import socket
import socketserver
import threading
from collections.abc import Sequence
from typing import Final

_PIECE: Final = 65_536


class OneAddress:
    """Listens on a loopback port until it is closed; `ports` may be set at any time."""

    def __init__(self, ports: Sequence[int] = ()) -> None:
        self.ports = tuple(ports)
        self._turn = itertools.count()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer._carry(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _carry(self, near: socket.socket) -> None:
        far = self._connect()
        if far is None:
            return
        with far, contextlib.suppress(OSError), selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in ready.select():
                    piece = key.fileobj.recv(_PIECE)  # type: ignore[union-attr]  # only sockets are registered
                    if not piece:
                        return
                    key.data.sendall(piece)

    def _connect(self) -> socket.socket | None:
        start = next(self._turn)
        for offset in range(len(self.ports)):
            port = self.ports[(start + offset) % len(self.ports)]
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=120)
            except OSError:
                continue
        return None
