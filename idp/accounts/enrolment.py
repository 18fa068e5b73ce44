"""Enrolling an authenticator app, from the activation code to the first code that it shows.

Steps: `start` checks the activation code and has a secret made, by the second-factor verifier where
there is one; what is kept of it waits sealed in the ephemeral store; `confirm` checks the first
code and then, in one transaction, spends the activation code, keeps the authenticator and writes
the log.  An enrolment that is not confirmed leaves the activation code usable.  A confirmed one
takes the place of every authenticator before it: a new activation code is given out when the old
telephone is lost.  The activation code goes to the verifier as it was typed: whether it was given
out at proofing, the verifier knows from whoever gave it out, and not from us.
Tries of activation codes and of first codes count as tries of one-time codes (`attempts`).

Who has a second factor adds another authenticator without an activation code: `start_beside`, with
both factors given just now, or with a recovery code in the place of the second.  It stays beside
those before it, and signs in at once.  Whether its codes confirm signatures is the verifier's to
say, which no activation code vouched for it: beside another one they do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from idp.accounts.activation import find_activation, normalise_activation_code
from idp.accounts.attempts import Admitted, Attempts, NotAdmitted, Source
from idp.accounts.authenticators import MOST_AUTHENTICATORS, check_name
from idp.accounts.code_holders import CodeHolders
from idp.accounts.credentials import Totp, TotpHolder
from idp.accounts.errors import (
    AccountUnknown,
    ActivationRefused,
    EnrolmentRefused,
    TooManyAttempts,
    TooManyFactors,
)
from idp.accounts.notices import Notice, Notices
from idp.accounts.totp import otpauth_uri, secret_text
from idp.errors import SecondFactorUnavailable
from idp.ids import AccountId, SessionId, make_id
from idp.storage.accounts import AccountRow, find_row
from idp.storage.authenticators import add_totp
from idp.storage.credentials import consume_activation_code, list_totps, replace_totps
from idp.storage.database import Database, Transaction
from idp.storage.ephemeral import EphemeralStore
from idp.storage.sessions import has_ended
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer

PENDING_LIFETIME: Final = timedelta(minutes=15)


class _Waiting(msgspec.Struct, frozen=True):
    """What waits for the first code."""

    activation_id: str
    """Empty for one that stays beside others."""
    totp_id: str
    holder: TotpHolder
    kept: bytes
    session_id: str = ""
    """In which alone one beside others is confirmed."""
    name: str = ""


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
            it the service alone; notices: the person is told of every one.
    """

    def __init__(
        self,
        database: Database,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        log: LogWriter,
        attempts: Attempts,
        notices: Notices,
        issuer: str,
        codes: CodeHolders | None = None,
    ) -> None:
        self._database = database
        self._store = store
        self._codes = codes or CodeHolders(store)
        self._sealer = sealer
        self._log = log
        self._attempts = attempts
        self._notices = notices
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
        return self._keep_waiting(account_id, waiting, made.secret, label=label, now=now)

    def start_beside(
        self, account_id: AccountId, *, session_id: str, name: str, label: str, now: datetime
    ) -> PendingTotp:
        """Have a secret made for another authenticator.

        Takes   session_id: in which both factors, or a password and a recovery code, were given
                just now; name: what its owner calls it.
        Raises  NameUnusable; TooManyFactors; SecondFactorUnavailable.
        """
        called = check_name(name)
        with self._database.read() as connection:
            held = list_totps(connection, account_id, sealer=self._sealer)
        if len(held) >= MOST_AUTHENTICATORS:
            raise TooManyFactors
        totp_id, maker = make_id("otp"), self._codes.maker
        made = maker.make(totp_id, account_id=account_id, activation_code="")
        waiting = _Waiting("", totp_id, maker.holder, made.kept, session_id, called)
        return self._keep_waiting(account_id, waiting, made.secret, label=label, now=now)

    def _keep_waiting(
        self,
        account_id: AccountId,
        waiting: _Waiting,
        secret: bytes,
        *,
        label: str,
        now: datetime,
    ) -> PendingTotp:
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
        return self._pending(pending_id, secret, label=label)

    def find_pending(
        self,
        account_id: AccountId,
        *,
        pending_id: str,
        label: str,
        session_id: str = "",
        now: datetime,
    ) -> PendingTotp | None:
        """The same again, for showing the page once more after a wrong first code.

        Raises  SecondFactorUnavailable.
        """
        waiting = self._find(account_id, pending_id=pending_id, session_id=session_id, now=now)
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
        session_id: str = "",
        source: Source,
        now: datetime,
    ) -> Totp:
        """Check the first code, then keep the authenticator; the code is spent.

        Takes   session_id: of one that was begun with `start_beside`.
        Raises  EnrolmentRefused (wrong code, or the enrolment has lapsed); ActivationRefused (the
                activation code was used or ran out meanwhile); TooManyFactors; TooManyAttempts;
                AccountUnknown; SecondFactorUnavailable.
        """
        admitted = self._admit(account_id, source=source, now=now)
        waiting = self._find(account_id, pending_id=pending_id, session_id=session_id, now=now)
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
            if has_ended(tx.connection, SessionId(waiting.session_id), now=now):
                raise EnrolmentRefused
            replaced = self._keep(tx, row, new, waiting, now=now)
            event = Event(
                EventType.TOTP_ENROLLED,
                account_id=account_id,
                facts={"replaced": replaced, "totp_id": new.totp_id, "holder": new.holder.value},
            )
            self._log.record(tx, event, data_key=row.data_key, now=now)
            self._notices.tell(tx, row, Notice.TOTP_ENROLLED, now=now)
        self._attempts.settle(admitted, now=now)
        self._store.delete(_key(pending_id))
        return new

    def _keep(
        self, tx: Transaction, row: AccountRow, new: Totp, waiting: _Waiting, *, now: datetime
    ) -> int:
        """In the place of all others, or beside them; how many it replaces."""
        if waiting.activation_id:
            if not consume_activation_code(tx, waiting.activation_id, now=now):
                raise ActivationRefused
            return replace_totps(tx, row, new, sealer=self._sealer)
        held = list_totps(tx.connection, row.account_id, sealer=self._sealer)
        if len(held) >= MOST_AUTHENTICATORS:
            raise TooManyFactors
        add_totp(tx, row, new, sealer=self._sealer)
        return 0

    def _admit(self, account_id: AccountId, *, source: Source, now: datetime) -> Admitted:
        admitted = self._attempts.admit_otp(account_id, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            raise TooManyAttempts(admitted.retry_at)
        return admitted

    def _find(
        self, account_id: AccountId, *, pending_id: str, session_id: str, now: datetime
    ) -> _Waiting | None:
        sealed = self._store.get(_key(pending_id), now=now)
        if sealed is None:
            return None
        plain = self._sealer.unseal(
            SealPurpose.CREDENTIAL, sealed, context=_context(pending_id, account_id)
        )
        waiting = _decode(plain)
        return waiting if waiting.session_id == session_id else None

    def _pending(self, pending_id: str, secret: bytes, *, label: str) -> PendingTotp:
        return PendingTotp(
            pending_id,
            secret_text(secret),
            otpauth_uri(secret, label=label, issuer=self._issuer),
        )


def _totp(waiting: _Waiting, *, now: datetime) -> Totp:
    return Totp(waiting.totp_id, waiting.kept, now, waiting.holder, waiting.name)


def _key(pending_id: str) -> str:
    return f"enrolment:{pending_id}"


def _context(pending_id: str, account_id: AccountId) -> str:
    return f"enrolment:{pending_id}:{account_id}"
