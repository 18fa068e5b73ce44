"""The values of signing: what a portal asks for, how its request stands, what was signed.

What lives here: frozen carriers, and reading what the provider answered.  Nothing here fetches.
Source: the API of the signing journey, as `/openapi.json` of the provider describes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeVar

from clients.sdk.discovery import check_address
from clients.sdk.errors import MetadataInvalid, SigningAnswerMalformed

SignatureLevel = Literal["B-B", "B-T", "B-LT", "B-LTA"]
SignatureFormat = Literal[
    "pades",
    "xades-enveloped",
    "xades-enveloping",
    "xades-detached",
    "cades-detached",
    "cades-enveloping",
    "asic-s-cades",
    "asic-e-cades",
    "asic-e-xades",
]
HashName = Literal["sha256", "sha384", "sha512"]
SignerRole = Literal["person", "seal"]

Value = TypeVar("Value")


class SigningState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    """For the signer whose turn it is."""
    CONFIRMED = "confirmed"
    """The signer confirmed; the signed documents are being made."""
    SIGNED = "signed"
    REFUSED = "refused"
    """By a signer, or withdrawn by the portal; `reason` says which."""
    EXPIRED = "expired"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self not in {SigningState.WAITING, SigningState.CONFIRMED}


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentToSign:
    """One document: its `content`, or its `digest` where it shall not leave the portal.

    Takes   format: how the signature is written down; None for what is usual (a PDF: `pades`, XML:
            `xades-enveloped`, anything else and digests: `cades-detached`); hash_name: of `digest`.
    """

    name: str = field(repr=False)
    media_type: str = "application/octet-stream"
    content: bytes | None = field(default=None, repr=False)
    digest: bytes | None = field(default=None, repr=False)
    hash_name: HashName = "sha256"
    format: SignatureFormat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerWanted:
    """Who must sign.

    Takes   subject: the person, as `Login.subject` named them to this portal; role: `seal` for the
            seal of an organisation; enterprise_code: of the organisation that it is for.
    """

    subject: str = field(repr=False)
    role: SignerRole = "person"
    enterprise_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedDocument:
    """One document of a request, as the provider took it; `digest` by `hash_name`."""

    position: int
    name: str = field(repr=False)
    kind: str
    format: str
    size_bytes: int
    hash_name: str
    digest: str = field(repr=False)
    pages: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedSigner:
    """One signer of a request, in their order; `state` is waiting, confirmed, signed or refused."""

    position: int
    role: str
    state: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """How a request stands.

    `sign_uri` is where the signer's browser goes; keep `request_id` to ask again.  `reason` is a
    code: why it was refused, or failed; empty where there is none.
    """

    request_id: str
    state: SigningState
    sign_uri: str
    level: str
    reason: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    documents: tuple[RequestedDocument, ...]
    signers: tuple[RequestedSigner, ...]

    @property
    def is_signed(self) -> bool:
        """Whether everybody has signed, and the documents can be fetched."""
        return self.state is SigningState.SIGNED


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """A signed document, or the signature beside it, whole: its digest was compared."""

    content: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningEvent:
    """What the provider said, unasked, about a request: ask for the rest with `signature_status`.

    `event_id` is the same each time that one event is told.
    """

    event_id: str
    request_id: str
    state: SigningState
    reason: str
    issued_at: datetime


def read_signing_request(raw: bytes) -> SigningRequest:
    """Read an answer of the API.

    Raises  SigningAnswerMalformed with the name of the member.
    """
    members = read_object(raw)
    if members is None:
        raise SigningAnswerMalformed("not_an_object")
    sign_uri = _member(members, "sign_uri", str)
    try:
        check_address(sign_uri, name="sign_uri")
    except MetadataInvalid as error:
        raise SigningAnswerMalformed(error.reason) from error
    return SigningRequest(
        request_id=_member(members, "request_id", str),
        state=read_state(members),
        sign_uri=sign_uri,
        level=_member(members, "level", str),
        reason=_member(members, "reason", str, default=""),
        created_at=_get_instant(members, "created_at"),
        expires_at=_get_instant(members, "expires_at"),
        ended_at=_find_instant(members, "ended_at"),
        documents=tuple(_read_document(one) for one in _list(members, "documents")),
        signers=tuple(_read_signer(one) for one in _list(members, "signers")),
    )


def read_state(members: Mapping[str, object]) -> SigningState:
    """The state that a JSON object names.

    Raises  SigningAnswerMalformed.
    """
    try:
        return SigningState(_member(members, "state", str))
    except ValueError as error:
        raise SigningAnswerMalformed("state") from error


def read_object(raw: bytes) -> Mapping[str, object] | None:
    """A JSON object, or None when it is something else."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _read_document(members: Mapping[str, object]) -> RequestedDocument:
    return RequestedDocument(
        position=_member(members, "position", int),
        name=_member(members, "name", str),
        kind=_member(members, "kind", str),
        format=_member(members, "format", str),
        size_bytes=_member(members, "size", int),
        hash_name=_member(members, "hash", str),
        digest=_member(members, "digest", str),
        pages=None if members.get("pages") is None else _member(members, "pages", int),
    )


def _read_signer(members: Mapping[str, object]) -> RequestedSigner:
    return RequestedSigner(
        position=_member(members, "position", int),
        role=_member(members, "role", str),
        state=_member(members, "state", str),
        ended_at=_find_instant(members, "ended_at"),
    )


def _member(
    members: Mapping[str, object],
    name: str,
    kind: type[Value],
    *,
    default: Value | None = None,
) -> Value:
    value = members.get(name, default)
    # `True` is an int to Python
    if not isinstance(value, kind) or isinstance(value, bool):
        raise SigningAnswerMalformed(name)
    return value


def _list(members: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    value = members.get(name)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise SigningAnswerMalformed(name)
    return value


def _get_instant(members: Mapping[str, object], name: str) -> datetime:
    try:
        instant = datetime.fromisoformat(_member(members, name, str))
    except ValueError as error:
        raise SigningAnswerMalformed(name) from error
    if instant.tzinfo is None:
        raise SigningAnswerMalformed(name)
    return instant


def _find_instant(members: Mapping[str, object], name: str) -> datetime | None:
    return None if members.get(name) is None else _get_instant(members, name)
