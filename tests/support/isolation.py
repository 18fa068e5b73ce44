"""The fixtures `isolation` and `without_walls`: whoever reads documents, as tests use it.

What lives here: one process for each test worker, held as in production; and the same functions
without walls, in the test's own process.  Not here: what walls do (`tests/signing/isolation`).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec
import pytest

from signing.isolation.blob import Blob, open_memory_file
from signing.isolation.pool import IsolationPool, Walls
from signing.isolation.task import Answered, Asked, Isolation, Task

_Message = TypeVar("_Message", bound=msgspec.Struct)


class WithoutWalls:
    """Does what is asked in the test's own process: quick, and a fault can be looked at."""

    def run(
        self, task: Task[Asked, Answered], asked: Asked, *, inputs: Sequence[Blob] = ()
    ) -> tuple[Answered, Blob]:
        """See `Isolation`."""
        module, name = task.function.split(":")
        function = getattr(importlib.import_module(module), name)
        views = [memoryview(blob.read()) for blob in inputs]
        fd = open_memory_file()
        with os.fdopen(os.dup(fd), "w+b") as output:
            answered = function(_crossed(asked, task.asked), views, output)
            output.flush()
        written = Blob(fd)
        return _crossed(answered, task.answered), written


def _crossed(message: _Message, kind: type[_Message]) -> _Message:
    """What is left of it on the other side of a wall."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=kind)


@pytest.fixture(scope="session")
def walls() -> Iterator[IsolationPool]:
    """The walls of the product, with all its parsers behind them; one process at work.

    How long a busy machine takes for something says nothing about it.
    """
    walls = Walls(processes=1, idle_s=3_600, seconds=60, start_s=300, wait_s=300)
    with IsolationPool(walls) as pool:
        yield pool


@pytest.fixture(scope="session")
def isolation(walls: IsolationPool) -> Isolation:
    """Behind the walls, as in production; see `without_walls` for a look at a fault."""
    return walls


@pytest.fixture
def without_walls() -> Isolation:
    """In the test's own process, where a fault can be looked at."""
    return WithoutWalls()
