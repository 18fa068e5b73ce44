"""The processes of a strongroom: a parent that holds the socket, and children that hold the secret.

What lives here: starting the children, starting again what was killed, stopping them.  The parent
opens nothing.  Nothing is inherited but the listening socket (`spawn`), so a session to a
hardware module begins in the process that uses it.  Connections made while a child is being started
again wait in the socket's queue and are served by the next one.  A child whose PIN was refused is
not started again: a few wrong PINs lock a token, and the next child has the same one.
Not here: what a child does (`server`).
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Final

from keystore.backends.errors import TokenPinRefused
from keystore.strongroom.hardening import end_with_parent, harden_process
from keystore.strongroom.server import RoomServer

_POLL_S: Final = 0.5
_GRACE_S: Final = 35.0
"""Longer than a server takes to finish what is under way."""
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 3.0
_LIVED_WELL_S: Final = 30.0

PIN_REFUSED: Final = 77
"""Exit status: the token refused the PIN.  Whatever starts processes again shall not, for this."""

MakeServer = Callable[[socket.socket], RoomServer]


class RoomProcesses:
    """Keeps `count` children alive on one listening socket.

    Takes   name: `signer` or another, for names of processes and lines of the log; make_server:
            builds the server inside of a child; picklable, such as a `functools.partial` of a
            function and the settings.
    """

    def __init__(
        self, listener: socket.socket, *, name: str, make_server: MakeServer, count: int = 1
    ) -> None:
        self._name = name
        self._log = logging.getLogger(f"antin.{name}")
        self._listener = listener
        self._make_server = make_server
        self._context = multiprocessing.get_context("spawn")
        self._count = count
        self._children: list[BaseProcess] = []
        self._stopping = threading.Event()
        self._is_pin_refused = False

    def watch(self) -> bool:
        """Start the children, start again whichever ends, until `stop`; then end them.

        Returns False when it ended by itself: no child is left, and the token refused the PIN.
        """
        pause_s = 0.0
        started_s = time.monotonic()
        while not self._stopping.is_set():
            while len(self._children) < self._count and not self._is_pin_refused:
                self._children.append(self._start())
                started_s = time.monotonic()
            wait([child.sentinel for child in self._children], timeout=_POLL_S)
            ended = [child for child in self._children if not child.is_alive()]
            self._children = [child for child in self._children if child.is_alive()]
            if ended and not self._stopping.is_set():
                self._log.error("%s_process_died exit_code=%s", self._name, ended[0].exitcode)
                if any(child.exitcode == PIN_REFUSED for child in ended):
                    self._log.error("%s_pin_refused", self._name)
                    self._is_pin_refused = True
                if self._is_pin_refused and not self._children:
                    return False  # until then those that are logged in go on
                lived_well = time.monotonic() - started_s > _LIVED_WELL_S
                pause_s = _FIRST_PAUSE_S if lived_well or not pause_s else pause_s * 2
                pause_s = min(_LONGEST_PAUSE_S, pause_s)
                self._stopping.wait(pause_s)
        self._finish()
        return True

    def stop(self) -> None:
        """Let `watch` end; safe to call from a signal handler."""
        self._stopping.set()

    def _start(self) -> BaseProcess:
        child = self._context.Process(
            target=_run_child,
            args=(self._listener, self._make_server, self._name, os.getpid()),
            name=f"antin-{self._name}",
            daemon=True,
        )
        child.start()
        return child

    def _finish(self) -> None:
        for child in self._children:
            child.terminate()
        until_s = time.monotonic() + _GRACE_S
        for child in self._children:
            child.join(max(0.0, until_s - time.monotonic()))
            if child.is_alive():
                child.kill()
                child.join()


def _run_child(listener: socket.socket, make_server: MakeServer, name: str, parent: int) -> None:
    stop_early = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop_early.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells the parent, who tells us
    harden_process()
    end_with_parent(parent)
    try:
        server = make_server(listener)
    except TokenPinRefused:
        sys.exit(PIN_REFUSED)
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    logging.getLogger(f"antin.{name}").info("%s_process_ready", name)
    if stop_early.is_set():
        return
    server.serve()
