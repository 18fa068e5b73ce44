"""Ports for processes that must be told theirs: nobody else gets them meanwhile.

What lives here: `free_port` and `three_free_ports`.  A port that the kernel chose is one of those
from which outgoing connections take theirs: until the process listens, any of thousands may have
taken it.  These lie below that range, each worker of a test run has a part of its own, and none
is given twice before all of them were given.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from itertools import count
from typing import Final

import pytest

_LOWEST: Final = 20_000
_HIGHEST: Final = 32_000
"""Linux takes those of outgoing connections from 32,768 on."""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    return _free(1)


def three_free_ports() -> int:
    """The first of three ports in a row that nobody listens on."""
    return _free(3)


def _free(number: int) -> int:
    ports = _ports()
    for _ in range(_HIGHEST - _LOWEST):
        first = next(ports)
        row = range(first, first + number)
        for port in row[1:]:
            if next(ports) != port:
                break  # the part begins anew
        else:
            if all(_may_listen(port) for port in row):
                return first
    pytest.fail(f"no {number} free ports in a row")


@cache
def _ports() -> Iterator[int]:
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = (_HIGHEST - _LOWEST) // workers
    lowest = _LOWEST + worker % workers * size
    # another run on this machine hardly begins at the same one
    return (lowest + number % size for number in count(secrets.randbelow(size)))


def _may_listen(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
