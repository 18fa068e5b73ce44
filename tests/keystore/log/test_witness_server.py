"""The witness on the network: nobody keeps a connection for longer than a request may take."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from keystore.log.witness import Witness
from keystore.log.witness_folder import WitnessFolder
from keystore.log.witness_server import WitnessServer

_DEADLINE_S = 0.5


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Of a witness that gives everybody half a second."""
    folder = WitnessFolder(tmp_path / "w")
    folder.create(name="witness.example/w1")
    server = WitnessServer(
        ("127.0.0.1", 0),
        witness=Witness(folder, signers=folder.read_signers(), logs={}),
        time=lambda: datetime.now(UTC),
        deadline_s=_DEADLINE_S,
    )
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ("127.0.0.1", server.server_port)
    server.shutdown()
    thread.join(10)
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
def test_a_byte_now_and_then_keeps_no_connection(
    address: tuple[str, int], beginning: bytes
) -> None:
    began_s = time.monotonic()
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(beginning)
        connection.settimeout(0.05)
        while time.monotonic() - began_s < 20 * _DEADLINE_S:
            try:
                if not connection.recv(65_536):
                    break
            except TimeoutError:
                connection.sendall(b"x")
            except ConnectionError:
                break
        else:
            pytest.fail("it was kept")


def test_whoever_is_quick_is_answered_on_one_connection(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=10) as connection:
        for _ in range(3):
            connection.sendall(b"GET /latest/0 HTTP/1.1\r\n\r\n")
            answer = b""
            while not answer.endswith(b"not found\n"):
                answer += connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 404 ")
