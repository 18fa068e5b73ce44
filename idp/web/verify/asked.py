"""What is to be checked, out of a form of the page or of a program, or out of JSON.

What lives here: `read_asked`.  In a form: files in `file`, documents beside them in `content`, or
the digest of one in `digest` (`sha256:` and hexadecimal digits).  In JSON the same, files in
base64, and a digest stands for a document that may not leave its owner.
Source: RFC 7578, RFC 8259.
Not here: checking, answering.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request

from signing.errors import RequestRefused
from signing.isolation.blob import Blob
from signing.validation.detached import Detached
from signing.web.form_files import UploadedFile, plain_name, read_files

MOST_FILES: Final = 20
_FORM: Final = "multipart/form-data"
_JSON: Final = "application/json"
_HASHES: Final = frozenset({"sha1", "sha224", "sha256", "sha384", "sha512"})
_YES: Final = frozenset({"true", "1", "on"})


class BesideBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document beside the signature: itself in base64, or digests of it in hexadecimal digits."""

    name: Annotated[str, msgspec.Meta(max_length=500)] = ""
    content: str | None = None
    digests: Annotated[dict[str, str], msgspec.Meta(max_length=8)] = {}


class AskedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file in base64, and what it may be about."""

    content: str
    name: Annotated[str, msgspec.Meta(max_length=500)] = ""
    detached: Annotated[tuple[BesideBody, ...], msgspec.Meta(max_length=MOST_FILES)] = ()
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What came; `beside` are documents that signatures may be about; `keep`: a lasting report."""

    files: tuple[UploadedFile, ...] = field(repr=False)
    beside: tuple[Detached, ...] = field(repr=False)
    keep: bool = False


_decode: Final = msgspec.json.Decoder(AskedBody).decode


def read_asked(request: Request, *, max_bytes: int, held: ExitStack) -> Asked:
    """What a request asks to be checked.

    Takes   max_bytes: of its body; held: closes the files.
    Raises  RequestRefused (malformed, length_required, unsupported_media_type, too_many_files,
            file_missing, digest_malformed); RequestEntityTooLarge.
    """
    if request.mimetype == _JSON:
        return _of_json(request, max_bytes=max_bytes, held=held)
    form = read_files(request, max_bytes=max_bytes, most_files=MOST_FILES, held=held)
    files = form.files.get("file", ())
    if not files:
        raise RequestRefused("file_missing")
    beside = [Detached(one.name, one.content) for one in form.files.get("content", ())]
    digest = form.texts.get("digest", "").strip()
    if digest:
        hash_name, _, digits = digest.partition(":")
        beside.append(Detached("", None, read_digests({hash_name: digits})))
    return Asked(files, tuple(beside), form.texts.get("keep", "") in _YES)


def _of_json(request: Request, *, max_bytes: int, held: ExitStack) -> Asked:
    request.max_content_length = max_bytes
    raw = request.stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise RequestEntityTooLarge
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as malformed:
        raise RequestRefused("malformed") from malformed
    file = UploadedFile(plain_name(body.name), _blob(body.content, held=held))
    beside = tuple(
        Detached(
            plain_name(one.name),
            None if one.content is None else _blob(one.content, held=held),
            read_digests(one.digests),
        )
        for one in body.detached
    )
    return Asked((file,), beside, body.keep)


def _blob(text: str, *, held: ExitStack) -> Blob:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as malformed:
        raise RequestRefused("malformed") from malformed
    return held.enter_context(Blob.of(raw))


def read_digests(given: Mapping[str, str]) -> dict[str, bytes]:
    """Digests by the names of `hashlib`, out of hexadecimal digits.

    Raises  RequestRefused(digest_malformed).
    """
    found: dict[str, bytes] = {}
    for raw_name, digits in given.items():
        name = raw_name.strip().lower().replace("sha-", "sha")
        try:
            digest = bytes.fromhex(digits)
        except ValueError as malformed:
            raise RequestRefused("digest_malformed") from malformed
        if name not in _HASHES or len(digest) != hashlib.new(name).digest_size:
            raise RequestRefused("digest_malformed")
        found[name] = digest
    return found
