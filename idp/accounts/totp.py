"""One-time codes of an authenticator app.

What lives here: checking a code and spending it.  Six digits, HMAC-SHA1, 30 seconds, the step
before and after the current one are taken as well: that is what every authenticator app computes.
The library accepts a code as often as it is shown; here a code works once, for one purpose: the
mark is common to all purposes, so a code that has signed in never confirms anything else.
Not here: counting attempts (`attempts`), keeping secrets (`idp.storage.credentials`).
Source: RFC 6238 §4 and §5.2; RFC 4226 §7.2; NIST SP 800-63B-3 §5.1.4.2.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import pyotp

from idp.accounts.credentials import Totp
from idp.ids import AccountId
from idp.storage.ephemeral import EphemeralStore

STEP_S: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20
_DRIFT_STEPS: Final = (-1, 0, 1)
_MARK_LIFETIME: Final = timedelta(seconds=STEP_S * 4)
"""Longer than a code can be right: three steps, and one for a clock that is set back."""


def make_secret() -> bytes:
    """A new secret, 160 random bits as RFC 4226 §4 (R6) recommends."""
    return secrets.token_bytes(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """The secret as a person types it into an app: base32 without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def otpauth_uri(secret: bytes, *, label: str, issuer: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret_text(secret)).provisioning_uri(name=label, issuer_name=issuer)


def code_at(secret: bytes, *, now: datetime) -> str:
    """The code that an app shows at `now`."""
    return _code(secret, step=_step(now))


def spend_code(
    totps: Sequence[Totp],
    raw_code: str,
    *,
    account_id: AccountId,
    store: EphemeralStore,
    now: datetime,
) -> bool:
    """Whether the code is right and nobody has used it; it is spent afterwards.

    Takes   totps: the authenticators of the account, of which any may show the code.
    Raises  StorageUnavailable: without the mark no code is taken.
    Source  RFC 6238 §5.2: "the verifier MUST NOT accept the second attempt of the OTP".
    """
    code = normalise_code(raw_code)
    matched: tuple[str, int] | None = None
    for totp in totps:
        for step in (_step(now) + drift for drift in _DRIFT_STEPS):
            is_same = hmac.compare_digest(_code(totp.secret, step=step), code)
            if is_same and matched is None:
                matched = (totp.totp_id, step)
    if matched is None:
        return False
    totp_id, step = matched
    return store.first_use(
        f"otp-used:{account_id}:{totp_id}:{step}", lifetime=_MARK_LIFETIME, now=now
    )


def normalise_code(raw_code: str) -> str:
    """Six ASCII digits, or an empty string that no code equals; blanks between them are allowed."""
    if len(raw_code) > 4 * DIGITS:
        return ""
    text = "".join(unicodedata.normalize("NFKC", raw_code).split())
    return text if len(text) == DIGITS and text.isascii() and text.isdigit() else ""


def _step(now: datetime) -> int:
    return int(now.timestamp()) // STEP_S


def _code(secret: bytes, *, step: int) -> str:
    return pyotp.TOTP(secret_text(secret), digits=DIGITS).generate_otp(step)
