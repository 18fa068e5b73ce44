"""The parts of a JWS, in both of its forms, and JSON as signatures bear it.

What lives here: `read_serialization`, `read_object`, `decode`.  JSON is read by two readers that
have to agree, and a member that stands twice is refused: two programs would read two signatures.
Source: RFC 7515 §3, §4 (members once), §7; RFC 7797 (payload as it is).
Not here: what members mean (`jws.py`).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

MAX_BYTES: Final = 16 << 20
_MOST_SIGNATURES: Final = 32
_MOST_OPEN: Final = 64
_URL_SAFE: Final = re.compile(r"[A-Za-z0-9_-]*")
_STANDARD: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_UNREADABLE: Final = (
    msgspec.DecodeError,
    RecursionError,
    UnicodeDecodeError,
    ValueError,
    OverflowError,
)

Members = Mapping[str, Any]


class JsonRefused(Exception):
    """Not JSON, or not what a JWS may be; the message is a code."""


@dataclass(frozen=True, slots=True)
class RawSignature:
    """One signature: base64url as written, and the header that is not signed."""

    protected: str
    signature: str
    header: Members = field(repr=False)


@dataclass(frozen=True, slots=True)
class Serialization:
    """A JWS: `payload` as written, None when it is elsewhere."""

    payload: str | None = field(repr=False)
    signatures: tuple[RawSignature, ...] = field(repr=False)


def read_serialization(raw: bytes) -> Serialization:
    """A JWS, compact or as JSON.

    Raises  JsonRefused.
    """
    text = raw.decode("utf-8", "replace").strip()
    if not text.startswith("{"):
        parts = text.split(".")
        if len(parts) != 3:
            raise JsonRefused("not_jws")
        return Serialization(parts[1] or None, (RawSignature(parts[0], parts[2], {}),))
    members = read_object(text.encode())
    payload = members.get("payload")
    if payload is not None and not isinstance(payload, str):
        raise JsonRefused("payload_malformed")
    several = members.get("signatures")
    if several is None:
        return Serialization(payload or None, (_signature(members),))
    if not isinstance(several, list) or len(several) > _MOST_SIGNATURES or "signature" in members:
        raise JsonRefused("not_jws")
    return Serialization(payload or None, tuple(map(_signature, several)))


def read_object(raw: bytes) -> Members:
    """A JSON object.

    Raises  JsonRefused: json_malformed, json_member_twice.
    """
    if len(raw) > MAX_BYTES or raw.count(b"[") + raw.count(b"{") > _MOST_OPEN * 1_024:
        raise JsonRefused("too_large")
    try:
        found = msgspec.json.decode(raw)
        other = json.loads(raw, object_pairs_hook=_once)
    except _UNREADABLE as malformed:
        raise JsonRefused("json_malformed") from malformed
    if not isinstance(found, dict) or found != other:
        raise JsonRefused("json_malformed")
    return found


def decode(text: object) -> bytes:
    """base64url without padding, strictly.

    Raises  JsonRefused.
    """
    if not isinstance(text, str) or _URL_SAFE.fullmatch(text) is None or len(text) % 4 == 1:
        raise JsonRefused("base64_malformed")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def decode_standard(text: object) -> bytes:
    """base64 as certificates and tokens are written.

    Raises  JsonRefused.
    """
    if not isinstance(text, str) or _STANDARD.fullmatch(text) is None:
        raise JsonRefused("base64_malformed")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as malformed:
        raise JsonRefused("base64_malformed") from malformed


def encode(octets: bytes) -> bytes:
    """base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def _signature(members: object) -> RawSignature:
    if not isinstance(members, dict):
        raise JsonRefused("not_jws")
    protected, value = members.get("protected", ""), members.get("signature")
    header = members.get("header", {})
    if not isinstance(protected, str) or not isinstance(value, str) or not isinstance(header, dict):
        raise JsonRefused("not_jws")
    return RawSignature(protected, value, header)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JsonRefused("json_member_twice")
    return found
