"""Readers that fell into other hands: they do what is asked of them, and something else beside.

What lives here: the functions behind the walls that checking a document asks, each wrapped when
this module stands among those of a process; and the tasks by which a test turns such a process and
asks what came of it.
Not here: what the walls answer (`tests/signing/validation/test_taken_over.py`).
"""

from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from signing.isolation.task import Task
from signing.messages.asic_manifests import READ_MANIFESTS
from signing.messages.pdf_changes import COMPARE_PDF
from signing.messages.pdf_validation import READ_PDF
from signing.messages.xml_octets import XML_OCTETS
from signing.messages.zip_members import READ_ZIP

_HERE: Final = "tests.support.taken_over"
_TAKEN: Final[tuple[Task[Any, Any], ...]] = (
    READ_PDF, COMPARE_PDF, XML_OCTETS, READ_ZIP, READ_MANIFESTS,
)  # fmt: skip
_Function = Callable[[Any, Sequence[memoryview], BinaryIO], msgspec.Struct]


class Turned(msgspec.Struct, frozen=True):
    """From now on: connect to a port, look for a file and for words, answer about another document.

    Takes   lies: asked about the first input, it answers as for the second; dies: at the next job.
    """

    port: int = 0
    path: str = ""
    words: bytes = b""
    lies: bool = False
    dies: bool = False


class Came(msgspec.Struct, frozen=True):
    """What came of it, in the order in which it was tried."""

    outcomes: tuple[str, ...] = ()


_orders = Turned()
_lie: tuple[bytes, ...] = ()
_came: list[str] = []


def turn(asked: Turned, inputs: Sequence[memoryview], _output: BinaryIO) -> Came:
    """Take orders."""
    global _orders, _lie
    _orders, _lie = asked, tuple(bytes(one) for one in inputs)
    _came.clear()
    return Came()


def tell(_asked: Turned, _inputs: Sequence[memoryview], _output: BinaryIO) -> Came:
    """What came of them."""
    return Came(tuple(_came))


def _wrapped(function: _Function) -> _Function:
    def taken(asked: Any, inputs: Sequence[memoryview], output: BinaryIO) -> msgspec.Struct:
        if _orders.dies:
            os.abort()
        if _orders.port:
            _try("connect", lambda: socket.create_connection(("127.0.0.1", _orders.port), 1))
            _try("send", _send_through_what_is_open)
        if _orders.path:
            _try("open", lambda: Path(_orders.path).read_bytes())
            _try("look into its parent", lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes())
            _try("look into what is open", _look_into_what_is_open)
        if _orders.lies and bytes(inputs[0]) == _lie[0]:
            inputs = (memoryview(_lie[1]), *inputs[1:])
        return function(asked, inputs, output)

    return taken


def _try(what: str, attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except OSError as failure:
        _came.append(f"{what}: {type(failure).__name__}")
    else:
        _came.append(f"{what}: done")


def _send_through_what_is_open() -> None:
    """To whoever listens, through sockets that are there already."""
    for fd in range(3, 64):
        with suppress(OSError):
            there = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=fd)
            try:
                there.sendto(b"x", ("127.0.0.1", _orders.port))
            finally:
                there.detach()
            return
    raise ConnectionError


def _look_into_what_is_open() -> None:
    for fd in range(64):
        with suppress(OSError):
            if _orders.words in os.pread(fd, 1 << 20, 0):
                return
    raise FileNotFoundError


for _task in _TAKEN:
    _place, _, _name = _task.function.partition(":")
    _module = importlib.import_module(_place)
    setattr(_module, _name, _wrapped(getattr(_module, _name)))

TURN: Final = Task(f"{_HERE}:turn", Turned, Came)
TELL: Final = Task(f"{_HERE}:tell", Turned, Came)
