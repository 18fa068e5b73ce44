"""What crosses the one socket between the service and a process that parses.

What lives here: a frame, 4 bytes of length (big-endian) and MessagePack; file descriptors travel
with the first byte of a job.  The service bounds what it reads, the time it waits for it, and
decodes it into what it expects.
Not here: what a job means (`task`), whoever waits (`child_process`, `child`).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec

MOST_INPUTS: Final = 64
"""Files that one job may read."""

MAX_JOB_BYTES: Final = 64 * 1024 * 1024
"""An argument; what is larger is an input."""

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""An answer; what is larger is written to the output."""

AROUND_ANSWER_BYTES: Final = 1024
"""What is said around an answer, or instead of one."""

_HEAD_BYTES: Final = 4
_PORTION_BYTES: Final = 256 * 1024


class _Message(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    """Root of what crosses the socket."""


class Job(_Message, frozen=True):
    """A task by its name, with its argument; the output and the inputs travel beside it."""

    task: str
    asked: msgspec.Raw


class Ready(_Message, frozen=True):
    """A child that waits for jobs, and what holds it.

    Takes   walls: `filter`, `namespaces`, `root`, `no_privileges`: those that stand; virtual_bytes:
            what it took before its first job.
    """

    walls: tuple[str, ...]
    virtual_bytes: int


class Stopped(_Message, frozen=True):
    """A child that does not start, and why; no document was near it yet."""

    reason: str
    detail: str = ""


class Answered(_Message, frozen=True):
    """What the function returned."""

    answer: msgspec.Raw


class Refused(_Message, frozen=True):
    """The function raised `DocumentRefused`."""

    reason: str


class Fault(_Message, frozen=True):
    """Something that no function should do; `where` is for whoever mends it."""

    reason: str
    where: str = ""


Answer = Answered | Refused | Fault
Greeting = Ready | Stopped

encode: Final = msgspec.msgpack.Encoder().encode


class Broken(Exception):
    """The other side said something that is no frame of ours, or too much of it."""


class Closed(Exception):
    """The other side is gone."""


class Unread(Closed):
    """The other side is gone, and never took what it was sent last."""


def expect_silence(connection: socket.socket) -> None:
    """Make sure that the next thing that is read is the answer to the next thing that is asked.

    Raises  Closed when the other side is gone, or spoke unasked.
    """
    connection.settimeout(0)
    with suppress(BlockingIOError):
        connection.recv(1, socket.MSG_PEEK)
        raise Closed


def send_frame(connection: socket.socket, body: bytes, *, fds: Sequence[int] = ()) -> None:
    """A frame, and file descriptors with it.

    Raises  Closed; TimeoutError by the socket's own timeout.
    """
    whole = len(body).to_bytes(_HEAD_BYTES, "big") + body
    try:
        sent = socket.send_fds(connection, [whole], fds) if fds else connection.send(whole)
        if sent < len(whole):
            connection.sendall(memoryview(whole)[sent:])
    except (BrokenPipeError, ConnectionResetError) as failure:
        raise Closed from failure


def read_frame(connection: socket.socket, *, most: int, until_s: float) -> bytes:
    """The one frame that the other side has to say before it is asked again.

    Takes   most: bytes that it may have; until_s: by the clock of `time.monotonic`.
    Raises  Broken for a frame that is too long, and for anything behind it; Closed, Unread;
            TimeoutError.
    """
    received = bytearray()
    size = _HEAD_BYTES
    while len(received) < size:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        try:
            portion = connection.recv(_PORTION_BYTES)
        except ConnectionResetError as failure:  # said of a socket that was closed unread
            raise Unread from failure
        if not portion:
            raise Closed
        received += portion
        if size == _HEAD_BYTES and len(received) >= _HEAD_BYTES:
            size += int.from_bytes(received[:_HEAD_BYTES], "big")
            if size > most + _HEAD_BYTES:
                raise Broken("too_long")
    if len(received) > size:
        raise Broken("more_than_one")
    return bytes(memoryview(received)[_HEAD_BYTES:])


def receive_job(connection: socket.socket) -> tuple[bytes, list[int]]:
    """The next job's frame and its files; the child's side, which trusts the service.

    Raises  Closed.
    """
    first, fds, _flags, _address = socket.recv_fds(
        connection, _PORTION_BYTES, MOST_INPUTS + 1, socket.MSG_CMSG_CLOEXEC
    )
    received = bytearray(first)
    while first and len(received) < _HEAD_BYTES + int.from_bytes(received[:_HEAD_BYTES], "big"):
        first = connection.recv(_PORTION_BYTES)
        received += first
    if not first:
        for fd in fds:
            os.close(fd)
        raise Closed
    return bytes(memoryview(received)[_HEAD_BYTES:]), fds
