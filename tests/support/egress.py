"""What egress tests send back to the door, and how they read its refusals."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from idp.egress import EgressFailed, EgressRefused

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CLIENT = "portal-a"


def answer_with(raw_answer: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def serve(connection: socket.socket, _ended: threading.Event) -> None:
        connection.sendall(raw_answer)

    return serve


def drip(start: bytes, piece: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Sends `piece` ten times a second until the client gives up."""

    def serve(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(start)
        while not ended.wait(0.1):
            connection.sendall(piece)

    return serve


def reason_of(call: Callable[[], object]) -> str:
    """Why the door refused, or failed."""
    with pytest.raises((EgressRefused, EgressFailed)) as caught:
        call()
    assert isinstance(caught.value, EgressRefused | EgressFailed)
    return caught.value.reason
