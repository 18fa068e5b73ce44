"""Whoever only connects, and shows nothing at the door, keeps nobody out.

RFC 8446 §4.4.2: a handshake that was not finished has shown no certificate.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path

import pytest

from keystore.second_factor.answering import Answering
from keystore.second_factor.client import VerifierClient
from keystore.second_factor.wire import decode_request
from keystore.strongroom.gate import TlsGate, client_context, server_context
from keystore.strongroom.server import RoomServer
from tests.support.signer_process import tls_settings
from tests.support.verifier import VerifierBench


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Certificates of both sides."""
    tls_settings(tmp_path)
    return tmp_path


@pytest.fixture
def port(files: Path) -> Iterator[int]:
    """A room with four slots, behind a door that wants certificates."""
    bench = VerifierBench(files / "v")
    context = server_context(
        certificate=files / "signer.pem", key=files / "signer.key", client_ca=files / "ca.pem"
    )
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        server = RoomServer(
            listener,
            name="verifier",
            gate=TlsGate(context, frozenset({"web.example"}), frozenset()),
            decode_request=decode_request,
            answering=Answering(bench.verifier, time=lambda: datetime.now(UTC)),
            connections=4,
        )
        thread = threading.Thread(target=server.serve)
        thread.start()
        yield listener.getsockname()[1]
        server.stop()
        thread.join()


def _ask(files: Path, port: int) -> None:
    context = client_context(
        certificate=files / "caller.pem", key=files / "caller.key", server_ca=files / "ca.pem"
    )
    with closing(VerifierClient(f"tls://127.0.0.1:{port}", tls=context)) as client:
        assert client.kek_ids()


def test_silent_connections_keep_nobody_out(files: Path, port: int) -> None:
    with ExitStack() as stack:
        for _ in range(90):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        _ask(files, port)


def test_who_says_nothing_at_the_door_is_hung_up_on(files: Path, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.settimeout(0.2)
        until_s = time.monotonic() + 60
        # the head of a long hello, and then a byte now and then: that buys no time
        hello = chain(b"\x16\x03\x01\x3f\xff", repeat(1))
        while time.monotonic() < until_s:
            try:
                silent.send(bytes([next(hello)]))
                if not silent.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("it was kept")
    _ask(files, port)
