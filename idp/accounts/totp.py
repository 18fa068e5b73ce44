"""One-time codes of an authenticator app whose secret this service holds itself.

What lives here: checking a code and spending it, and what a QR code says.  The library accepts a
code as often as it is shown; here a code works once, for one purpose.  What the service can check
it could compute too: such a code signs in and never confirms a signature.
Not here: computing codes (`keystore/one_time_codes.py`), codes whose secrets the second-factor
verifier holds (`code_holders`), counting attempts (`attempts`), keeping secrets
(`idp.storage.credentials`).
Source: RFC 6238 §4 and §5.2; RFC 4226 §7.2; NIST SP 800-63B-3 §5.1.4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyotp

from idp.accounts.credentials import Totp
from idp.ids import AccountId
from idp.storage.ephemeral import EphemeralStore
from keystore.one_time_codes import (
    DIGITS,
    MARK_LIFETIME,
    SECRET_BYTES,
    STEP_S,
    code_at,
    find_step,
    make_secret,
    normalise_code,
    secret_text,
)

__all__ = [
    "DIGITS",
    "SECRET_BYTES",
    "STEP_S",
    "code_at",
    "make_secret",
    "normalise_code",
    "otpauth_uri",
    "secret_text",
    "spend_code",
]


def otpauth_uri(secret: bytes, *, label: str, issuer: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret_text(secret)).provisioning_uri(name=label, issuer_name=issuer)


def spend_code(
    totps: Sequence[Totp],
    raw_code: str,
    *,
    account_id: AccountId,
    store: EphemeralStore,
    now: datetime,
) -> str:
    """Spend a code that is right and that nobody has used.

    Returns the id of the authenticator that shows it; empty: the code is not taken.

    Takes   totps: the authenticators of the account, of which any may show the code.
    Raises  StorageUnavailable: without the mark no code is taken.
    Source  RFC 6238 §5.2: "the verifier MUST NOT accept the second attempt of the OTP".
    """
    code = normalise_code(raw_code)
    matched: tuple[str, int] | None = None
    for totp in totps:
        step = find_step(totp.secret, code, now=now)
        if step is not None and matched is None:
            matched = (totp.totp_id, step)
    if matched is None:
        return ""
    totp_id, step = matched
    is_first = store.first_use(
        f"otp-used:{account_id}:{totp_id}:{step}", lifetime=MARK_LIFETIME, now=now
    )
    return totp_id if is_first else ""
