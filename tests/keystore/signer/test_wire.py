"""Frames and messages: what is taken, what is refused, and that nothing else happens."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystore.signer.errors import REFUSALS, RequestMalformed, SignerError
from keystore.signer.model import MadeKey
from keystore.signer.wire import (
    MAX_FRAME_BYTES,
    Activate,
    Address,
    Made,
    Refused,
    Signed,
    decode_answer,
    decode_request,
    encode_frame,
    parse_address,
    read_frame,
)
from tests.support.signer import activation_of

_NOW = datetime(2026, 11, 21, tzinfo=UTC)
_KEY = MadeKey("pkey_1", "ES256", b"spki")


def test_a_request_arrives_as_it_was_sent() -> None:
    request = Activate(activation_of(_KEY, None, now=_NOW))
    received = decode_request(encode_frame(request)[4:])
    assert isinstance(received, Activate)
    assert received == request
    assert received.activation.challenge() == request.activation.challenge()


def test_an_answer_arrives_as_it_was_sent() -> None:
    for answer in (Signed((b"one", b"two")), Made(_KEY), Refused("activation_spent", "")):
        assert decode_answer(encode_frame(answer)[4:]) == answer


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_refusal_is_the_same_error_on_the_other_side(code: str) -> None:
    error = Refused(code, "why").error()
    assert type(error) is REFUSALS[code]
    assert (error.code, error.reason) == (code, "why")


def test_a_refusal_that_is_not_known_here_is_a_refusal() -> None:
    assert type(Refused("of_tomorrow").error()) is SignerError


@given(raw=st.binary(max_size=400))
def test_garbage_is_no_message(raw: bytes) -> None:
    for decode in (decode_request, decode_answer):
        with pytest.raises(RequestMalformed):
            decode(raw)


def test_what_is_too_long_is_not_sent() -> None:
    with pytest.raises(RequestMalformed, match="too_long"):
        encode_frame(Signed((bytes(MAX_FRAME_BYTES),)))


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
    with pytest.raises(ValueError, match="signer_address"):
        parse_address(text)
