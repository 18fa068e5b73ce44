"""The window: bounded messages with a length in front, between a process with secrets and others.

What lives here: the frame, 4 bytes of length (big-endian) and MessagePack; the root of messages and
the one that they have in common; the addresses that there are; reading exactly one frame.
Not here: sockets that are listened on (`listening`, `server`) or connected (`client`).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from keystore.strongroom.errors import RequestMalformed, RoomError

MAX_FRAME_BYTES: Final = 512 * 1024
"""A thousand RSA-4096 signatures; nothing of ours is longer."""

_HEAD_BYTES: Final = 4


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="is"):
    """Root of what crosses the window; which message it is stands in `is`."""


class Refused(Message, frozen=True, tag="refused"):
    """No."""

    code: str
    reason: str = ""

    def error(
        self, known: Mapping[str, type[RoomError]], *, otherwise: type[RoomError]
    ) -> RoomError:
        """The refusal as it was raised on the other side.

        Takes   known: by code; otherwise: for a code that is not known here.
        """
        return known.get(self.code, otherwise)(self.reason)


_encode: Final = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Address:
    """Where such a process is: a Unix socket, or a host and port that speak mutual TLS."""

    path: Path | None = None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path else f"tls://{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """`unix:/path/to/socket` or `tls://host:port`.

    Raises  ValueError.
    """
    if text.startswith("unix:") and len(text) > len("unix:"):
        return Address(path=Path(text.removeprefix("unix:")))
    parts = urlsplit(text)
    if parts.scheme != "tls" or not parts.hostname or not parts.port or parts.path.strip("/"):
        raise ValueError("address")
    return Address(host=parts.hostname, port=parts.port)


def encode_frame(message: Message) -> bytes:
    """A message with its length in front.

    Raises  RequestMalformed when it is longer than a frame may be.
    """
    body = _encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise RequestMalformed("too_long")
    return len(body).to_bytes(_HEAD_BYTES, "big") + body


def make_decode(messages: Any) -> Callable[[bytes], Any]:
    """What reads one of these messages from the body of a frame.

    Takes   messages: a union of subclasses of `Message`.
    Returns a function that raises RequestMalformed.
    """
    decode = msgspec.msgpack.Decoder(messages).decode

    def decode_or_refuse(body: bytes) -> Any:
        try:
            return decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as failure:
            raise RequestMalformed("message") from failure

    return decode_or_refuse


def read_frame(connection: socket.socket, *, idle_s: float, frame_s: float) -> bytes | None:
    """The body of the next frame; None when the other side closed before one began.

    Takes   idle_s: how long to wait for its first byte; frame_s: for all the others together, so
            that a byte now and then keeps nobody.
    Raises  RequestMalformed for a frame that is too long or breaks off; OSError (TimeoutError).
    """
    connection.settimeout(idle_s)
    first = connection.recv(1)
    if not first:
        return None
    until_s = time.monotonic() + frame_s
    rest = _read(connection, _HEAD_BYTES - 1, until_s=until_s)
    size = int.from_bytes(first + rest, "big")
    if not 0 < size <= MAX_FRAME_BYTES:
        raise RequestMalformed("too_long")
    return _read(connection, size, until_s=until_s)


def _read(connection: socket.socket, size: int, *, until_s: float) -> bytes:
    received = bytearray()
    while len(received) < size:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        portion = connection.recv(size - len(received))
        if not portion:
            raise RequestMalformed("broken_off")
        received += portion
    return bytes(received)
