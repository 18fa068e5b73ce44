"""One-time codes as authenticator apps compute them.

What lives here: secrets, codes, and which time step a code is of.  Six digits, HMAC-SHA1, 30
seconds, the step before and after the current one are taken as well: that is what every app does.
Not here: that a code works once (`keystore/second_factor`, `idp/accounts/totp.py`), who tries.
Source: RFC 6238 §4 and §5.2; RFC 4226 §4 (R6), §5.3.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import unicodedata
from datetime import datetime, timedelta
from typing import Final

import pyotp

STEP_S: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20
MARK_LIFETIME: Final = timedelta(seconds=STEP_S * 4)
"""Longer than a code can be right: three steps, and one for a clock that is set back."""

_DRIFT_STEPS: Final = (-1, 0, 1)


def make_secret() -> bytes:
    """A new secret, 160 random bits as RFC 4226 §4 (R6) recommends."""
    return secrets.token_bytes(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """The secret as a person types it into an app: base32 without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def code_at(secret: bytes, *, now: datetime) -> str:
    """The code that an app shows at `now`."""
    return _code(secret, step=_step(now))


def find_step(secret: bytes, code: str, *, now: datetime) -> int | None:
    """The step of which `code` is the code, of the three that are taken; in constant time.

    Takes   code: as `normalise_code` returns it.
    It is **not** spent.
    """
    found: int | None = None
    for step in (_step(now) + drift for drift in _DRIFT_STEPS):
        is_same = hmac.compare_digest(_code(secret, step=step), code)
        if is_same and found is None:
            found = step
    return found


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
