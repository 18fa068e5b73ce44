"""What the provider remembers between two requests, as frozen values.

What lives here: sessions with the factors used in them, grants, consents.  Accounts stand in
`idp/accounts/model.py`.  Not here: how they are stored or decided on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from idp.ids import AccountId, ConsentId, GrantId, MandateId, SessionId


class AuthLevel(IntEnum):
    """Level of one sign-in (mức độ xác thực điện tử), not of an account.  NĐ 69/2024 Art. 20."""

    ONE = 1
    TWO = 2


class Factor(StrEnum):
    """What was proven, in the words of RFC 8176."""

    PASSWORD = "pwd"
    OTP = "otp"
    PASSKEY = "pop"
    """A passkey whose user was there: something that one has, and no more."""
    VERIFIED_PASSKEY = "pop-uv"
    """A passkey that asked its user for a finger, a face or a PIN as well: two factors at once."""
    SMS_CODE = "sms"
    """A code that was sent to the person's telephone number."""
    EMAIL_CODE = "otp-email"
    """A code that was sent to the person's e-mail address."""
    RECOVERY_CODE = "recovery"
    """A way back into the account; it never raises a sign-in."""


@dataclass(frozen=True, slots=True)
class ProvenFactor:
    """One factor and when it was last proven in this session.

    `is_synced`: of a passkey, that its private half may be on more than one device.
    """

    factor: Factor
    at: datetime
    is_synced: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which somebody has signed in.

    `token_hash` is the SHA-256 (32 bytes) of the cookie; both change at every rise of level.
    `device` is what the browser said that it is, in two words of ours, or empty.
    """

    session_id: SessionId
    account_id: AccountId
    token_hash: bytes
    factors: tuple[ProvenFactor, ...]
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    device: str = ""

    def is_live(self, now: datetime) -> bool:
        """Whether it may still be used at `now`."""
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class SessionClient:
    """A client that was signed in from a session, with the `sid` that only it knows."""

    session_id: SessionId
    client_id: str
    sid: str
    sub: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person allowed one client, in one capacity; everything issued hangs on it.

    `scopes` in the order asked; `claims` is the `claims` parameter as JSON members; `shared` are
    the names of all claims that may be handed over under it, whatever the client's allow-list says
    later.  `resource` is the audience chosen (RFC 8707) or None for userinfo.
    """

    grant_id: GrantId
    account_id: AccountId
    client_id: str
    sector_id: str
    sub: str
    session_id: SessionId | None
    sid: str
    mandate_id: MandateId | None
    scopes: tuple[str, ...]
    claims: Mapping[str, Any]
    shared: tuple[str, ...]
    claims_locales: tuple[str, ...]
    resource: str | None
    is_offline: bool
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime
    nonce: str | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether anything may still be issued or answered under it at `now`."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Code:
    """The authorization code of a grant; only its hash is kept.  RFC 6749 §4.1.2."""

    secret_hash: bytes
    redirect_uri: str
    code_challenge: str | None
    expires_at: datetime
    spent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefreshFamily:
    """The one live refresh token of a grant, and the one before it.

    There is never more than one branch: `current_hash` is live; `previous_hash` was replaced at
    `rotated_at` and, within the grace, answers with `sealed_current` as long as the current one
    has not been used (using it makes it the previous one).
    """

    current_hash: bytes
    previous_hash: bytes | None
    rotated_at: datetime | None
    sealed_current: bytes | None
    generation: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """That a person agreed, or was informed, which text they saw, and until when it holds.

    `kind` is `consent` or `information` (statutory basis); `shared` the claim names covered.
    """

    consent_id: ConsentId
    account_id: AccountId
    client_id: str
    kind: str
    scopes: tuple[str, ...]
    shared: tuple[str, ...]
    language: str
    text_version: str
    text_sha256: str
    legal_reference: str | None
    given_at: datetime
    withdrawn_at: datetime | None = None
