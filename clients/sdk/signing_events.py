"""What the provider tells a portal, unasked, about a signing request.

What lives here: the judgement of a pushed security event token.  Not here: the address at the
portal that takes it, and what is done then.

Source  RFC 8417 §2 (the token); RFC 8935 §2 (the push, its answers and errors).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from clients.sdk.errors import (
    JwtMalformed,
    KeyUnknown,
    SigningAnswerMalformed,
    SigningEventInvalid,
)
from clients.sdk.jose import audiences, parse_jwt, read_numeric_date, verify_signature
from clients.sdk.login import LoginDoor
from clients.sdk.logout import ReplayStore
from clients.sdk.model import Metadata, VerifiedClaims, text_claim
from clients.sdk.signing_model import SigningEvent, SigningState, read_state

_EVENT: Final = "urn:antin:event:signing-request"
_TYPE: Final = "secevent+jwt"
_ALGORITHM: Final = "ES256"
_ISSUED_AT_MOST_AGO: Final = timedelta(minutes=10)


def verify_signing_event(
    raw: str, *, door: LoginDoor, metadata: Metadata, replays: ReplayStore, now: datetime
) -> SigningEvent:
    """Judge a security event token that the provider posted to the webhook.

    1. Not encrypted, and a JWT at all.
    2. `typ` says that it is a security event; the signature holds, ES256 under a key of the
       provider.
    3. `iss` is the provider, `aud` this portal alone, `iat` near.
    4. There is no `nonce` and no `exp`, so that no other kind of token passes for one.
    5. `events` has the member of a signing request, with `request_id` and a known `state`.
    6. `jti` is there and was not seen before.

    Takes   raw: the body of the push, a compact JWS of at most 16 KiB.
    Raises  SigningEventInvalid (carries the step, and what to answer): answer 400 with its `err`,
            but 202 where `is_repeated`; ProviderUnavailable: answer 503, it is told again.
    Source  RFC 8417 §2.2, §2.3 (`typ`), §4; RFC 8935 §2.2–2.4.
    """
    # 1
    try:
        jwt = parse_jwt(raw.strip())
    except JwtMalformed as error:
        raise SigningEventInvalid(1, error.reason) from error
    # 2
    if jwt.header.get("typ") != _TYPE:
        raise SigningEventInvalid(2, "typ")
    if jwt.algorithm != _ALGORITHM:
        raise SigningEventInvalid(2, "algorithm")
    try:
        key = door.keys.get_key(kid=jwt.kid, algorithm=_ALGORITHM, now=now)
        claims = verify_signature(jwt, key=key, algorithm=_ALGORITHM)
    except KeyUnknown as error:
        raise SigningEventInvalid(2, "key_unknown") from error
    except JwtMalformed as error:
        raise SigningEventInvalid(2, error.reason) from error
    # 3
    issued_at = _require_addressed(claims, door=door, metadata=metadata, now=now)
    # 4
    for name in ("nonce", "exp"):
        if name in claims:
            raise SigningEventInvalid(4, name)
    # 5
    said = _find_event(claims)
    # 6
    event_id = text_claim(claims, "jti")
    if event_id is None:
        raise SigningEventInvalid(6, "jti_missing")
    event = SigningEvent(
        event_id=event_id,
        request_id=text_claim(said, "request_id") or "",
        state=_state(said),
        reason=text_claim(said, "reason") or "",
        issued_at=issued_at,
    )
    # an event that is told again later is issued again: older tokens fail in step 3
    until = issued_at + _ISSUED_AT_MOST_AGO + 2 * door.leeway
    if not replays.first_use(f"{metadata.issuer} event {event_id}", until=until, now=now):
        raise SigningEventInvalid(6, "repeated")
    return event


def _require_addressed(
    claims: VerifiedClaims, *, door: LoginDoor, metadata: Metadata, now: datetime
) -> datetime:
    if claims.get("iss") != metadata.issuer:
        raise SigningEventInvalid(3, "issuer")
    if audiences(claims) != (door.credentials.client_id,):
        raise SigningEventInvalid(3, "audience")
    try:
        issued_s = read_numeric_date(claims, "iat")
    except JwtMalformed as error:
        raise SigningEventInvalid(3, error.reason) from error
    if issued_s is None:
        raise SigningEventInvalid(3, "iat_missing")
    issued_at = datetime.fromtimestamp(issued_s, tz=UTC)
    if not now - _ISSUED_AT_MOST_AGO - door.leeway <= issued_at <= now + door.leeway:
        raise SigningEventInvalid(3, "issued_at")
    return issued_at


def _find_event(claims: VerifiedClaims) -> Mapping[str, object]:
    events = claims.get("events")
    said = events.get(_EVENT) if isinstance(events, dict) else None
    if not isinstance(said, dict):
        raise SigningEventInvalid(5, "events")
    if text_claim(said, "request_id") is None:
        raise SigningEventInvalid(5, "request_id")
    return said


def _state(said: Mapping[str, object]) -> SigningState:
    try:
        return read_state(said)
    except SigningAnswerMalformed as error:
        raise SigningEventInvalid(5, "state") from error
