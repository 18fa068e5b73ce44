"""Processes under test: started on their core, waited for, stopped, and weighed.

What lives here: one context manager, and memory and processor time of what it started.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.machine import ROOT, pinned

_START_WITHIN_S: Final = 60
_STOP_WITHIN_S: Final = 15


class DidNotStart(Exception):
    """A process ended, or did not listen in time; carries the end of what it said."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers on `port` of the loopback interface."""

    pid: int
    port: int

    def pids(self) -> tuple[int, ...]:
        """All processes of its tree."""
        return tuple(_tree(self.pid))

    def worker_memory_mib(self) -> float:
        """Resident memory of the largest process of its tree: the worker, in MiB."""
        return max(_resident_kib(pid) for pid in _tree(self.pid)) / 1024

    def cpu_s(self) -> float:
        """Processor time that its tree has used so far, in seconds."""
        return sum(_cpu_s(pid) for pid in _tree(self.pid))


@contextmanager
def run(
    command: Sequence[str], *, port: int, core: int, log: Path, environ: Mapping[str, str]
) -> Iterator[Running]:
    """Start a server pinned to `core` and yield once it listens; nothing of it is left behind."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*pinned(core), *command],
            cwd=ROOT,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, port=port, log=log)
        yield Running(process.pid, port)
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], *, port: int, log: Path) -> None:
    end = time.monotonic() + _START_WITHIN_S
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise DidNotStart(log.read_text(errors="replace")[-3000:])
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_WITHIN_S)
    with suppress(ProcessLookupError):
        # what it started and left behind is in its own group
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _cpu_s(pid: int) -> float:
    # behind the name, which may hold anything: fields 14 and 15 of proc(5), user and system time
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


def peak_mib(pid: int) -> float:
    """The most memory that each process of a tree held so far, together, in MiB."""
    return sum(_status_kib(one, "VmHWM") for one in _tree(pid)) / 1024


def forget_peak() -> None:
    """Let this process's own peak begin anew (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def _resident_kib(pid: int) -> int:
    return _status_kib(pid, "VmRSS")


def _status_kib(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0
