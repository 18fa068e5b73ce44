"""The body of a signing request: JSON alone while it is small, a form with files when it is not.

What lives here: the members of the API, and how they travel.  Not here: sending (`documents.py`),
what may be asked for (the provider says).

Source  RFC 8259; RFC 7578 (multipart/form-data); RFC 4648 §4, §5.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from clients.sdk.errors import SettingsInvalid
from clients.sdk.jose import encode_base64url
from clients.sdk.signing_model import DocumentToSign, SignatureLevel, SignerWanted

MOST_IN_JSON_BYTES: Final = 1024 * 1024
"""Of all documents together; base64 makes a third more of them."""

Appearance = Mapping[str, object]
"""How a signature is seen: `kind` and what belongs to it, as the guide for portals lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureWishes:
    """What a portal asks for; None and empty are not sent, and the provider's usual holds.

    Takes   appearance: one for all signers, or one (or None) for each; lifetime: how long the
            request may wait for its signers; confirmation_window: how long one of them may take to
            confirm what is on the screen.
    """

    title: str = field(repr=False)
    documents: Sequence[DocumentToSign]
    signers: Sequence[SignerWanted]
    level: SignatureLevel | None = None
    reason: str = field(default="", repr=False)
    location: str = field(default="", repr=False)
    appearance: Appearance | Sequence[Appearance | None] | None = None
    return_uri: str = ""
    webhook_uri: str = ""
    lifetime: timedelta | None = None
    confirmation_window: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A body and its content type."""

    content_type: str
    body: bytes = field(repr=False)


def make_upload(wishes: SignatureWishes) -> Upload:
    """The body of one request; the same each time that it is sent.

    Raises  SettingsInvalid: a document with neither content nor digest, or with both.
    """
    for at, one in enumerate(wishes.documents):
        if (one.content is None) == (one.digest is None):
            raise SettingsInvalid(f"documents[{at}]", reason="needs content or digest, one of them")
    contents = [one.content for one in wishes.documents if one.content is not None]
    if sum(len(content) for content in contents) <= MOST_IN_JSON_BYTES:
        return Upload("application/json", _encode(_members(wishes, has_parts=False)))
    boundary = secrets.token_hex(16)
    pieces = [_head(boundary, 'name="request"'), _encode(_members(wishes, has_parts=True))]
    for at, one in enumerate(wishes.documents):
        if one.content is not None:
            name = _part_name(at)
            pieces += [
                b"\r\n" + _head(boundary, f'name="{name}"; filename="{name}"', is_file=True),
                one.content,
            ]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    return Upload(f"multipart/form-data; boundary={boundary}", b"".join(pieces))


def _members(wishes: SignatureWishes, *, has_parts: bool) -> dict[str, Any]:
    sent: dict[str, Any] = {
        "title": wishes.title,
        "documents": [
            _document(one, part=_part_name(at) if has_parts else None)
            for at, one in enumerate(wishes.documents)
        ],
        "signers": [_signer(one) for one in wishes.signers],
    }
    optional = {
        "level": wishes.level,
        "reason": wishes.reason,
        "location": wishes.location,
        "appearance": wishes.appearance,
        "return_uri": wishes.return_uri,
        "webhook_uri": wishes.webhook_uri,
        "expires_in": _seconds(wishes.lifetime),
        "confirmation_window": _seconds(wishes.confirmation_window),
    }
    chosen = {name: value for name, value in optional.items() if value is not None}
    return sent | {name: value for name, value in chosen.items() if value != ""}


def _document(one: DocumentToSign, *, part: str | None) -> dict[str, Any]:
    sent: dict[str, Any] = {"name": one.name, "media_type": one.media_type}
    if one.digest is not None:
        sent |= {"digest": encode_base64url(one.digest), "hash": one.hash_name}
    elif part is not None:
        sent["part"] = part
    elif one.content is not None:
        sent["content"] = base64.b64encode(one.content).decode("ascii")
    if one.format is not None:
        sent["format"] = one.format
    return sent


def _signer(one: SignerWanted) -> dict[str, Any]:
    sent = {"sub": one.subject, "role": one.role}
    if one.enterprise_code is not None:
        sent["organization"] = one.enterprise_code
    return sent


def _part_name(at: int) -> str:
    return f"document-{at}"


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


def _encode(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def _head(boundary: str, disposition: str, *, is_file: bool = False) -> bytes:
    kind = "Content-Type: application/octet-stream\r\n" if is_file else ""
    return (f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n").encode()
