"""Activation codes: the proof that whoever enrols a first authenticator was proofed in person.

A password alone never makes a second factor, or a stolen password would become two.  The code is
handed out where the person was proofed (a counter, a letter), once, and is kept as a keyed hash.
Form: twelve letters and digits of Crockford's alphabet in three groups (60 random bits); what looks
alike is read alike.  A new code makes the one before it void.
Not here: enrolling (`enrolment`).
"""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime, timedelta
from typing import Final

from idp.accounts.credentials import ActivationCode
from idp.accounts.errors import AccountUnknown
from idp.ids import AccountId, make_id
from idp.storage.accounts import AccountRow, find_row
from idp.storage.credentials import list_activation_codes, replace_activation_codes
from idp.storage.database import Database, Transaction
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

LIFETIME: Final = timedelta(days=30)
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHARS: Final = 12
_GROUP: Final = 4
_MAX_RAW_CHARS: Final = 64
_READ_ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, ".": None})


def issue_activation_code(
    database: Database,
    account_id: AccountId,
    *,
    sealer: Sealer,
    log: LogWriter,
    now: datetime,
    lifetime: timedelta = LIFETIME,
) -> str:
    """Make a code for an account; the only time that it can be read.

    Returns `XXXX-XXXX-XXXX`.
    Raises  AccountUnknown.
    """
    with database.transaction() as tx:
        row = find_row(tx.connection, account_id, is_locked=True)
        if row is None:
            raise AccountUnknown
        code = issue_activation_code_in(tx, row, sealer=sealer, now=now, lifetime=lifetime)
        event = Event(EventType.TOTP_ACTIVATION_ISSUED, account_id=account_id)
        log.record(tx, event, data_key=row.data_key, now=now)
    return code


def issue_activation_code_in(
    tx: Transaction,
    row: AccountRow,
    *,
    sealer: Sealer,
    now: datetime,
    lifetime: timedelta = LIFETIME,
) -> str:
    """The same in the transaction of an act, which records by itself why it was given.

    Takes   row: locked.
    Returns `XXXX-XXXX-XXXX`, void unless the transaction commits.
    """
    code = make_typed_code(_CHARS)
    issued = ActivationCode(
        make_id("act"), _mac(code, row.account_id, sealer=sealer), now, now + lifetime
    )
    replace_activation_codes(tx, row, issued)
    return show_typed_code(code)


def make_typed_code(chars: int) -> str:
    """A random code that people type, five bits a character, without its hyphens."""
    return "".join(secrets.choice(ALPHABET) for _ in range(chars))


def show_typed_code(code: str) -> str:
    """A code in groups of four."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def find_activation(
    database: Database,
    account_id: AccountId,
    *,
    raw_code: str,
    sealer: Sealer,
    now: datetime,
) -> ActivationCode | None:
    """The code of the account that was typed, if it may still be used; it is **not** spent."""
    code = normalise_activation_code(raw_code)
    message = _message(code, account_id)
    with database.read() as connection:
        stored = list_activation_codes(connection, account_id)
    found = None
    for candidate in stored:
        is_it = sealer.is_mac(MacPurpose.TOKEN, message, raw_mac=candidate.code_mac)
        if is_it and now < candidate.expires_at:
            found = candidate
    return found


def normalise_activation_code(raw_code: str) -> str:
    """What was typed in the one spelling in which it is compared."""
    text = unicodedata.normalize("NFKC", raw_code[:_MAX_RAW_CHARS]).upper()
    return "".join(text.split()).translate(_READ_ALIKE)


def _mac(code: str, account_id: AccountId, *, sealer: Sealer) -> bytes:
    return sealer.mac(MacPurpose.TOKEN, _message(code, account_id))


def _message(code: str, account_id: AccountId) -> bytes:
    return f"activation\x00{account_id}\x00{code}".encode("utf-8", "replace")
