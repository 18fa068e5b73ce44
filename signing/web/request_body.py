"""The body of a signing request: JSON alone, or JSON with files beside it.

What lives here: the words of the API as structs, and the way from a body to a `NewRequest`.  Files
are kept in memory files without a name, never in a temporary folder.  Small documents may stand in
the JSON in base64; large ones come as parts of a form, named in the JSON.
Source: RFC 7578 (multipart/form-data), RFC 8259.
Not here: what may be asked for (`signing/new_request`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import msgspec
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request

from signing.errors import RequestRefused
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.model import USUAL_LIFETIME, USUAL_WINDOW, Role, SignatureFormat
from signing.new_request import NewDocument, NewRequest, NewSigner
from signing.web.form_parts import read_parts

MAX_JSON_BYTES: Final = 16 << 20
"""Of a body without files; documents in base64 included."""
_MAX_REQUEST_PART: Final = 4 << 20
_PART: Final = "request"
_MOST_PARTS: Final = 1_100


class DocumentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One document: `content` in base64, or `part` of the form, or `digest` in base64url."""

    name: str
    media_type: str = "application/octet-stream"
    content: str | None = None
    part: str | None = None
    digest: str | None = None
    hash: str = "sha256"
    format: SignatureFormat | None = None


class SignerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who signs; `organization` is the enterprise code of whom she signs for."""

    sub: str
    role: Role = Role.PERSON
    organization: str | None = None


class RequestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a portal sends; times in seconds."""

    title: str
    documents: tuple[DocumentBody, ...]
    signers: tuple[SignerBody, ...]
    level: Level = Level.LT
    reason: str = ""
    location: str = ""
    appearance: msgspec.Raw = msgspec.Raw(b"")
    return_uri: str = ""
    webhook_uri: str = ""
    expires_in: int = int(USUAL_LIFETIME.total_seconds())
    confirmation_window: int = int(USUAL_WINDOW.total_seconds())


@dataclass(frozen=True, slots=True)
class ReadBody:
    """A request as it came: what is asked for, its JSON, and its files by name."""

    new: NewRequest
    _raw: bytes = field(repr=False)
    _files: Mapping[str, Blob]

    def computed_sha256(self) -> bytes:
        """Of everything that was sent, however it was cut; before the files are closed."""
        digests = b"".join(
            hashlib.sha256(name.encode()).digest() + self._files[name].digest("sha256")
            for name in sorted(self._files)
        )
        return hashlib.sha256(hashlib.sha256(self._raw).digest() + digests).digest()


_decode: Final = msgspec.json.Decoder(RequestBody).decode


def read_body(request: Request, *, max_bytes: int, held: ExitStack) -> ReadBody:
    """The request in a body.

    Takes   max_bytes: of a body with files; held: closes the documents.
    Raises  RequestRefused (malformed, unsupported_media_type, part_missing, part_unused,
            content_malformed, digest_malformed); RequestEntityTooLarge.
    """
    kind = request.mimetype
    if kind == "application/json":
        raw = _read_at_most(request, MAX_JSON_BYTES)
        files: dict[str, Blob] = {}
    elif kind == "multipart/form-data":
        raw, files = _read_form(request, max_bytes=max_bytes, held=held)
    else:
        raise RequestRefused("unsupported_media_type")
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as malformed:
        raise RequestRefused("malformed", part=_place(str(malformed))) from malformed
    used: set[str] = set()
    documents = [
        _document(one, files=files, used=used, part=f"documents[{at}]", held=held)
        for at, one in enumerate(body.documents)
    ]
    if used != set(files):
        raise RequestRefused("part_unused")
    new = NewRequest(
        title=body.title,
        documents=documents,
        signers=[
            NewSigner(sub=s.sub, role=s.role, enterprise_code=s.organization) for s in body.signers
        ],
        level=body.level,
        reason=body.reason,
        location=body.location,
        appearance=bytes(body.appearance),
        return_uri=body.return_uri,
        webhook_uri=body.webhook_uri,
        lifetime=_seconds(body.expires_in, reason="lifetime", part="expires_in"),
        window=_seconds(body.confirmation_window, reason="window", part="confirmation_window"),
    )
    return ReadBody(new, raw, files)


def _document(
    one: DocumentBody, *, files: Mapping[str, Blob], used: set[str], part: str, held: ExitStack
) -> NewDocument:
    content = None
    if one.part is not None:
        if one.content is not None or one.part not in files:
            raise RequestRefused("part_missing", part=f"{part}.part")
        content = files[one.part]
        used.add(one.part)
    elif one.content is not None:
        try:
            raw = base64.b64decode(one.content, validate=True)
        except (binascii.Error, ValueError) as malformed:
            raise RequestRefused("content_malformed", part=f"{part}.content") from malformed
        content = held.enter_context(Blob.of(raw))
    return NewDocument(
        name=one.name,
        media_type=one.media_type,
        content=content,
        digest=None if one.digest is None else _digest(one.digest, part=part),
        hash_name=one.hash,
        format=one.format,
    )


def _seconds(number: int, *, reason: str, part: str) -> timedelta:
    try:
        return timedelta(seconds=number)
    except OverflowError as beyond:
        raise RequestRefused(reason, part=part) from beyond


def _digest(text: str, *, part: str) -> bytes:
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as malformed:
        raise RequestRefused("digest_malformed", part=f"{part}.digest") from malformed


def _read_at_most(request: Request, most: int) -> bytes:
    # a body without a length may be cut off in silence: one octet more says so
    request.max_content_length = most
    raw = request.stream.read(most + 1)
    if len(raw) > most:
        raise RequestEntityTooLarge
    length = request.content_length
    if length is not None and len(raw) != length:
        raise RequestRefused("cut_off")
    return raw


def _read_form(
    request: Request, *, max_bytes: int, held: ExitStack
) -> tuple[bytes, dict[str, Blob]]:
    """The JSON of a form, and its files by name."""
    text = ""
    found: dict[str, Blob] = {}
    has_text = False
    for one in read_parts(
        request,
        max_bytes=max_bytes,
        most_text=_MAX_REQUEST_PART,
        most_parts=_MOST_PARTS,
        held=held,
    ):
        if one.content is not None:
            if one.name in found:
                raise RequestRefused("part_twice", part=one.name[:64])
            found[one.name] = one.content
        elif has_text or one.name != _PART:
            raise RequestRefused("part_missing", part=_PART)
        else:
            text, has_text = one.text, True
    if not has_text:
        raise RequestRefused("part_missing", part=_PART)
    return text.encode(), found


def _place(said: str) -> str:
    """Where in the JSON something is wrong, from what the decoder says: `$.documents[0].name`."""
    place = said.rpartition("`$.")[2].rstrip("`") if "`$." in said else ""
    return place[:80]
