"""What a portal may ask for: the words of a signing request, and their bounds.

What lives here: a request as it comes in, and every refusal that needs no look into a document.
Source: architecture, J3 (at most 1,000 documents, 30 days); Decree 30/2020/ND-CP (the seal follows
the person).  Not here: making it (`signing/requests.py`), the JSON of the API (`signing/web`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from signing.appearance.wanted import read_wanted
from signing.errors import RequestRefused
from signing.formats.material import Level
from signing.isolation.blob import Blob
from signing.model import (
    LONGEST_LIFETIME,
    MOST_DOCUMENTS,
    MOST_SIGNERS,
    USUAL_FORMAT,
    USUAL_LIFETIME,
    USUAL_WINDOW,
    DocumentKind,
    Role,
    SignatureFormat,
)
from signing.plain_text import check_text

_SHORTEST_LIFETIME: Final = timedelta(minutes=1)
_WINDOWS: Final = (timedelta(seconds=30), timedelta(seconds=300))
_DIGEST_BYTES: Final = {"sha256": 32, "sha384": 48, "sha512": 64}
_LONGEST_NAME: Final = 200
_LONGEST_TEXT: Final = 500
_LONGEST_ID: Final = 255
_LONGEST_ADDRESS: Final = 2_000

_FITTING: Final = {
    DocumentKind.PDF: frozenset(SignatureFormat) - {SignatureFormat.XADES_ENVELOPED},
    DocumentKind.XML: frozenset(SignatureFormat) - {SignatureFormat.PADES},
    DocumentKind.FILE: frozenset(SignatureFormat)
    - {SignatureFormat.PADES, SignatureFormat.XADES_ENVELOPED},
    DocumentKind.DIGEST: frozenset({SignatureFormat.CADES_DETACHED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document as a portal hands it over: its content, or only its digest.

    Takes   name: as people read it; media_type: as the portal states it; digest: with `hash_name`,
            where the document stays with its owner; format: None for the usual one of its kind.
    """

    name: str = field(repr=False)
    media_type: str = "application/octet-stream"
    content: Blob | None = None
    digest: bytes | None = field(default=None, repr=False)
    hash_name: str = "sha256"
    format: SignatureFormat | None = None

    @property
    def size_bytes(self) -> int:
        """How large it is; 0 where only its digest is here."""
        return 0 if self.content is None else self.content.size

    def computed_digest(self) -> bytes:
        """The hash of the document, as handed over or computed here."""
        if self.digest is not None:
            return self.digest
        return b"" if self.content is None else self.content.digest(self.hash_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSigner:
    """Who must sign: `sub` as the portal knows the person; enterprise_code: for whom."""

    sub: str = field(repr=False)
    role: Role = Role.PERSON
    enterprise_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """What a portal asks for; `return_uri` and `webhook_uri` were found to be the client's."""

    title: str = field(repr=False)
    documents: Sequence[NewDocument]
    signers: Sequence[NewSigner]
    level: Level = Level.LT
    reason: str = field(default="", repr=False)
    location: str = field(default="", repr=False)
    appearance: bytes = field(default=b"", repr=False)
    return_uri: str = ""
    webhook_uri: str = ""
    lifetime: timedelta = USUAL_LIFETIME
    window: timedelta = USUAL_WINDOW


def check_bounds(new: NewRequest, *, largest_bytes: int) -> None:
    """Refuse what nobody may ask for, before anything of it is looked at.

    Raises  RequestRefused, with its reason and the part that it is about.
    """
    if not 1 <= len(new.documents) <= MOST_DOCUMENTS:
        raise RequestRefused("documents_number", part="documents")
    if not 1 <= len(new.signers) <= MOST_SIGNERS:
        raise RequestRefused("signers_number", part="signers")
    check_text(new.title, part="title", least=1, most=_LONGEST_NAME)
    for part in ("reason", "location"):
        check_text(getattr(new, part), part=part, most=_LONGEST_TEXT)
    for part in ("return_uri", "webhook_uri"):
        check_text(getattr(new, part), part=part, most=_LONGEST_ADDRESS)
    for at, signer in enumerate(new.signers):
        check_text(signer.sub, part=f"signers[{at}].sub", most=_LONGEST_ID)
        code = signer.enterprise_code or ""
        check_text(code, part=f"signers[{at}].organization", most=_LONGEST_ID)
    if not _SHORTEST_LIFETIME <= new.lifetime <= LONGEST_LIFETIME:
        raise RequestRefused("lifetime", part="expires_in")
    if not _WINDOWS[0] <= new.window <= _WINDOWS[1]:
        raise RequestRefused("window", part="confirmation_window")
    read_wanted(new.appearance, signers=len(new.signers))
    for at, one in enumerate(new.documents):
        _check_document(one, part=f"documents[{at}]", largest_bytes=largest_bytes)
    if Role.SEAL in {one.role for one in new.signers[:1]} and len(new.signers) > 1:
        # NĐ 30/2020: the seal follows the signature of the person
        raise RequestRefused("seal_before_person", part="signers[0]")


def _check_document(one: NewDocument, *, part: str, largest_bytes: int) -> None:
    check_text(one.name, part=f"{part}.name", least=1, most=_LONGEST_NAME)
    check_text(one.media_type, part=f"{part}.media_type", most=_LONGEST_ID)
    if (one.content is None) == (one.digest is None):
        raise RequestRefused("content_or_digest", part=part)
    if one.content is not None and not 0 < one.content.size <= largest_bytes:
        raise RequestRefused("document_size", part=part)
    if one.hash_name not in _DIGEST_BYTES:
        raise RequestRefused("unknown_hash", part=f"{part}.hash")
    if one.digest is not None and len(one.digest) != _DIGEST_BYTES[one.hash_name]:
        raise RequestRefused("digest_length", part=f"{part}.digest")


def choose_formats(new: NewRequest, kinds: Sequence[DocumentKind]) -> list[SignatureFormat]:
    """The signature format of each document; `kinds` says what intake made of each.

    Raises  RequestRefused (format_unfit, format_mixed, format_one_signer, documents_number,
            level_unfit, appearance).
    """
    formats = []
    for at, (one, kind) in enumerate(zip(new.documents, kinds, strict=True)):
        wanted = one.format or USUAL_FORMAT[kind]
        if wanted not in _FITTING[kind]:
            raise RequestRefused("format_unfit", part=f"documents[{at}].format")
        formats.append(wanted)
    containers = {one for one in formats if one.is_container}
    if containers and set(formats) != containers:
        raise RequestRefused("format_mixed", part="documents")
    if len(containers) > 1:
        raise RequestRefused("format_mixed", part="documents")
    if SignatureFormat.ASIC_S_CADES in containers and len(formats) != 1:
        raise RequestRefused("documents_number", part="documents")
    if len(new.signers) > 1 and not all(one.takes_several for one in formats):
        raise RequestRefused("format_one_signer", part="signers")
    if new.level is Level.LTA and set(formats) != {SignatureFormat.PADES}:
        raise RequestRefused("level_unfit", part="level")
    if new.appearance and SignatureFormat.PADES not in formats:
        raise RequestRefused("appearance", part="appearance")  # nothing of it would be seen
    return formats
