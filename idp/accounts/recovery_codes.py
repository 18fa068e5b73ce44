"""Recovery codes: ten on paper, for the day on which the second factor is lost.

What lives here: making them, and taking one.  Rules:

1. They are shown once and kept as keyed hashes; making new ones voids those before.
2. One is taken once: of any number of tries at once one succeeds.
3. With the password it lets its owner back **into the account**, to bind another factor, and no
   further: it never raises a sign-in to level 2, and the account falls to level 1 and signs nothing
   until its holder is proofed again.  Every channel is told.
4. Tries count as tries of one-time codes.

Form: twelve letters and digits of Crockford's alphabet in three groups (60 random bits); what looks
alike is read alike.
Source: architecture, decision 10; NIST SP 800-63B-4 §4.2.1.1 (saved recovery codes), §4.6.
Not here: what a capped account may do (`recovery`), which pages let somebody in who came so.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from idp.accounts.activation import ALPHABET, normalise_activation_code
from idp.accounts.attempts import Attempts, NotAdmitted, Source
from idp.accounts.devices import Devices
from idp.accounts.errors import AccountUnknown, FactorNotFresh
from idp.accounts.login import LoginRefused, OtpAccepted, RefusalReason
from idp.accounts.notices import Notice, Notices
from idp.accounts.refusals import RefusedSignIns
from idp.ids import AccountId, make_id
from idp.model import Factor
from idp.storage.accounts import AccountRow, find_row
from idp.storage.database import Database, Transaction
from idp.storage.ephemeral import EphemeralStore
from idp.storage.recovery_codes import (
    StoredCode,
    consume_recovery_code,
    list_recovery_codes,
    replace_recovery_codes,
)
from idp.storage.second_factors import find_second_factors
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

HOW_MANY: Final = 10
_CHARS: Final = 12
_GROUP: Final = 4
_CAUSE: Final = "recovery_code"


class Caps(Protocol):
    """Recovery, as far as this module looks."""

    def cap(self, tx: Transaction, row: AccountRow, *, cause: str, now: datetime) -> None:
        """The account falls to level 1 and signs nothing, in the transaction of the act."""


@dataclass(frozen=True, slots=True)
class CodesLeft:
    """How many codes were not used, and when they were made; None: there are none."""

    count: int
    made_at: datetime | None


class RecoveryCodes:
    """Safe to share between threads.

    Raises  StorageUnavailable from every method.
    """

    def __init__(
        self,
        database: Database,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        log: LogWriter,
        notices: Notices,
        attempts: Attempts,
        recovery: Caps,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._log = log
        self._notices = notices
        self._attempts = attempts
        self._recovery = recovery
        self._devices = Devices(sealer)
        self._refusals = RefusedSignIns(store, sealer=sealer)

    def left(self, account_id: AccountId) -> CodesLeft:
        """How many there are."""
        with self._database.read() as connection:
            row = find_row(connection, account_id)
            found = () if row is None else list_recovery_codes(connection, row)
        return CodesLeft(len(found), max((one.made_at for one in found), default=None))

    def make(self, account_id: AccountId, *, now: datetime) -> tuple[str, ...]:
        """Ten new codes in the place of those before; the only time that they can be read.

        The person gave both factors just now.
        Returns `XXXX-XXXX-XXXX`, ten times.
        Raises  AccountUnknown; FactorNotFresh: there is no second factor that could be lost.
        """
        codes = tuple(
            "".join(secrets.choice(ALPHABET) for _ in range(_CHARS)) for _ in range(HOW_MANY)
        )
        stored = [
            StoredCode(
                make_id("rec"), self._sealer.mac(MacPurpose.TOKEN, _message(one, account_id)), now
            )
            for one in codes
        ]
        with self._database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None:
                raise AccountUnknown
            if not find_second_factors(tx.connection, account_id).has_any:
                raise FactorNotFresh
            voided = replace_recovery_codes(tx, row, stored)
            self._record(tx, row, EventType.RECOVERY_CODES_MADE, voided=voided, now=now)
            self._notices.tell(tx, row, Notice.RECOVERY_CODES_MADE, now=now)
        return tuple(
            "-".join(one[start : start + _GROUP] for start in range(0, _CHARS, _GROUP))
            for one in codes
        )

    def use(
        self, account_id: AccountId, *, raw_code: str, source: Source, now: datetime
    ) -> OtpAccepted | LoginRefused:
        """Take a code of somebody who gave the password; the account is capped."""
        admitted = self._attempts.admit_otp(account_id, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            return LoginRefused(RefusalReason.TOO_MANY, retry_at=admitted.retry_at)
        if not self._take(account_id, normalise_activation_code(raw_code), now=now):
            self._refusals.note(account_id, subject=account_id, factor=Factor.OTP, now=now)
            return LoginRefused(RefusalReason.WRONG, attempts_left=admitted.attempts_left)
        self._attempts.settle(admitted, now=now)
        device = self._devices.remember(
            source.device, subject=account_id, factor=Factor.OTP, now=now
        )
        return OtpAccepted(now, device)

    def _take(self, account_id: AccountId, code: str, *, now: datetime) -> bool:
        message = _message(code, account_id)
        with self._database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None or not row.is_active:
                return False
            stored = list_recovery_codes(tx.connection, row)
            found = None
            for one in stored:
                if self._sealer.is_mac(MacPurpose.TOKEN, message, raw_mac=one.code_mac):
                    found = one
            if found is None or not consume_recovery_code(tx, found.code_id):
                return False
            left = len(stored) - 1
            self._record(tx, row, EventType.RECOVERY_CODE_USED, left=left, now=now)
            self._recovery.cap(tx, row, cause=_CAUSE, now=now)
            self._notices.tell(tx, row, Notice.RECOVERY_CODE_USED, now=now)
        return True

    def _record(
        self, tx: Transaction, row: AccountRow, type_: EventType, *, now: datetime, **facts: int
    ) -> None:
        event = Event(type_, account_id=row.account_id, facts=facts)
        self._log.record(tx, event, data_key=row.data_key, now=now)


def _message(code: str, account_id: AccountId) -> bytes:
    return f"recovery\x00{account_id}\x00{code}".encode("utf-8", "replace")
