"""Enrolling an authenticator app, from the activation code to the first code that it shows.

Steps: `start` checks the activation code and has a secret made, by the second-factor verifier where
there is one; what is kept of it waits sealed in the ephemeral store; `confirm` checks the first
code and then, in one transaction, spends the activation code, keeps the authenticator and writes
the log.  An enrolment that is not confirmed leaves the activation code usable.  A confirmed one
takes the place of every authenticator before it: a new activation code is given out when the old
telephone is lost.  The activation code goes to the verifier as it was typed: whether it was given
out at proofing, the verifier knows from whoever gave it out, and not from us.
Tries of activation codes and of first codes count as tries of one-time codes (`attempts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from idp.accounts.activation import find_activation, normalise_activation_code
from idp.accounts.attempts import Admitted, Attempts, NotAdmitted, Source
from idp.accounts.code_holders import CodeHolders
from idp.accounts.credentials import Totp, TotpHolder
from idp.accounts.errors import (
    AccountUnknown,
    ActivationRefused,
    EnrolmentRefused,
    TooManyAttempts,
)
from idp.accounts.totp import otpauth_uri, secret_text
from idp.errors import SecondFactorUnavailable
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


class _Waiting(msgspec.Struct, frozen=True):
    """What waits for the first code."""

    activation_id: str
    totp_id: str
    holder: TotpHolder
    kept: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Waiting).decode


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

    Takes   issuer: the name that the app shows above the code; codes: who holds secrets, without
            it the service alone.
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
        codes: CodeHolders | None = None,
    ) -> None:
        self._database = database
        self._store = store
        self._codes = codes or CodeHolders(store)
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
        Raises  ActivationRefused; TooManyAttempts; SecondFactorUnavailable.
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
        totp_id, maker = make_id("otp"), self._codes.maker
        made = maker.make(
            totp_id,
            account_id=account_id,
            activation_code=normalise_activation_code(raw_activation_code),
        )
        waiting = _Waiting(activation.activation_id, totp_id, maker.holder, made.kept)
        pending_id = make_id("enr")
        self._store.put(
            _key(pending_id),
            self._sealer.seal(
                SealPurpose.CREDENTIAL,
                _encode(waiting),
                context=_context(pending_id, account_id),
            ),
            lifetime=PENDING_LIFETIME,
            now=now,
        )
        return self._pending(pending_id, made.secret, label=label)

    def find_pending(
        self, account_id: AccountId, *, pending_id: str, label: str, now: datetime
    ) -> PendingTotp | None:
        """The same again, for showing the page once more after a wrong first code.

        Raises  SecondFactorUnavailable.
        """
        waiting = self._find(account_id, pending_id=pending_id, now=now)
        if waiting is None:
            return None
        totp = _totp(waiting, now=now)
        secret = self._codes.of(totp).show(totp, account_id=account_id)
        return None if secret is None else self._pending(pending_id, secret, label=label)

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
                activation code was used or ran out meanwhile); TooManyAttempts; AccountUnknown;
                SecondFactorUnavailable.
        """
        admitted = self._admit(account_id, source=source, now=now)
        waiting = self._find(account_id, pending_id=pending_id, now=now)
        if waiting is None:
            raise EnrolmentRefused
        new = _totp(waiting, now=now)
        try:
            answer = self._codes.check((new,), raw_code, account_id=account_id, now=now)
        except SecondFactorUnavailable:
            self._attempts.give_back(admitted, now=now)  # the verifier counts wrong codes by itself
            raise
        if answer.retry_at is not None:
            raise TooManyAttempts(answer.retry_at)
        if not answer.is_right:
            raise EnrolmentRefused
        with self._database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None:
                raise AccountUnknown
            if not consume_activation_code(tx, waiting.activation_id, now=now):
                raise ActivationRefused
            replaced = replace_totps(tx, row, new, sealer=self._sealer)
            event = Event(
                EventType.TOTP_ENROLLED,
                account_id=account_id,
                facts={"replaced": replaced, "totp_id": new.totp_id, "holder": new.holder.value},
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

    def _find(self, account_id: AccountId, *, pending_id: str, now: datetime) -> _Waiting | None:
        sealed = self._store.get(_key(pending_id), now=now)
        if sealed is None:
            return None
        plain = self._sealer.unseal(
            SealPurpose.CREDENTIAL, sealed, context=_context(pending_id, account_id)
        )
        return _decode(plain)

    def _pending(self, pending_id: str, secret: bytes, *, label: str) -> PendingTotp:
        return PendingTotp(
            pending_id,
            secret_text(secret),
            otpauth_uri(secret, label=label, issuer=self._issuer),
        )


def _totp(waiting: _Waiting, *, now: datetime) -> Totp:
    return Totp(waiting.totp_id, waiting.kept, now, waiting.holder)


def _key(pending_id: str) -> str:
    return f"enrolment:{pending_id}"


def _context(pending_id: str, account_id: AccountId) -> str:
    return f"enrolment:{pending_id}:{account_id}"
