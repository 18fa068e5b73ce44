"""Enrolling an authenticator app, from the activation code to the first code that it shows.

Steps: `start` checks the activation code and makes a secret, which waits sealed in the ephemeral
store; `confirm` checks the first code and then, in one transaction, spends the activation code,
keeps the authenticator and writes the log.  An enrolment that is not confirmed leaves the
activation code usable.  A confirmed one takes the place of every authenticator before it: a new
activation code is given out when the old telephone is lost.
Tries of activation codes and of first codes count as tries of one-time codes (`attempts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from idp.accounts.activation import find_activation
from idp.accounts.attempts import Admitted, Attempts, NotAdmitted, Source
from idp.accounts.credentials import Totp
from idp.accounts.errors import (
    AccountUnknown,
    ActivationRefused,
    EnrolmentRefused,
    TooManyAttempts,
)
from idp.accounts.totp import make_secret, otpauth_uri, secret_text, spend_code
from idp.ids import AccountId, make_id
from idp.storage.accounts import find_row
from idp.storage.credentials import consume_activation_code, replace_totps
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer

PENDING_LIFETIME: Final = timedelta(minutes=15)
_ACTIVATION_ID_CHARS: Final = len(make_id("act"))


@dataclass(frozen=True, slots=True)
class PendingTotp:
    """An authenticator that waits for its first code.

    `secret` is base32 for typing, `otpauth_uri` the same for a QR code; both are shown to the
    person once and kept nowhere by the caller, who holds `pending_id` only.
    """

    pending_id: str
    secret: str = field(repr=False)
    otpauth_uri: str = field(repr=False)


class TotpEnrolment:
    """The two steps of an enrolment.

    Takes   issuer: the name that the app shows above the code.
    """

    def __init__(
        self,
        database: Database,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        log: LogWriter,
        attempts: Attempts,
        issuer: str,
    ) -> None:
        self._database = database
        self._store = store
        self._sealer = sealer
        self._log = log
        self._attempts = attempts
        self._issuer = issuer

    def start(
        self,
        account_id: AccountId,
        *,
        raw_activation_code: str,
        label: str,
        source: Source,
        now: datetime,
    ) -> PendingTotp:
        """Check the activation code and make a secret.

        Takes   label: what the app shows below the issuer; not a whole number of the person.
        Raises  ActivationRefused; TooManyAttempts.
        """
        admitted = self._admit(account_id, source=source, now=now)
        activation = find_activation(
            self._database,
            account_id,
            raw_code=raw_activation_code,
            sealer=self._sealer,
            now=now,
        )
        if activation is None:
            raise ActivationRefused
        self._attempts.settle(admitted, now=now)
        secret = make_secret()
        pending_id = make_id("enr")
        self._store.put(
            _key(pending_id),
            self._sealer.seal(
                SealPurpose.CREDENTIAL,
                activation.activation_id.encode() + secret,
                context=_context(pending_id, account_id),
            ),
            lifetime=PENDING_LIFETIME,
            now=now,
        )
        return PendingTotp(
            pending_id,
            secret_text(secret),
            otpauth_uri(secret, label=label, issuer=self._issuer),
        )

    def find_pending(
        self, account_id: AccountId, *, pending_id: str, label: str, now: datetime
    ) -> PendingTotp | None:
        """The same again, for showing the page once more after a wrong first code."""
        waiting = self._find(account_id, pending_id=pending_id, now=now)
        if waiting is None:
            return None
        _activation_id, secret = waiting
        return PendingTotp(
            pending_id,
            secret_text(secret),
            otpauth_uri(secret, label=label, issuer=self._issuer),
        )

    def confirm(
        self,
        account_id: AccountId,
        *,
        pending_id: str,
        raw_code: str,
        source: Source,
        now: datetime,
    ) -> Totp:
        """Check the first code, then keep the authenticator; the code is spent.

        Raises  EnrolmentRefused (wrong code, or the enrolment has lapsed); ActivationRefused (the
                activation code was used or ran out meanwhile); TooManyAttempts; AccountUnknown.
        """
        admitted = self._admit(account_id, source=source, now=now)
        waiting = self._find(account_id, pending_id=pending_id, now=now)
        if waiting is None:
            raise EnrolmentRefused
        activation_id, secret = waiting
        new = Totp(make_id("otp"), secret, now)
        if not spend_code((new,), raw_code, account_id=account_id, store=self._store, now=now):
            raise EnrolmentRefused
        with self._database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None:
                raise AccountUnknown
            if not consume_activation_code(tx, activation_id, now=now):
                raise ActivationRefused
            replaced = replace_totps(tx, row, new, sealer=self._sealer)
            event = Event(
                EventType.TOTP_ENROLLED, account_id=account_id, facts={"replaced": replaced}
            )
            self._log.record(tx, event, data_key=row.data_key, now=now)
        self._attempts.settle(admitted, now=now)
        self._store.delete(_key(pending_id))
        return new

    def _admit(self, account_id: AccountId, *, source: Source, now: datetime) -> Admitted:
        admitted = self._attempts.admit_otp(account_id, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            raise TooManyAttempts(admitted.retry_at)
        return admitted

    def _find(
        self, account_id: AccountId, *, pending_id: str, now: datetime
    ) -> tuple[str, bytes] | None:
        sealed = self._store.get(_key(pending_id), now=now)
        if sealed is None:
            return None
        plain = self._sealer.unseal(
            SealPurpose.CREDENTIAL, sealed, context=_context(pending_id, account_id)
        )
        return plain[:_ACTIVATION_ID_CHARS].decode(), plain[_ACTIVATION_ID_CHARS:]


def _key(pending_id: str) -> str:
    return f"enrolment:{pending_id}"


def _context(pending_id: str, account_id: AccountId) -> str:
    return f"enrolment:{pending_id}:{account_id}"
