"""The fixtures `isolation` and `without_walls`: whoever reads documents, as tests use it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence

import pytest

from signing.isolation.blob import Blob, open_memory_file
from signing.isolation.pool import IsolationPool, Walls
from signing.isolation.task import Answered, Asked, Isolation, Task


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
            answered = function(asked, views, output)
            output.flush()
        written = Blob(fd)
        return answered, written


@pytest.fixture(scope="session")
def walls() -> Iterator[IsolationPool]:
    """The walls of the product, with all its parsers behind them; one process."""
    with IsolationPool(Walls(processes=1, idle_s=3_600)) as pool:
        yield pool


@pytest.fixture
def isolation() -> Isolation:
    """Without walls: what walls do is tested where they stand."""
    return WithoutWalls()


@pytest.fixture
def without_walls() -> Isolation:
    """In the test's own process, where a fault can be looked at."""
    return WithoutWalls()
