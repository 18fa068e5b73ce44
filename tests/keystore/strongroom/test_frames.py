"""Frames and addresses: what is taken, what is refused, and that nothing else happens."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from keystore.strongroom.errors import RequestMalformed
from keystore.strongroom.frames import (
    MAX_FRAME_BYTES,
    Address,
    Refused,
    encode_frame,
    parse_address,
    read_frame,
)


def test_what_is_too_long_is_not_sent() -> None:
    with pytest.raises(RequestMalformed, match="too_long"):
        encode_frame(Refused("x" * MAX_FRAME_BYTES))


def test_a_byte_now_and_then_keeps_nobody() -> None:
    """The time for a frame is one, however it is spread."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"\x00\x00\x00\x05abc")
        with pytest.raises(TimeoutError):
            read_frame(ours, idle_s=5, frame_s=0.05)
        with pytest.raises(TimeoutError):
            read_frame(ours, idle_s=0.05, frame_s=5)


def test_an_end_before_a_frame_is_an_end_and_within_one_a_fault() -> None:
    for sent, is_end in ((b"", True), (b"\x00", False), (b"\x00\x00\x00\x05abc", False)):
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                theirs.sendall(sent)
            if is_end:
                assert read_frame(ours, idle_s=5, frame_s=5) is None
            else:
                with pytest.raises(RequestMalformed, match="broken_off"):
                    read_frame(ours, idle_s=5, frame_s=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unix:/run/antin/signer.sock", Address(path=Path("/run/antin/signer.sock"))),
        ("tls://signer.example:7443", Address(host="signer.example", port=7443)),
        ("tls://[::1]:7443", Address(host="::1", port=7443)),
    ],
)
def test_addresses_are_read(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "unix:", "tls://", "tls://host", "http://host:1", "tls://host:1/path", "/path"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        parse_address(text)
