"""From a signing request to what its pages show.

What lives here: the rows, the picture and the certificates of the view-models.
Not here: which page is shown when (`views.py`).
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from idp.web.i18n import language
from idp.web.sign.visit import Visit
from idp.web.sign_pages import ShownPage, SignCertificate, SignDocument
from signing.model import BlobId, Document, DocumentKind, RequestState
from signing.ports import SigningCredential

_SHORT: Final = 16
"""Hexadecimal digits that people compare: 64 bits; the whole hash is one touch away."""
_HASH_NAMES: Final = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to sign: a credential, and which of its passkeys; none for a one-time code."""

    credential: SigningCredential
    passkey: bytes = b""
    number: int = 0

    @property
    def value(self) -> str:
        """How a form names it."""
        return self.credential.key_id + (f"~{encode(self.passkey)}" if self.passkey else "")

    @property
    def shown(self) -> SignCertificate:
        """How a page shows it."""
        return SignCertificate(
            value=self.value,
            holder=self.credential.holder,
            issuer=self.credential.issuer,
            not_after=self.credential.not_after,
            is_passkey=bool(self.passkey),
            number=self.number,
        )


def ways_of(credentials: Sequence[SigningCredential]) -> tuple[Way, ...]:
    """Every way to sign, in the order of the credentials."""
    ways: list[Way] = []
    for one in credentials:
        if one.scal == 1:
            ways.append(Way(one))
            continue
        is_several = len(one.passkeys) > 1
        ways += [Way(one, key, at if is_several else 0) for at, key in enumerate(one.passkeys, 1)]
    return tuple(ways)


def documents_of(visit: Visit, *, shown: ShownPage | None = None) -> tuple[SignDocument, ...]:
    """The documents of a request.

    Takes   shown: the page whose picture stands beside them.
    """
    request = visit.request
    is_alone = len(request.documents) == 1
    is_signed = visit.state is RequestState.SIGNED
    return tuple(
        SignDocument(
            position=one.position,
            name=text.name,
            kind=one.kind.value,
            size=size_text(one.size_bytes),
            pages=one.pages,
            hash_name=_HASH_NAMES.get(one.hash_name, one.hash_name),
            digest=grouped(one.digest.hex().upper()[:_SHORT]),
            digest_whole=grouped(one.digest.hex().upper()),
            show_url=None
            if is_alone or one.kind is not DocumentKind.PDF
            else f"{visit.place}?document={one.position}",
            content_url=None
            if readable_id(one) is None or not visit.may_read
            else f"{visit.place}/documents/{one.position}/content",
            signed_url=f"{visit.place}/documents/{one.position}/signed" if is_signed else None,
            is_shown=not is_alone and shown is not None and one.position == shown.position,
        )
        for one, text in zip(request.documents, request.text.documents, strict=True)
    )


def readable_id(document: Document) -> BlobId | None:
    """What somebody reads before signing: the newest revision, where one holds the document."""
    return document.current_id if document.format.takes_several else document.original_id


def page_of(visit: Visit, *, document: str | None, page: str | None) -> ShownPage | None:
    """The picture of a page; the first page of the first document unless others are asked for.

    Takes   document: its position; page: counted from 1; both as they came.
    """
    pdfs = [one for one in visit.request.documents if one.kind is DocumentKind.PDF and one.pages]
    asked = _number(document)
    shown = next((one for one in pdfs if one.position == asked), pdfs[0] if pdfs else None)
    if shown is None or not visit.may_read:
        return None
    count = shown.pages or 1
    number = min(max(_number(page) or 1, 1), count)
    image = f"{visit.place}/documents/{shown.position}/pages/{number}"

    def turned(to: int) -> str | None:
        if not 1 <= to <= count:
            return None
        return f"{visit.place}?document={shown.position}&page={to}#main"

    return ShownPage(
        position=shown.position,
        document=visit.request.text.documents[shown.position].name,
        number=number,
        count=count,
        image_url=image,
        large_url=f"{image}/large",
        previous_url=turned(number - 1),
        next_url=turned(number + 1),
    )


def size_text(size_bytes: int) -> str:
    """A size as people read it: `182 KB`, `1,4 MB`."""
    if size_bytes < 1_000_000:
        return f"{max(1, math.ceil(size_bytes / 1_000))} KB"
    text = f"{size_bytes / 1_000_000:.1f} MB"
    return text if language() == "en" else text.replace(".", ",")


def grouped(text: str) -> str:
    """In groups of four."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def encode(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(raw: str) -> bytes:
    """The bytes of base64url without padding; nothing where it is none."""
    try:
        return base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _number(raw: str | None) -> int | None:
    if raw is None or not (raw.isascii() and raw.isdigit() and len(raw) <= 6):
        return None
    return int(raw)
