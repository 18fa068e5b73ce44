"""What the signing journey is about: a request, its documents, who signs in which order.

What lives here: frozen values and the questions they answer by themselves.
Source: architecture, J3; Decree 30/2020/ND-CP (the person first, then the organisation's seal).
Not here: where they are kept (`signing/storage`), what moves them (the use cases beside this file).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType

import msgspec

from signing.formats.material import Level

RequestId = NewType("RequestId", str)
BlobId = NewType("BlobId", str)

LONGEST_LIFETIME: Final = timedelta(days=30)
USUAL_LIFETIME: Final = timedelta(days=7)
USUAL_WINDOW: Final = timedelta(seconds=300)
MOST_DOCUMENTS: Final = 1_000
MOST_SIGNERS: Final = 20


class RequestState(StrEnum):
    """Where a request stands; the names are those of the API."""

    WAITING = "waiting"
    """For the signer whose turn it is."""
    CONFIRMED = "confirmed"
    """The signer confirmed; signatures, timestamps or evidence are under way."""
    SIGNED = "signed"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self not in {RequestState.WAITING, RequestState.CONFIRMED}


class SlotState(StrEnum):
    """Where one signer of a request stands."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    SIGNED = "signed"
    REFUSED = "refused"
    ENDED = "ended"
    """The request came to its end, and nothing more is wanted of this signer."""


class Role(StrEnum):
    """As what somebody signs."""

    PERSON = "person"
    """With a key of one's own, for oneself or in an office."""
    SEAL = "seal"
    """With the seal key of an organisation, by whom a mandate lets do so."""


class DocumentKind(StrEnum):
    """What was handed over."""

    PDF = "pdf"
    XML = "xml"
    FILE = "file"
    DIGEST = "digest"
    """Only its hash: the document stays with its owner."""


class SignatureFormat(StrEnum):
    """How the signature of one document is written down."""

    PADES = "pades"
    XADES_ENVELOPED = "xades-enveloped"
    XADES_ENVELOPING = "xades-enveloping"
    XADES_DETACHED = "xades-detached"
    CADES_DETACHED = "cades-detached"
    CADES_ENVELOPING = "cades-enveloping"
    ASIC_S_CADES = "asic-s-cades"
    ASIC_E_CADES = "asic-e-cades"
    ASIC_E_XADES = "asic-e-xades"

    @property
    def is_container(self) -> bool:
        """Whether all documents of a request go into one file."""
        return self.value.startswith("asic-")

    @property
    def is_detached(self) -> bool:
        """Whether the signature comes out alone, without the document."""
        return self in {SignatureFormat.CADES_DETACHED, SignatureFormat.XADES_DETACHED}

    @property
    def takes_several(self) -> bool:
        """Whether somebody else can sign what was signed, one after the other."""
        return self in {SignatureFormat.PADES, SignatureFormat.XADES_ENVELOPED}


USUAL_FORMAT: Final = {
    DocumentKind.PDF: SignatureFormat.PADES,
    DocumentKind.XML: SignatureFormat.XADES_ENVELOPED,
    DocumentKind.FILE: SignatureFormat.CADES_DETACHED,
    DocumentKind.DIGEST: SignatureFormat.CADES_DETACHED,
}
"""What a document gets when the portal names no format."""


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A document at rest: its name in the store and the sealed key that opens it."""

    blob_id: BlobId
    key_sealed: bytes = field(repr=False)
    size_bytes: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """Where a signed document is: a part of something at rest, `size_bytes` from `offset` on.

    Signatures beside documents are small and many: those of one act lie together.
    """

    blob_id: BlobId
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a request, as stored.

    `digest` is the hash (by `hash_name`) of what was handed over, or what was handed over;
    `original_id` is None for a digest; `result`: the newest revision, None before the first
    signature; `pages` is None where there are none; `stored`: what opens `current_id`, where that
    was read with it.
    """

    position: int
    kind: DocumentKind
    format: SignatureFormat
    size_bytes: int
    hash_name: str
    digest: bytes = field(repr=False)
    pages: int | None = None
    original_id: BlobId | None = None
    result: Result | None = None
    stored: StoredBlob | None = field(default=None, repr=False, compare=False)

    @property
    def current_id(self) -> BlobId | None:
        """What the next signer signs."""
        return self.original_id if self.result is None else self.result.blob_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One who must sign, and when it was done.

    `account_id`: the person; `organisation_id`: the organisation whose seal it is, or in whose
    office the person signs; `key_id`, `certificate_sha256`: with what it was signed.
    """

    position: int
    account_id: str
    role: Role
    organisation_id: str | None = None
    state: SlotState = SlotState.WAITING
    ended_at: datetime | None = None
    key_id: str | None = None
    certificate_sha256: bytes | None = field(default=None, repr=False)


class DocumentText(msgspec.Struct, frozen=True):
    """What is said about one document; sealed at rest."""

    name: str
    media_type: str


class RequestText(msgspec.Struct, frozen=True):
    """What a request says to people; sealed at rest.

    Takes   appearance: what the portal asked for, as JSON that was validated; empty: none.
    """

    title: str
    documents: tuple[DocumentText, ...]
    reason: str = ""
    location: str = ""
    appearance: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """One request of a portal.

    `reason` is a code: why it was refused, failed or came back to waiting.
    """

    request_id: RequestId
    client_id: str
    state: RequestState
    level: Level
    reason: str = ""
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    window: timedelta = USUAL_WINDOW
    return_uri: str = ""
    webhook_uri: str = ""
    text: RequestText = field(repr=False)
    documents: tuple[Document, ...]
    slots: tuple[Slot, ...]

    @property
    def current_slot(self) -> Slot | None:
        """Whose turn it is; None when everybody has signed."""
        return next((slot for slot in self.slots if slot.state is not SlotState.SIGNED), None)

    @property
    def signed_slots(self) -> int:
        """How many have signed."""
        return sum(slot.state is SlotState.SIGNED for slot in self.slots)

    def state_at(self, now: datetime) -> RequestState:
        """The state as it counts at `now`, whether or not anybody has noted that time is up."""
        if self.state is RequestState.WAITING and now >= self.expires_at:
            return RequestState.EXPIRED
        return self.state


@dataclass(frozen=True, slots=True)
class Titled:
    """What a request was about; of its first documents the name, the hash's name and the digest."""

    title: str = field(repr=False)
    documents: tuple[tuple[str, str, bytes], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Room:
    """What one portal may have at a time.

    Takes   most_open, most_open_bytes: requests that are open, and all their documents;
            most_waiting_each: requests that wait for the same person.
    """

    most_open: int = 10_000
    most_open_bytes: int = 20_000 << 20
    most_waiting_each: int = 100


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """What a portal fetches: the name of what was handed over, and where the newest revision is."""

    name: str = field(repr=False)
    format: SignatureFormat
    result: Result
    stored: StoredBlob
