"""Functions that a taken-over parser might run: each tries a wall, and says what happened.

What lives here: tasks beside their functions, loaded by processes that tests start with this
module in their table.  Not here: what the walls answer (`tests/signing/isolation`).
"""

from __future__ import annotations

import ctypes
import importlib
import mmap
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from signing.errors import DocumentRefused
from signing.isolation.task import Task

_HERE: Final = "tests.support.hostile_tasks"


class Try(msgspec.Struct, frozen=True):
    """Which attempt, with what."""

    what: str
    number: int = 0
    text: str = ""


class Happened(msgspec.Struct, frozen=True):
    """What came of it."""

    outcome: str
    number: int = 0


class Other(msgspec.Struct, frozen=True):
    """Not the answer that was promised."""

    outcome: int


def _refusal(attempt: Callable[[], object]) -> str:
    try:
        return f"done: {attempt()!r:.200}"
    except (OSError, RuntimeError, ValueError) as failure:
        return type(failure).__name__


def _thread() -> None:
    threading.Thread(target=print).start()


def _signal_parent() -> None:
    os.kill(os.getppid(), signal.SIGTERM)


def _executable_memory() -> object:
    return mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def _memory_of_others() -> object:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, os.getppid(), 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return "attached"


_WALLS: Final[dict[str, Callable[[], object]]] = {
    "open a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "look for a file": lambda: os.stat("/etc/passwd"),  # noqa: PTH116  a call, not a path
    "make a file": lambda: os.open("/antin-was-here", os.O_CREAT | os.O_WRONLY),
    "list a folder": lambda: list(Path("/").iterdir()),
    "remove a file": Path("/antin-is-not-there").unlink,
    "open memory": lambda: os.memfd_create("more"),
    "connect": lambda: socket.create_connection(("127.0.0.1", 1), timeout=1),
    "make a socket": socket.socket,
    "make a pair of sockets": socket.socketpair,
    "make a pipe": os.pipe,
    "fork": os.fork,
    "start a program": lambda: subprocess.run(["/bin/true"], check=False),
    "become a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606  tried, refused
    "start a thread": _thread,
    "kill its parent": _signal_parent,
    "raise its limits": lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
    "ignore a signal": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "trace its parent": _memory_of_others,
    "run its data": _executable_memory,
    "change its root": lambda: os.chroot("/"),
    "become another user": lambda: os.setuid(1),
}
ATTEMPTS: Final = tuple(_WALLS)


def attempt(asked: Try, _inputs: Sequence[memoryview], _output: BinaryIO) -> Happened:
    """Try a wall."""
    return Happened(_refusal(_WALLS[asked.what]))


def look_around(_asked: Try, _inputs: Sequence[memoryview], _output: BinaryIO) -> Happened:
    """The environment and the open descriptors."""
    found = []
    for fd in range(256):
        try:
            os.fstat(fd)
        except OSError:
            continue
        found.append(fd)
    return Happened(repr(dict(os.environ)), len(found))


def count(_asked: Try, inputs: Sequence[memoryview], output: BinaryIO) -> Happened:
    """The smallest job; what came in goes out."""
    output.writelines(inputs)
    return Happened("counted", sum(len(view) for view in inputs))


def look_at(_asked: Try, inputs: Sequence[memoryview], _output: BinaryIO) -> Happened:
    """The last byte of the last input."""
    return Happened("looked", inputs[-1][-1])


def misbehave(asked: Try, inputs: Sequence[memoryview], output: BinaryIO) -> msgspec.Struct:
    """Do what no function should."""
    done = _MISDEEDS[asked.what](asked, inputs, output)
    return done if isinstance(done, msgspec.Struct) else Happened("misbehaved", len(inputs))


_kept: list[object] = []


def warm_up() -> None:
    """Look for a module that there is not, while everything is still warmed up."""
    _hide("missing_on_purpose")


def _raise(failure: Exception) -> None:
    raise failure


def _hide(name: str) -> None:
    with suppress(ImportError):
        importlib.import_module(name)


def _loop() -> None:
    while True:
        pass


def _appear() -> None:
    sys.modules["appeared_from_nowhere"] = sys


def _write_much(output: BinaryIO, size: int) -> None:
    output.seek(size - 1)
    output.write(b"x")


def _keep_output(output: BinaryIO) -> None:
    output.truncate(4096)
    _kept.append(mmap.mmap(output.fileno(), 4096))


def _keep_descriptor(asked: Try, output: BinaryIO) -> None:
    """Fill the output, keep it, and look like somebody who has nothing to say."""
    output.truncate(asked.number)
    _kept.append(os.dup(output.fileno()))
    raise DocumentRefused("encrypted")


def _refuse_mapped(output: BinaryIO) -> None:
    _keep_output(output)
    raise DocumentRefused("encrypted")


def _write_later(_asked: Try) -> Happened:
    """What became of the output of the job before."""
    fd = _kept[-1]
    size = os.fstat(int(str(fd))).st_size
    return Happened(_refusal(lambda: os.pwrite(int(str(fd)), b"x" * 4096, 0)), size)


def _write_to_input(view: memoryview) -> None:
    view[0] = 1


def _speak(said: bytes) -> None:
    """Through its one way out."""
    way_out = next(fd for fd in range(3, 64) if _is_socket(fd))
    os.write(way_out, said)


def _is_socket(fd: int) -> bool:
    with suppress(OSError):
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    return False


_MISDEEDS: Final[dict[str, Callable[[Try, Sequence[memoryview], BinaryIO], object]]] = {
    "refuse": lambda asked, _inputs, _output: _raise(DocumentRefused(asked.text)),
    "raise": lambda asked, _inputs, _output: _raise(KeyError(asked.text)),
    "take memory": lambda asked, _inputs, _output: Happened("", len(bytearray(asked.number))),
    "write much": lambda asked, _inputs, output: _write_much(output, asked.number),
    "loop": lambda _asked, _inputs, _output: _loop(),
    "sleep": lambda asked, _inputs, _output: time.sleep(asked.number),
    "touch nothing": lambda _asked, _inputs, _output: ctypes.string_at(1),
    "abort": lambda _asked, _inputs, _output: os.abort(),
    "leave": lambda _asked, _inputs, _output: os._exit(0),
    "import": lambda asked, _inputs, _output: importlib.import_module(asked.text),
    "import and hide it": lambda asked, _inputs, _output: _hide(asked.text),
    "let a module appear": lambda _asked, _inputs, _output: _appear(),
    "answer otherwise": lambda _asked, _inputs, _output: Other(1),
    "speak unasked": lambda asked, _i, _o: _speak(bytes.fromhex(asked.text)),
    "keep the output": lambda _asked, _inputs, output: _keep_output(output),
    "keep the descriptor": lambda asked, _inputs, output: _keep_descriptor(asked, output),
    "keep the output, refused": lambda _asked, _inputs, output: _refuse_mapped(output),
    "write later": lambda asked, _inputs, _output: _write_later(asked),
    "write to an input": lambda _asked, inputs, _output: _write_to_input(inputs[0]),
}

COUNT: Final = Task(f"{_HERE}:count", Try, Happened)
ATTEMPT: Final = Task(f"{_HERE}:attempt", Try, Happened)
LOOK_AROUND: Final = Task(f"{_HERE}:look_around", Try, Happened)
LOOK_AT: Final = Task(f"{_HERE}:look_at", Try, Happened)
MISBEHAVE: Final = Task(f"{_HERE}:misbehave", Try, Happened)
