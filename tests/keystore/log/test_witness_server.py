"""The witness on the network: nobody keeps a connection for longer than a request may take."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from keystore.log.witness import Witness
from keystore.log.witness_folder import WitnessFolder
from keystore.log.witness_server import WitnessServer


@contextmanager
def _witness(tmp_path: Path, *, deadline_s: float) -> Iterator[tuple[str, int]]:
    """The address of a witness that gives everybody so long."""
    folder = WitnessFolder(tmp_path / "w")
    folder.create(name="witness.example/w1")
    server = WitnessServer(
        ("127.0.0.1", 0),
        witness=Witness(folder, signers=folder.read_signers(), logs={}),
        time=lambda: datetime.now(UTC),
        deadline_s=deadline_s,
    )
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ("127.0.0.1", server.server_port)
    server.shutdown()
    thread.join(60)
    server.server_close()


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"POST /add-checkpoint HTTP/1.1\r\nX: ",
        b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 9999\r\n\r\n",
        b"GET /latest/0 HTTP/1.1\r\n\r\n",  # answered, and then nothing more
    ],
)
def test_a_byte_now_and_then_keeps_no_connection(tmp_path: Path, beginning: bytes) -> None:
    until_s = time.monotonic() + 60
    with (
        _witness(tmp_path, deadline_s=0.5) as address,
        socket.create_connection(address, timeout=60) as connection,
        suppress(ConnectionError),
    ):
        connection.sendall(beginning)
        connection.settimeout(0.05)
        while _is_kept(connection):
            assert time.monotonic() < until_s, "it was kept"
            connection.sendall(b"x")


def _is_kept(connection: socket.socket) -> bool:
    """Whether nothing more comes, and no end; waits a moment."""
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return True
    return False


def test_whoever_is_quick_is_answered_on_one_connection(tmp_path: Path) -> None:
    with (
        _witness(tmp_path, deadline_s=60) as address,
        socket.create_connection(address, timeout=60) as connection,
    ):
        for _ in range(3):
            connection.sendall(b"GET /latest/0 HTTP/1.1\r\n\r\n")
            answer = b""
            while not answer.endswith(b"not found\n"):
                piece = connection.recv(65_536)
                assert piece
                answer += piece
            assert answer.startswith(b"HTTP/1.1 404 ")
