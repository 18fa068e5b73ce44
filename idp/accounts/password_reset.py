"""A forgotten password: another one, for whoever proves twice, by two independent things.

What lives here: `PasswordReset`.  The proofs are a code or link at a verified address, and one of

* an authenticator app or a passkey;
* a recovery code;
* a code at the **other** verified address;
* the activation code of a proofing, which somebody brings from a counter.

Setting the password is one transaction: every session and grant ends, the account is capped at
level 1 (except after an activation code, which is a proofing's own), and every channel is told,
with a link that stops it while the time for that runs.  Nobody is signed in by a reset.
Source: architecture, decision 10; NIST SP 800-63B-4 §4.2; OWASP ASVS 6.4.
Not here: the state between pages (`reset_attempts.py`), sending (`reset_asked.py`), stopping
(`recovery_stop.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, Protocol

from idp.accounts.activation import find_activation
from idp.accounts.attempts import Attempts, NotAdmitted, Source
from idp.accounts.breached_passwords import BreachedPasswords
from idp.accounts.channels import Channel, Destination
from idp.accounts.contacts import Contacts
from idp.accounts.directory import Directory
from idp.accounts.errors import AccountError, PasswordUnusable, TooManyAttempts
from idp.accounts.identifiers import IdentifierProblem, parse_login_identifier
from idp.accounts.lifecycle import SignOut
from idp.accounts.login import Login, LoginRefused, OtpAccepted, RefusalReason
from idp.accounts.messages import Messages, Template
from idp.accounts.model import Account
from idp.accounts.notices import Notice, Notices
from idp.accounts.passkey_sign_in import PasskeyNotAccepted, PasskeySignIn
from idp.accounts.password_rules import check_new_password, own_words
from idp.accounts.passwords import Passwords, prepare
from idp.accounts.recovery import Recovery
from idp.accounts.recovery_codes import RecoveryCodes
from idp.accounts.recovery_stop import make_stop
from idp.accounts.reset_asked import address_of, find_typed, leave_asked
from idp.accounts.reset_attempts import (
    SENT_LIFETIME,
    Attempt,
    AttemptGone,
    ResetAttempts,
    SentWrong,
    Way,
    normalise_sent,
)
from idp.accounts.sending_limits import SendingLimits
from idp.ids import AccountId
from idp.storage.accounts import AccountRow, find_row
from idp.storage.cases import newest_case_at
from idp.storage.credentials import find_password, set_password
from idp.storage.database import Database, Transaction
from idp.storage.level_records import find_level_records
from idp.storage.recoveries import insert_recovery
from idp.storage.second_factors import find_second_factors
from idp.work.outbox import Outbox
from keystore.clock import to_ms
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

_MOST_TYPED: Final = 64
_ACTIVATION_ONCE: Final = timedelta(days=31)
"""Longer than an activation code lives."""


class Second(StrEnum):
    """What the second proof can be."""

    APP = "app"
    PASSKEY = "passkey"
    RECOVERY = "recovery"
    OTHER = "other"
    ACTIVATION = "activation"


class IdentifierMalformed(AccountError):
    """What was typed is no number of a person; its form is public."""

    code: ClassVar[str] = "identifier_malformed"

    def __init__(self, problem: IdentifierProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class ProofRefused(AccountError):
    """The second proof is not right, or not one of this person's."""

    code: ClassVar[str] = "proof_refused"


class FirstUses(Protocol):
    """The ephemeral store, as far as this module looks."""

    def first_use(self, key: str, *, lifetime: timedelta, now: datetime) -> bool:
        """True for the one who came first."""


@dataclass(frozen=True, slots=True)
class SecondProofs:
    """What this person can prove with beside the first: `other` is their other address."""

    has_app: bool
    has_passkey: bool
    has_recovery_codes: bool
    other: Destination | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordReset:
    """Safe for any number of threads.

    What was begun before its owner said "this was not me" comes to nothing.
    An address that was changed lately proves nothing (`Contact.is_settled`).
    Takes   channels: those on which anything can be sent; link, stop_path: make the address of a
            link, and the path of the one that stops a reset, out of its token; wait: how long a
            reset can be stopped.
    Raises  StorageUnavailable from every method.
    """

    database: Database
    sealer: Sealer
    log: LogWriter
    people: Directory
    tries: ResetAttempts
    marks: FirstUses
    limits: SendingLimits
    outbox: Outbox
    messages: Messages
    channels: frozenset[Channel]
    notices: Notices
    attempts: Attempts
    login: Login
    recovery_codes: RecoveryCodes
    contacts: Contacts
    passkeys: PasskeySignIn
    passwords: Passwords
    breached: BreachedPasswords
    recovery: Recovery
    sign_out: SignOut
    link: Callable[[str], str]
    stop_path: Callable[[str], str]
    wait: timedelta

    def ask(
        self, *, raw_identifier: str, way: Way, browser: str, back: str, source: Source,
        now: datetime,
    ) -> str:  # fmt: skip
        """Begin, and have the first proof sent if there is somebody; the id of the attempt.

        It does the same whether or not there is.
        Raises  IdentifierMalformed; TooManyAttempts.
        """
        parsed = parse_login_identifier(raw_identifier)
        if isinstance(parsed, IdentifierProblem):
            raise IdentifierMalformed(parsed)
        admitted = self.limits.admit(
            account_id=parsed.value, address=parsed.value, source=source.address, now=now
        )
        if isinstance(admitted, NotAdmitted):
            raise TooManyAttempts(admitted.retry_at)
        typed = raw_identifier.strip()[:_MOST_TYPED]
        attempt_id, sent = self.tries.begin(
            typed=typed, way=way, browser=browser, back=back, now=now
        )
        fact = self.link(f"{attempt_id}.{sent}") if way is Way.EMAIL_LINK else sent
        with self.database.transaction() as tx:
            leave_asked(
                tx, outbox=self.outbox, sealer=self.sealer, typed=typed, way=way, fact=fact,
                now=now,
            )  # fmt: skip
        return attempt_id

    def prove_first(self, attempt: Attempt, *, raw: str, now: datetime) -> Attempt:
        """Take what was sent, once.

        Raises  SentWrong, also where nobody has the number; AttemptGone.
        """
        if attempt.account_id:
            raise AttemptGone
        self.tries.check_sent(attempt, raw=normalise_sent(raw), now=now)
        account = find_typed(self.people, attempt.typed)
        if account is None or self._address(account, attempt.way.channel, now=now) is None:
            raise SentWrong(0)
        proven = self.tries.first_given(attempt, account_id=account.account_id, now=now)
        with self.database.transaction() as tx:
            row = self._get(tx, account.account_id)
            event = Event(
                EventType.RECOVERY_ASKED,
                account_id=row.account_id,
                facts={"proof": attempt.way.value},
            )
            self.log.record(tx, event, data_key=row.data_key, now=now)
            self.notices.tell(tx, row, Notice.RECOVERY_ASKED, now=now)
        return proven

    def seconds(self, attempt: Attempt, *, now: datetime) -> SecondProofs:
        """What the person can prove with now.  Raises  AttemptGone."""
        account = self._account(attempt)
        with self.database.read() as connection:
            held = find_second_factors(connection, account.account_id)
        other = Channel.EMAIL if attempt.way.channel is Channel.SMS else Channel.SMS
        return SecondProofs(
            held.has_totp,
            held.has_passkey,
            held.has_recovery_codes,
            self._address(account, other, now=now) if other in self.channels else None,
        )

    def send_other(self, attempt: Attempt, *, source: Source, now: datetime) -> Attempt:
        """Have a code sent to the other address.

        Raises  ProofRefused: there is none; TooManyAttempts; AttemptGone.
        """
        to = self.seconds(attempt, now=now).other
        if to is None:
            raise ProofRefused
        admitted = self.limits.admit(
            account_id=attempt.account_id, address=to.address, source=source.address, now=now
        )
        if isinstance(admitted, NotAdmitted):
            raise TooManyAttempts(admitted.retry_at)
        sent, code = self.tries.send_other(attempt, now=now)
        with self.database.transaction() as tx:
            row = self._get(tx, AccountId(attempt.account_id))
            self.messages.queue(
                tx, to=to, template=Template.RECOVERY_CODE, facts={"code": code}, now=now,
                expires=now + SENT_LIFETIME, person=row,
            )  # fmt: skip
        return sent

    def ask_passkey(self, attempt: Attempt, *, now: datetime) -> str:
        """What the person's passkeys are asked; empty without any."""
        account_id = AccountId(attempt.account_id)
        return self.passkeys.ask_person(attempt.attempt_id, account_id=account_id, now=now)

    def prove_second(
        self, attempt: Attempt, *, second: Second, raw: str, source: Source, now: datetime
    ) -> Attempt:
        """Take the second proof.

        Raises  ProofRefused; SentWrong; TooManyAttempts; AttemptGone; SecondFactorUnavailable.
        """
        account = self._account(attempt)
        if attempt.second:
            raise AttemptGone
        match second:
            case Second.APP:
                self._check_app(account, raw, source=source, now=now)
            case Second.PASSKEY:
                self._check_passkey(attempt, raw, source=source, now=now)
            case Second.RECOVERY:
                _settle(
                    self.recovery_codes.use(
                        account.account_id, raw_code=raw, source=source, now=now
                    )
                )
            case Second.OTHER:
                if self.seconds(attempt, now=now).other is None:
                    raise ProofRefused
                self.tries.check_other(attempt, raw=normalise_sent(raw), now=now)
            case Second.ACTIVATION:
                self._check_activation(account, raw, source=source, now=now)
        return self.tries.second_given(attempt, second=second.value, now=now)

    def set_password(self, attempt: Attempt, *, raw_new: str, now: datetime) -> None:
        """Set the password, once, and tell everybody whom it concerns.

        Raises  PasswordUnusable: the attempt lives on; AttemptGone.
        """
        account = self._account(attempt)
        if not attempt.second:
            raise AttemptGone
        check_new_password(raw_new, own=own_words(account), breached=self.breached)
        self._refuse_same(account, raw_new)
        stored = self.passwords.hash_new(raw_new)
        self.tries.consume(attempt, now=now)
        proofs = f"{attempt.way.value} {attempt.second}"
        waiting, token = make_stop(
            account.account_id, proofs=proofs, wait=self.wait, sealer=self.sealer, now=now
        )
        with self.database.transaction() as tx:
            row = self._get(tx, account.account_id)
            # once more, with the row locked: hashing takes its time
            _check_undoubted(
                attempt,
                reported=newest_case_at(tx.connection, row.account_id),
                proofed=find_level_records(tx.connection, row.account_id).raised_at,
            )
            self.sign_out(tx, row.account_id, now=now)
            set_password(tx, row, stored, sealer=self.sealer, now=now)
            event = Event(
                EventType.PASSWORD_RESET, account_id=row.account_id, facts={"proofs": proofs}
            )
            self.log.record(tx, event, data_key=row.data_key, now=now)
            if attempt.second != Second.ACTIVATION:
                self.recovery.cap(tx, row, cause="password_reset", now=now)
            insert_recovery(tx, row, waiting)
            facts = {
                "stop_path": self.stop_path(token),
                "until_ms": str(to_ms(waiting.waits_until)),
            }
            self.notices.tell(tx, row, Notice.PASSWORD_RESET, now=now, facts=facts)

    def _account(self, attempt: Attempt) -> Account:
        account = self.people.find_account(AccountId(attempt.account_id))
        if account is None or not account.is_active:
            raise AttemptGone
        with self.database.read() as connection:
            reported = newest_case_at(connection, account.account_id)
            proofed = find_level_records(connection, account.account_id).raised_at
        _check_undoubted(attempt, reported=reported, proofed=proofed)
        return account

    def _get(self, tx: Transaction, account_id: AccountId) -> AccountRow:
        row = find_row(tx.connection, account_id, is_locked=True)
        if row is None or not row.is_active:
            raise AttemptGone
        return row

    def _address(self, account: Account, channel: Channel, *, now: datetime) -> Destination | None:
        return address_of(account, channel, contacts=self.contacts, now=now)

    def _refuse_same(self, account: Account, raw_new: str) -> None:
        with self.database.read() as connection:
            row = find_row(connection, account.account_id)
            kept = None if row is None else find_password(connection, row, sealer=self.sealer)
        prepared = prepare(raw_new)
        if kept is not None and prepared is not None and self.passwords.check(kept[0], prepared):
            raise PasswordUnusable("same")

    def _check_app(self, account: Account, raw: str, *, source: Source, now: datetime) -> None:
        _settle(
            self.login.check_otp(
                account_id=account.account_id, raw_code=raw, source=source, now=now
            )
        )

    def _check_passkey(self, attempt: Attempt, raw: str, *, source: Source, now: datetime) -> None:
        result = self.passkeys.confirm(
            raw,
            account_id=AccountId(attempt.account_id),
            interaction_id=attempt.attempt_id,
            source=source,
            now=now,
        )
        if isinstance(result, PasskeyNotAccepted):
            if result.retry_at is not None:
                raise TooManyAttempts(result.retry_at)
            raise ProofRefused

    def _check_activation(
        self, account: Account, raw: str, *, source: Source, now: datetime
    ) -> None:
        admitted = self.attempts.admit_otp(account.account_id, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            raise TooManyAttempts(admitted.retry_at)
        found = find_activation(
            self.database, account.account_id, raw_code=raw, sealer=self.sealer, now=now
        )
        # it enrols the first second factor afterwards, so it is not spent: a reset takes it once
        if found is None or not self.marks.first_use(
            f"reset_activation:{found.activation_id}", lifetime=_ACTIVATION_ONCE, now=now
        ):
            raise ProofRefused
        self.attempts.settle(admitted, now=now)


def _check_undoubted(
    attempt: Attempt, *, reported: datetime | None, proofed: datetime | None
) -> None:
    """Nobody has said since that it was not them, nor been proofed: what was shown before is void.

    Raises  AttemptGone.
    """
    if any(at is not None and at >= attempt.begun_at for at in (reported, proofed)):
        raise AttemptGone


def _settle(result: OtpAccepted | LoginRefused) -> None:
    if isinstance(result, LoginRefused):
        if result.reason is RefusalReason.TOO_MANY and result.retry_at is not None:
            raise TooManyAttempts(result.retry_at)
        raise ProofRefused
