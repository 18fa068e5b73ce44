"""Signing out: started by this portal, or told to it by the provider.

What lives here: the address of RP-initiated logout, and the judgement of a logout token.  Not
here: the portal's sessions; it ends them itself, by `sid` or by subject.

Source  OIDC RP-Initiated Logout 1.0; OIDC Back-Channel Logout 1.0.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode

from clients.sdk.errors import (
    JwtMalformed,
    KeyUnknown,
    LogoutTokenInvalid,
    NotOffered,
)
from clients.sdk.jose import audiences, parse_jwt, read_numeric_date, verify_signature
from clients.sdk.login import LoginDoor
from clients.sdk.model import LogoutNotice, Metadata, Secret, VerifiedClaims, text_claim

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TYPE = "logout+jwt"
_ISSUED_AT_MOST_AGO_S = 600.0


class ReplayStore(Protocol):
    """Remembers which logout tokens were seen; shared by all processes of one portal."""

    def first_use(self, key: str, *, until: datetime, now: datetime) -> bool:
        """Remember `key` until then, in one atomic step; say whether it was new."""
        ...


class MemoryReplayStore:
    """A replay store for a portal of **one** process; entries go when their time is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, datetime] = {}

    def first_use(self, key: str, *, until: datetime, now: datetime) -> bool:
        """See `ReplayStore`."""
        with self._lock:
            self._until = {seen: end for seen, end in self._until.items() if end > now}
            if key in self._until:
                return False
            self._until[key] = until
            return True


def logout_url(
    *,
    metadata: Metadata,
    client_id: str,
    id_token: Secret | None,
    post_logout_redirect_uri: str | None,
    state: str | None,
    ui_locales: tuple[str, ...],
) -> str:
    """Return where to send the browser so that the session at the provider ends too.

    Raises  NotOffered.
    Source  OIDC RP-Initiated Logout 1.0 §2.
    """
    if metadata.end_session_endpoint is None:
        raise NotOffered("end_session_endpoint")
    sent = {
        "client_id": client_id,
        "id_token_hint": "" if id_token is None else id_token.reveal(),
        "post_logout_redirect_uri": post_logout_redirect_uri or "",
        "state": state or "",
        "ui_locales": " ".join(ui_locales),
    }
    query = urlencode({name: value for name, value in sent.items() if value})
    joint = "&" if "?" in metadata.end_session_endpoint else "?"
    return metadata.end_session_endpoint + joint + query


def verify_logout_token(
    raw: str, *, door: LoginDoor, metadata: Metadata, replays: ReplayStore, now: datetime
) -> LogoutNotice:
    """Judge a logout token that the provider posted as `logout_token`.

    1. Not encrypted, as no encryption was registered.
    2. The signature holds, under the algorithm that was registered for ID tokens; `typ` says
       that it is a logout token.
    3. `iss` is the provider, `aud` this portal, `iat` near, `exp` ahead.
    4. `sub` or `sid` is there, or both.
    5. `events` has the member of back-channel logout, which is a JSON object.
    6. There is no `nonce`, so that no ID token passes for a logout token.
    7. `jti` is there and was not seen before.

    Steps 8–10 (which of the portal's sessions are meant) are the portal's: it looks for `sid`
    or, without one, for the subject among the sessions that this same issuer gave it.

    Takes   raw: compact JWS, at most 16 KiB.
    Raises  LogoutTokenInvalid (carries the step): answer 400; ProviderUnavailable: answer 503,
            the provider tries again.
    Source  OIDC Back-Channel Logout 1.0 §2.4, §2.6.
    """
    # 1
    try:
        jwt = parse_jwt(raw)
    except JwtMalformed as error:
        raise LogoutTokenInvalid(1, error.reason) from error
    # 2
    if jwt.header.get("typ") != _TYPE:
        raise LogoutTokenInvalid(2, "typ")
    if jwt.algorithm != door.algorithm:
        raise LogoutTokenInvalid(2, "algorithm")
    try:
        key = door.keys.get_key(kid=jwt.kid, algorithm=door.algorithm, now=now)
        claims = verify_signature(jwt, key=key, algorithm=door.algorithm)
    except KeyUnknown as error:
        raise LogoutTokenInvalid(2, "key_unknown") from error
    except JwtMalformed as error:
        raise LogoutTokenInvalid(2, error.reason) from error
    # 3
    expires_s = _require_addressed(claims, door=door, metadata=metadata, now=now)
    # 4
    notice = LogoutNotice(subject=text_claim(claims, "sub"), sid=text_claim(claims, "sid"))
    if notice.subject is None and notice.sid is None:
        raise LogoutTokenInvalid(4, "nobody_named")
    # 5
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_EVENT), dict):
        raise LogoutTokenInvalid(5, "events")
    # 6
    if "nonce" in claims:
        raise LogoutTokenInvalid(6, "nonce")
    # 7
    jti = text_claim(claims, "jti")
    if jti is None:
        raise LogoutTokenInvalid(7, "jti_missing")
    until = now + timedelta(seconds=expires_s - now.timestamp()) + 2 * door.leeway
    if not replays.first_use(f"{metadata.issuer} {jti}", until=until, now=now):
        raise LogoutTokenInvalid(7, "replayed")
    return notice


def _require_addressed(
    claims: VerifiedClaims, *, door: LoginDoor, metadata: Metadata, now: datetime
) -> float:
    now_s, leeway_s = now.timestamp(), door.leeway.total_seconds()
    if claims.get("iss") != metadata.issuer:
        raise LogoutTokenInvalid(3, "issuer")
    if audiences(claims) != (door.credentials.client_id,):
        raise LogoutTokenInvalid(3, "audience")
    issued_s = _date(claims, "iat")
    if not now_s - _ISSUED_AT_MOST_AGO_S - leeway_s <= issued_s <= now_s + leeway_s:
        raise LogoutTokenInvalid(3, "issued_at")
    expires_s = _date(claims, "exp")
    if now_s >= expires_s + leeway_s:
        raise LogoutTokenInvalid(3, "expired")
    # A token that holds for years would have to be remembered for years.
    if expires_s > now_s + 24 * 3600:
        raise LogoutTokenInvalid(3, "lives_too_long")
    return expires_s


def _date(claims: Mapping[str, object], name: str) -> float:
    try:
        value = read_numeric_date(claims, name)
    except JwtMalformed as error:
        raise LogoutTokenInvalid(3, error.reason) from error
    if value is None:
        raise LogoutTokenInvalid(3, f"{name}_missing")
    return value
