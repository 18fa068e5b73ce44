"""The API of the signing journey: portals ask, look how it stands, and fetch what was signed.

What lives here: `POST /sign/requests`, `GET /sign/requests/ID` (with `wait`), `DELETE`, and
`GET /sign/requests/ID/documents/N`.  Every answer is JSON but a document; every refusal has a code
that stays, and says which part it is about.
Source: architecture, J3; RFC 6750; draft-ietf-httpapi-idempotency-key-header; RFC 7240 (`wait`);
RFC 9530 (Repr-Digest).
Not here: what is allowed when (`signing/requests`), the pages of signers (`idp/web/sign`).
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from signing.blobs import DocumentStore
from signing.errors import (
    CertificateRefused,
    DocumentGone,
    DocumentRefused,
    IdempotencyKeyReused,
    ParsingFailed,
    RequestNotWaiting,
    RequestRefused,
    RequestUnknown,
    SignatureForeign,
    SignerUnknown,
    SigningError,
)
from signing.made_once import Idempotency
from signing.model import RequestState, SigningRequest
from signing.requests import SigningRequests
from signing.web.document_answer import answer_result
from signing.web.ports import CallerRefused, PortalDoor
from signing.web.request_body import read_body

SCOPE: Final = "sign"
"""What a portal's access token has to allow."""

_LONGEST_WAIT_S: Final = 25.0
_LOOK_EVERY_S: Final = 0.25
_MOST_WAITING: Final = 2
"""Requests of one process that wait at a time: each holds a thread that others need."""
_LONGEST_KEY: Final = 128
_NOT_KEPT: Final = (("Cache-Control", "no-store"),)


def make_sign_api(
    *,
    requests: SigningRequests,
    documents: DocumentStore,
    door: PortalDoor,
    origin: str,
    max_bytes: int,
    now: Callable[[], datetime],
    may_be_told: Callable[[str, str], bool] = lambda _uri, _client_id: True,
) -> Blueprint:
    """The blueprint of `/sign/requests`.

    Takes   origin: of the signers' pages, without a trailing slash; max_bytes: of a request with
            all its files; may_be_told: whether messages can go to an address, of which client.
    """
    api = _Api(
        requests,
        documents=documents,
        door=door,
        origin=origin,
        max_bytes=max_bytes,
        now=now,
        may_be_told=may_be_told,
    )
    blueprint = Blueprint("sign_api", __name__)
    blueprint.add_url_rule("/sign/requests", "create", api.create, methods=["POST"])
    blueprint.add_url_rule("/sign/requests/<request_id>", "status", api.status, methods=["GET"])
    blueprint.add_url_rule(
        "/sign/requests/<request_id>", "withdraw", api.withdraw, methods=["DELETE"]
    )
    blueprint.add_url_rule(
        "/sign/requests/<request_id>/documents/<int:position>",
        "document",
        api.document,
        methods=["GET"],
    )
    blueprint.register_error_handler(SigningError, refusal)
    return blueprint


def refusal(error: SigningError) -> Response:
    """What a refusal looks like: a code, a sentence for a developer, and what it is about."""
    status, code, sentence = _explain(error)
    body: dict[str, Any] = {"error": code, "error_description": sentence}
    part = getattr(error, "part", "")
    if part:
        body["part"] = part
    if isinstance(error, RequestNotWaiting):
        body["state"] = error.state
    answer = _json(status, body)
    if isinstance(error, CallerRefused):
        answer.headers["WWW-Authenticate"] = error.challenge
    if status == 503:
        answer.headers["Retry-After"] = "5"
    elif code == "too_many_requests":
        answer.headers["Retry-After"] = "60"
    return answer


class _Api:
    """The views."""

    def __init__(
        self,
        requests: SigningRequests,
        *,
        documents: DocumentStore,
        door: PortalDoor,
        origin: str,
        max_bytes: int,
        now: Callable[[], datetime],
        may_be_told: Callable[[str, str], bool],
    ) -> None:
        self._may_be_told = may_be_told
        self._requests = requests
        self._documents = documents
        self._door = door
        self._origin = origin
        self._max_bytes = max_bytes
        self._now = now
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)

    def create(self) -> Response:
        """Take a request; whatever was sent before is answered as it was then."""
        now = self._now()
        caller = self._door.authenticate(request.headers.get("Authorization"), now=now)
        self._door.admit(caller, now=now)
        key = request.headers.get("Idempotency-Key")
        if key is not None and not 0 < len(key) <= _LONGEST_KEY:
            raise RequestRefused("idempotency_key_length", part="Idempotency-Key")
        with ExitStack() as held:
            body = read_body(request, max_bytes=self._max_bytes, held=held)
            for name in ("return_uri", "webhook_uri"):
                uri = getattr(body.new, name)
                if uri and not self._door.is_own_address(uri, client_id=caller.client_id, now=now):
                    raise RequestRefused("address_foreign", part=name)
            hook = body.new.webhook_uri
            if hook and not self._may_be_told(hook, caller.client_id):
                raise RequestRefused("webhook_refused", part="webhook_uri")
            made = self._requests.create(
                body.new,
                client_id=caller.client_id,
                idempotency=None if key is None else Idempotency(key, body.computed_sha256()),
                now=now,
            )
        # with the clock of then: nothing has expired that had not
        answer = self._answer(made.request, now=made.request.created_at, status=201)
        answer.headers["Location"] = f"{self._origin}/sign/requests/{made.request.request_id}"
        return answer

    def status(self, request_id: str) -> Response:
        """How a request stands; with `wait` (seconds) not before something changed."""
        now = self._now()
        caller = self._door.authenticate(request.headers.get("Authorization"), now=now)
        found = self._requests.get(request_id, client_id=caller.client_id)
        wait_s = _wait_s(request.args.get("wait"))
        if wait_s and not found.state_at(now).is_final and self._waiting.acquire(blocking=False):
            try:
                found = self._wait(found, wait_s=wait_s)
            finally:
                self._waiting.release()
        return self._answer(found, now=self._now())

    def withdraw(self, request_id: str) -> Response:
        """The portal no longer wants it."""
        now = self._now()
        caller = self._door.authenticate(request.headers.get("Authorization"), now=now)
        found = self._requests.get(request_id, client_id=caller.client_id)
        self._requests.withdraw(found, now=now)
        return self._answer(self._requests.get(request_id), now=now)

    def document(self, request_id: str, position: int) -> Response:
        """A signed document, or the signature beside it."""
        now = self._now()
        caller = self._door.authenticate(request.headers.get("Authorization"), now=now)
        found = self._requests.find_signed(
            request_id, position, client_id=caller.client_id, now=now
        )
        content = self._documents.read_part(found.stored, found.result)
        return answer_result(content, name=found.name, signature_format=found.format)

    def _wait(self, found: SigningRequest, *, wait_s: float) -> SigningRequest:
        before = (found.state, found.signed_slots)
        until_s = time.monotonic() + wait_s
        while time.monotonic() < until_s:
            time.sleep(_LOOK_EVERY_S)
            # one row, however many documents there are
            if self._requests.stands(found.request_id, now=self._now()) != before:
                break
        return self._requests.get(found.request_id)

    def _answer(self, found: SigningRequest, *, now: datetime, status: int = 200) -> Response:
        return _json(status, request_members(found, origin=self._origin, now=now))


def request_members(found: SigningRequest, *, origin: str, now: datetime) -> dict[str, Any]:
    """What a portal sees of its request; the names of signers are the portal's own order."""
    base = f"{origin}/sign/requests/{found.request_id}"
    is_signed = found.state is RequestState.SIGNED
    members: dict[str, Any] = {
        "request_id": found.request_id,
        "state": found.state_at(now),
        "sign_uri": f"{origin}/sign/{found.request_id}",
        "level": found.level,
        "created_at": _instant(found.created_at),
        "expires_at": _instant(found.expires_at),
        "documents": [
            {
                "position": one.position,
                "name": text.name,
                "kind": one.kind,
                "format": one.format,
                "size": one.size_bytes,
                "hash": one.hash_name,
                "digest": base64.urlsafe_b64encode(one.digest).rstrip(b"=").decode(),
                **({} if one.pages is None else {"pages": one.pages}),
                **({"signed_uri": f"{base}/documents/{one.position}"} if is_signed else {}),
            }
            for one, text in zip(found.documents, found.text.documents, strict=True)
        ],
        "signers": [
            {
                "position": one.position,
                "role": one.role,
                "state": one.state,
                **({} if one.ended_at is None else {"ended_at": _instant(one.ended_at)}),
            }
            for one in found.slots
        ],
    }
    if found.reason:
        members["reason"] = found.reason
    if found.ended_at is not None:
        members["ended_at"] = _instant(found.ended_at)
    return members


def _explain(error: SigningError) -> tuple[int, str, str]:
    match error:
        case CallerRefused():
            return error.status, error.error, "an access token for signing is needed"
        case RequestUnknown():
            return 404, error.code, "there is no such request of yours"
        case RequestNotWaiting():
            return 409, error.code, "the request is in another state"
        case DocumentGone():
            return 410, error.code, "the document is no longer here"
        case IdempotencyKeyReused():
            return 422, error.code, "the key was used for another request within 24 hours"
        case SignerUnknown():
            return 422, error.code, "nobody whom you may ask to sign as that"
        case RequestRefused() if error.reason in _MALFORMED:
            return _MALFORMED[error.reason], error.reason, "the request cannot be read"
        case RequestRefused() if error.reason in _TOO_MANY:
            return 429, error.reason, _TOO_MANY[error.reason]
        case RequestRefused() | DocumentRefused():
            return 422, error.reason, "the request cannot be taken as it is"
        case ParsingFailed() if error.reason in _LATER:
            return 503, error.code, "nobody is free to read documents at this moment; try again"
        case CertificateRefused() | SignatureForeign():
            return 409, error.code, "it cannot be signed with this certificate"
        case ParsingFailed():
            return 422, f"document_{error.reason}", "the document could not be read"
    return 503, error.code, "not possible at this moment; try again"


_TOO_MANY: Final = {
    "too_many_open": "too many of your requests are open; end some of them",
    "too_many_waiting": "too many of your requests wait for this person; end some of them",
    "too_many_requests": "too many requests within a minute; try again in a minute",
}
_LATER: Final = frozenset({"busy", "not_started"})
_MALFORMED: Final = {
    "malformed": 400,
    "cut_off": 400,
    "length_required": 411,
    "unsupported_media_type": 415,
    "idempotency_key_length": 400,
}


def _json(status: int, body: Any) -> Response:
    return Response(
        msgspec.json.encode(body),
        status=status,
        mimetype="application/json",
        headers=list(_NOT_KEPT),
    )


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _wait_s(text: str | None) -> float:
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 4):
        return 0.0
    return min(float(text), _LONGEST_WAIT_S)
