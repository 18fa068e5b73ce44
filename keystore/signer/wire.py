"""The wire between the signer and whoever asks it: bounded messages with a length in front.

What lives here: the messages and their frame, 4 bytes of length (big-endian) and MessagePack; the
addresses that there are; reading exactly one frame.  A refusal crosses as its code and its reason.
Not here: sockets that are listened on (`server`) or connected (`client`).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from keystore.signer.activation import KeyEnrolment, SignatureActivation
from keystore.signer.errors import REFUSALS, RequestMalformed, SignerError
from keystore.signer.evidence import EnrolmentEvidence, StatementEvidence, WebauthnEvidence
from keystore.signer.model import MadeKey

MAX_FRAME_BYTES: Final = 512 * 1024
"""A thousand RSA-4096 signatures; nothing of ours is longer."""

_HEAD_BYTES: Final = 4


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="is"):
    """Root of what crosses the wire; which message it is stands in `is`."""


class Activate(_Message, frozen=True, tag="activate"):
    """Sign what was confirmed; exactly one kind of evidence."""

    activation: SignatureActivation
    assertion: WebauthnEvidence | None = None
    statement: StatementEvidence | None = None


class MakeKey(_Message, frozen=True, tag="make_key"):
    """Make a key that was confirmed."""

    enrolment: KeyEnrolment
    evidence: EnrolmentEvidence


class SuspendKey(_Message, frozen=True, tag="suspend_key"):
    """Let a key sign nothing for a while."""

    key_id: str
    reason: str


class SuspendKeysOf(_Message, frozen=True, tag="suspend_keys_of"):
    """Let every key of an account sign nothing for a while."""

    account_id: str
    reason: str


class ResumeKey(_Message, frozen=True, tag="resume_key"):
    """Let it sign again."""

    key_id: str
    reason: str


class DestroyKey(_Message, frozen=True, tag="destroy_key"):
    """Forget a private half for ever."""

    key_id: str
    reason: str


class DestroyKeysOf(_Message, frozen=True, tag="destroy_keys_of"):
    """Forget every private half of an account."""

    account_id: str
    reason: str


class AreYouThere(_Message, frozen=True, tag="are_you_there"):
    """Whether the signer can sign."""


class Signed(_Message, frozen=True, tag="signed"):
    """The signatures, in the order of the digests."""

    signatures: tuple[bytes, ...]


class Made(_Message, frozen=True, tag="made"):
    """The new key."""

    key: MadeKey


class Done(_Message, frozen=True, tag="done"):
    """How many keys changed their state."""

    changed: int


class Here(_Message, frozen=True, tag="here"):
    """The signer can sign; ids of the root keys that it holds, the one in use first."""

    kek_ids: tuple[str, ...]


class Refused(_Message, frozen=True, tag="refused"):
    """No."""

    code: str
    reason: str = ""

    def error(self) -> SignerError:
        """The refusal as it was raised on the other side."""
        return REFUSALS.get(self.code, SignerError)(self.reason)


Request = (
    Activate
    | MakeKey
    | SuspendKey
    | SuspendKeysOf
    | ResumeKey
    | DestroyKey
    | DestroyKeysOf
    | AreYouThere
)
Answer = Signed | Made | Done | Here | Refused

_encode: Final = msgspec.msgpack.Encoder().encode
_decode_request: Final[Callable[[bytes], Request]] = msgspec.msgpack.Decoder(Request).decode
_decode_answer: Final[Callable[[bytes], Answer]] = msgspec.msgpack.Decoder(Answer).decode


@dataclass(frozen=True, slots=True)
class Address:
    """Where the signer is: a Unix socket, or a host and port that speak mutual TLS."""

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
        raise ValueError("signer_address")
    return Address(host=parts.hostname, port=parts.port)


def encode_frame(message: Request | Answer) -> bytes:
    """A message with its length in front.

    Raises  RequestMalformed when it is longer than a frame may be.
    """
    body = _encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise RequestMalformed("too_long")
    return len(body).to_bytes(_HEAD_BYTES, "big") + body


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


def decode_request(body: bytes) -> Request:
    """The request in a frame.

    Raises  RequestMalformed.
    """
    try:
        return _decode_request(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as failure:
        raise RequestMalformed("message") from failure


def decode_answer(body: bytes) -> Answer:
    """The answer in a frame.

    Raises  RequestMalformed.
    """
    try:
        return _decode_answer(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as failure:
        raise RequestMalformed("message") from failure


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
