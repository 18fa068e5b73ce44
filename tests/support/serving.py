"""`antin serve` as an operator starts it, over stores of the test's own.

What lives here: a production deployment in a folder, and the process over it with what it wrote.
Not here: the sandbox (`tests/support/sandbox.py`).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.ports import free_port
from tests.support.prepared import prepare_database
from tests.support.servers import wait_until

ISSUER: Final = "https://dang-nhap.example"
KEK: Final = "A" * 43
_START_TIMEOUT_S: Final = 90


@dataclass(slots=True)
class Serving:
    """A running `antin serve`."""

    process: subprocess.Popen[bytes]
    port: int
    metrics_port: int
    log: Path
    context: ssl.SSLContext | None = None

    def ask(self, path: str, *, method: str = "GET", **options: Any) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        with self.connect() as connection:
            connection.request(method, path, **options)
            answer: HTTPResponse = connection.getresponse()
            return answer.status, answer.read()

    @contextmanager
    def connect(self) -> Iterator[HTTPConnection]:
        """A connection."""
        connection = (
            HTTPConnection("127.0.0.1", self.port, timeout=120)
            if self.context is None
            else HTTPSConnection("localhost", self.port, timeout=120, context=self.context)
        )
        try:
            yield connection
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether anybody is served here now."""
        try:
            return self.ask("/healthz")[0] == 200
        except OSError:
            return False

    def ask_operator(self, path: str) -> tuple[int, bytes]:
        """One request to the operator's listener."""
        connection = HTTPConnection("127.0.0.1", self.metrics_port, timeout=120)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def lines(self) -> list[dict[str, Any]]:
        """What it wrote, every line of which must be JSON."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def worker_pids(self) -> set[int]:
        """Process ids of the workers, as the kernel lists them."""
        found = set()
        for status in Path("/proc").glob("[0-9]*/status"):
            with suppress(OSError):
                text = status.read_text()
                command = status.with_name("cmdline").read_bytes()
                if f"\nPPid:\t{self.process.pid}\n" in text and b"spawn_main" in command:
                    found.add(int(status.parent.name))
        return found


def prepare(folder: Path, *, database_url: str = "") -> dict[str, str]:
    """A production deployment in `folder`; returns its settings as variables."""
    url = database_url or f"sqlite:///{folder / 'antin.db'}"
    prepare_database(url, is_sandbox=False)
    return {
        "ANTIN_ISSUER": ISSUER,
        "ANTIN_VAR": str(folder),
        "ANTIN_DATABASE_URL": url,
        "ANTIN_KEK": KEK,
        "ANTIN_DRAIN_S": "0",
    }


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of the tests with these settings and no others."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ANTIN_")}
    return {**kept, **settings}


@contextmanager
def serving(
    settings: Mapping[str, str],
    *,
    folder: Path,
    context: ssl.SSLContext | None = None,
    command: tuple[str, ...] = ("serve",),
) -> Iterator[Serving]:
    """Start it on free ports; nothing of it is left behind."""
    port, metrics_port = free_port(), free_port()
    given = {"ANTIN_PORT": str(port), "ANTIN_METRICS_PORT": str(metrics_port), **settings}
    log = folder / "serve.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("antin")), *command],
            env=environment(given),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    served = Serving(process, port, metrics_port, log, context)
    try:
        wait_until(lambda: _is_up(served), what="antin serve", timeout_s=_START_TIMEOUT_S)
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(120)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_up(served: Serving) -> bool:
    if served.process.poll() is not None:
        pytest.fail(f"it ended: {served.log.read_text(errors='replace')[-3000:]}")
    return served.answers()


def is_listening(port: int) -> bool:
    """Whether connections to the port are taken."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
