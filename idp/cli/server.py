"""Granian as we run it: it says goodbye before it stops.

What lives here: draining.  Told to end, the processes go on as before while `/readyz` tells the
load balancer to send nobody here any more; after that connections close and running requests
finish.  Also here: looking whether anybody is served on the port, because a second server would
start without an error and share its traffic.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
from typing import Any, Protocol

from granian.server.mp import MPServer

from idp.errors import SettingsInvalid


class _WithoutAdvice(logging.Filter):
    """The server remarks on every number of threads and workers that it did not choose itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Config")


class Flag(Protocol):
    """A word in memory that the parent writes and its workers read."""

    value: bool


class DrainingServer(MPServer):
    """Takes   draining: raised when the end is announced; drain_s: how long before it comes.

    A second signal, or Ctrl-C at a terminal (which the workers get as well), ends it at once.
    """

    def __init__(self, target: str, *, draining: Flag, drain_s: int, **options: Any) -> None:
        super().__init__(target, **options)
        logging.getLogger("_granian").addFilter(_WithoutAdvice())
        self._draining = draining
        self._drain_s = drain_s

    def signal_handler_interrupt(self, number: int = 0, _frame: object = None) -> None:
        """What Granian calls for TERM and INT, in the main thread."""
        if number != signal.SIGTERM or self._draining.value or self._drain_s == 0:
            self._draining.value = True
            super().signal_handler_interrupt()  # type: ignore[no-untyped-call]  # Granian's
            return
        self._draining.value = True
        later = threading.Timer(self._drain_s, super().signal_handler_interrupt)
        later.daemon = True
        later.start()


def refuse_taken_port(host: str, *, port: int) -> None:
    """Raise SettingsInvalid when the port cannot be listened on alone."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # without SO_REUSEPORT, so that a server that has it is in the way; connections of a server
        # that has just ended are not
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise SettingsInvalid(
                "ANTIN_PORT", reason=f"{host} port {port} is taken or not to be had"
            ) from problem
