"""Documents that a portal wants signed: asked for, looked after, fetched.

What lives here: the four calls of the signing journey's API.  A request carries a key made here,
and is sent again under the same key when no answer comes: however often it arrives, one request is
made of it.  Not here: the body (`signing_upload.py`), what is told unasked (`signing_events.py`).

Source  RFC 6750 §2.1; draft-ietf-httpapi-idempotency-key-header; RFC 7240 §4.3 (`wait`);
        RFC 9530 §2 (Repr-Digest).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clients.sdk.errors import (
    ProviderUnavailable,
    SigningAnswerMalformed,
    SigningRefused,
)
from clients.sdk.login import LoginDoor
from clients.sdk.model import Metadata, text_claim
from clients.sdk.signing_access import SigningAccess
from clients.sdk.signing_model import (
    SignedDocument,
    SigningRequest,
    read_object,
    read_signing_request,
)
from clients.sdk.signing_upload import SignatureWishes, make_upload
from clients.sdk.transport import HttpAnswer, HttpRequest

_WHERE: Final = "sign"
_LONGEST_WAIT: Final = timedelta(seconds=25)
_PAUSES_S: Final = (0.3, 1.5)
_BYTES_PER_S: Final = 1_000_000
"""What a line carries at least, for how long a large file is waited for."""
_LARGEST_SIGNED_BYTES: Final = 512 << 20
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")
_CODE: Final = re.compile(r"[a-z0-9_]{1,64}\Z")
_PART: Final = re.compile(r"[A-Za-z0-9_.\[\]-]{0,100}\Z")
_DIGEST: Final = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]{1,64}):")


@dataclass(frozen=True, slots=True)
class SigningDoor:
    """The portal's side of signing.

    Takes   api: address of the API where it is not the issuer's own, without a trailing slash;
            pause: waits for so many seconds before something is sent again.
    """

    login: LoginDoor
    access: SigningAccess
    api: str | None = None
    pause: Callable[[float], None] = time.sleep

    def url(self, metadata: Metadata, *path: str) -> str:
        """An address of the API."""
        base = self.api or metadata.issuer.rstrip("/") + "/sign"
        return "/".join((base, "requests", *path))


def request_signature(
    wishes: SignatureWishes,
    *,
    idempotency_key: str | None,
    door: SigningDoor,
    metadata: Metadata,
    now: datetime,
) -> SigningRequest:
    """Ask for signatures: send the signer's browser to `.sign_uri`, keep `.request_id`.

    Takes   idempotency_key: 1 to 128 characters of the portal's own, where it wants to be able to
            send the same request again after a restart; else one is made.
    Raises  SigningRefused, whose `error` says why and `part` what it is about; TokenRequestRefused
            when the portal may not ask for signatures; SettingsInvalid; SigningAnswerMalformed;
            ProviderUnavailable: it is not known whether the request was taken.
    """
    upload = make_upload(wishes)
    request = HttpRequest(
        where=_WHERE,
        method="POST",
        url=door.url(metadata),
        headers={
            "Accept": "application/json",
            "Content-Type": upload.content_type,
            "Idempotency-Key": idempotency_key or secrets.token_urlsafe(24),
        },
        body=upload.body,
        patience_s=len(upload.body) / _BYTES_PER_S,
    )
    answer = _send_again(request, door=door, metadata=metadata, now=now)
    return read_signing_request(answer.body)


def signature_status(
    request_id: str,
    *,
    wait: timedelta | None,
    door: SigningDoor,
    metadata: Metadata,
    now: datetime,
) -> SigningRequest:
    """How a request stands.

    Takes   wait: be answered only when something changed, or that time is over; 25 s at most, and
            less when the provider has no room for waiting.
    Raises  SigningRefused (`request_unknown`); ProviderUnavailable; SigningAnswerMalformed.
    """
    wait_s = 0 if wait is None else int(min(wait, _LONGEST_WAIT).total_seconds())
    query = f"?wait={wait_s}" if wait_s > 0 else ""
    request = HttpRequest(
        where=_WHERE,
        method="GET",
        url=door.url(metadata, _checked(request_id)) + query,
        headers={"Accept": "application/json"},
        patience_s=max(wait_s, 0),
    )
    return read_signing_request(_send(request, door=door, metadata=metadata, now=now).body)


def withdraw_signature(
    request_id: str, *, door: SigningDoor, metadata: Metadata, now: datetime
) -> SigningRequest:
    """Take a request back: nobody can sign it any more.

    Raises  SigningRefused: `request_unknown`, or `request_not_waiting` with the `state` in which it
            is; ProviderUnavailable; SigningAnswerMalformed.
    """
    request = HttpRequest(
        where=_WHERE,
        method="DELETE",
        url=door.url(metadata, _checked(request_id)),
        headers={"Accept": "application/json"},
    )
    return read_signing_request(_send(request, door=door, metadata=metadata, now=now).body)


def fetch_signed(
    request_id: str, position: int, *, door: SigningDoor, metadata: Metadata, now: datetime
) -> SignedDocument:
    """Fetch one signed document, or the signature beside it; it came whole.

    Takes   position: of the document in the request, from 0.
    Raises  SigningRefused: `not_signed` (with its `state`) while it is not signed,
            `document_gone` once its time is over; SigningAnswerMalformed (`digest`);
            ProviderUnavailable.
    """
    request = HttpRequest(
        where=_WHERE,
        method="GET",
        url=door.url(metadata, _checked(request_id), "documents", str(int(position))),
        headers={"Accept": "*/*"},
        answer_limit_bytes=_LARGEST_SIGNED_BYTES,
        patience_s=_LARGEST_SIGNED_BYTES / _BYTES_PER_S,
    )
    answer = _send(request, door=door, metadata=metadata, now=now)
    stated = _DIGEST.search(answer.headers.get("repr-digest", ""))
    computed = base64.b64encode(hashlib.sha256(answer.body).digest()).decode("ascii")
    if stated is None or not hmac.compare_digest(stated[1], computed):
        raise SigningAnswerMalformed("digest")
    return SignedDocument(content=answer.body, media_type=answer.media_type)


def _checked(request_id: str) -> str:
    """An id as it may stand in an address; anything else was never one."""
    if _REQUEST_ID.match(request_id) is None:
        raise SigningRefused("request_unknown", status=404)
    return request_id


def _send_again(
    request: HttpRequest, *, door: SigningDoor, metadata: Metadata, now: datetime
) -> HttpAnswer:
    """Send it until there is an answer, a few times; the key in it makes that harmless."""
    for pause_s in _PAUSES_S:
        try:
            return _send(request, door=door, metadata=metadata, now=now)
        except ProviderUnavailable:
            door.pause(pause_s)
    return _send(request, door=door, metadata=metadata, now=now)


def _send(
    request: HttpRequest, *, door: SigningDoor, metadata: Metadata, now: datetime
) -> HttpAnswer:
    """Send it with the portal's token, and with a new one when that was refused."""
    answer = _send_once(request, door=door, metadata=metadata, now=now)
    if answer.status == 401:
        # keys of the provider may have been replaced in a hurry: a fresh token decides
        answer = _send_once(request, door=door, metadata=metadata, now=now)
    if answer.status in {200, 201}:
        return answer
    raise refusal_of(answer)


def _send_once(
    request: HttpRequest, *, door: SigningDoor, metadata: Metadata, now: datetime
) -> HttpAnswer:
    token = door.access.token(metadata=metadata, now=now)
    answer = door.login.transport.send(
        HttpRequest(
            where=request.where,
            method=request.method,
            url=request.url,
            headers={**request.headers, "Authorization": f"Bearer {token.reveal()}"},
            body=request.body,
            patience_s=request.patience_s,
            answer_limit_bytes=request.answer_limit_bytes,
        )
    )
    if answer.status == 401:
        door.access.forget(token)
    if answer.status >= 500 or answer.status == 429:
        raise ProviderUnavailable(_WHERE, reason=f"status_{answer.status}")
    return answer


def refusal_of(answer: HttpAnswer) -> SigningRefused:
    """Why the provider refused, out of its answer."""
    members: Mapping[str, object] = read_object(answer.body) or {}
    error = text_claim(members, "error") or ""
    part = text_claim(members, "part") or ""
    state = text_claim(members, "state") or ""
    return SigningRefused(
        error if _CODE.match(error) else "unknown_error",
        status=answer.status,
        part=part if _PART.match(part) else "",
        state=state if _CODE.match(state) else "",
    )
