"""Authorization codes and refresh tokens: opaque strings that find their grant by themselves.

What lives here: making and reading them. A string is the grant's id (16 bytes), 16 random bytes and
a MAC (32 bytes) over kind and both. Only a hash of it is kept, so a stolen table opens nothing and
no index over secrets is needed. The MAC tells strings that we once made from strings that somebody
made up: only the former count as misuse, so knowing a grant's id is not enough to end it. Source:
RFC 6749 §10.10 (at least 128 bits that cannot be guessed), §10.4.
"""

from __future__ import annotations

import binascii
import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from idp.ids import GrantId
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

_ID_BYTES: Final = 16
_RANDOM_BYTES: Final = 16
_BODY_BYTES: Final = _ID_BYTES + _RANDOM_BYTES
_TEXT_LENGTH: Final = 86
_PREFIX: Final = "grt_"


class OpaqueKind(StrEnum):
    """What a string is for; part of its MAC, so that a code never passes as a refresh token."""

    CODE = "code"
    REFRESH_TOKEN = "refresh_token"


@dataclass(frozen=True, slots=True)
class OpaqueToken:
    """A string of ours: `text` goes out (86 base64url characters), `digest` (32 bytes) is kept."""

    grant_id: GrantId
    text: str = field(repr=False)
    digest: bytes = field(repr=False)


class OpaqueTokens:
    """Makes and reads codes and refresh tokens."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def make(self, grant_id: GrantId, *, kind: OpaqueKind) -> OpaqueToken:
        """A new string for a grant."""
        body = bytes.fromhex(grant_id.removeprefix(_PREFIX)) + secrets.token_bytes(_RANDOM_BYTES)
        raw = body + self._sealer.mac(MacPurpose.TOKEN, _message(kind, body))
        return OpaqueToken(
            grant_id=grant_id,
            text=_text(raw),
            digest=hashlib.sha256(raw).digest(),
        )

    def find(self, raw_text: str, *, kind: OpaqueKind) -> OpaqueToken | None:
        """What a presented string is, if it is one of ours and of this kind.

        Whether it is spent, expired or replaced is for the caller to see.
        """
        if len(raw_text) != _TEXT_LENGTH:
            return None
        try:
            raw = urlsafe_b64decode(raw_text.encode("ascii") + b"==")
        except (binascii.Error, UnicodeEncodeError):
            return None
        if _text(raw) != raw_text:
            return None  # another spelling of the same bytes: nothing that we gave out
        body, mac = raw[:_BODY_BYTES], raw[_BODY_BYTES:]
        if not self._sealer.is_mac(MacPurpose.TOKEN, _message(kind, body), raw_mac=mac):
            return None
        return OpaqueToken(
            grant_id=GrantId(_PREFIX + body[:_ID_BYTES].hex()),
            text=raw_text,
            digest=hashlib.sha256(raw).digest(),
        )


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _message(kind: OpaqueKind, body: bytes) -> bytes:
    return kind.value.encode("ascii") + b":" + body
