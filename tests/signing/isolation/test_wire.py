"""Frames between the service and whoever parses: whole, bounded, in time, one at a time."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.isolation import wire


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    first, second = socket.socketpair()
    with first, second:
        yield first, second


def _read(connection: socket.socket, *, most: int = 100, within_s: float = 1.0) -> bytes:
    return wire.read_frame(connection, most=most, until_s=time.monotonic() + within_s)


@given(body=st.binary(max_size=100))
def test_what_is_sent_is_read(body: bytes) -> None:
    first, second = socket.socketpair()
    with first, second:
        wire.send_frame(first, body)
        assert _read(second) == body


def test_a_frame_may_come_in_pieces(ends) -> None:
    first, second = ends
    for octet in b"\0\0\0\3abc":
        first.send(bytes([octet]))
    assert _read(second) == b"abc"


def test_files_travel_with_a_job(ends) -> None:
    first, second = ends
    fd = os.memfd_create("travels")
    os.write(fd, b"inside")
    wire.send_frame(first, b"a" * 90, fds=[fd, fd])
    os.close(fd)
    body, received = wire.receive_job(second)
    assert body == b"a" * 90
    assert [os.pread(one, 10, 0) for one in received] == [b"inside"] * 2
    for one in received:
        os.close(one)


@pytest.mark.parametrize("said", [b"\0\0\0\x65", b"\xff\xff\xff\xff", b"\0\0\0\1ab", b"\0\0\0\0a"])
def test_what_is_no_frame_or_more_than_one_is_noticed(ends, said: bytes) -> None:
    first, second = ends
    first.send(said)
    with pytest.raises(wire.Broken):
        _read(second)


def test_a_frame_that_breaks_off_is_the_end(ends) -> None:
    first, second = ends
    first.send(b"\0\0\0\3ab")
    first.close()
    with pytest.raises(wire.Closed):
        _read(second)


@pytest.mark.parametrize("said", [b"", b"\0\0", b"\0\0\0\3ab"])
def test_who_says_nothing_more_is_not_waited_for(ends, said: bytes) -> None:
    first, second = ends
    first.send(said)
    with pytest.raises(TimeoutError):
        _read(second, within_s=0.01)
    with pytest.raises(TimeoutError):
        _read(second, within_s=0)


def test_a_job_that_was_never_taken_is_told_from_one_that_was_not_answered(ends) -> None:
    first, second = ends
    wire.send_frame(first, b"a job")
    second.close()
    with pytest.raises(wire.Unread):
        _read(first)


def test_nobody_is_asked_who_has_spoken_or_is_gone(ends) -> None:
    first, second = ends
    wire.expect_silence(first)
    second.send(b"x")
    with pytest.raises(wire.Closed):
        wire.expect_silence(first)
    first.recv(1)
    second.close()
    with pytest.raises(wire.Closed):
        wire.expect_silence(first)
    with pytest.raises(wire.Closed):
        wire.send_frame(first, b"a job")
