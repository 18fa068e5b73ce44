"""The first password of an account that was opened at a counter, or lost its password there.

What lives here: the one act.  It takes the account's number and both codes of the proofing: the one
that the first official handed over and the activation code of the second.  No official saw both, so
none of them alone chooses anybody's password.  An account that has a password never gets one here.
The activation code is not spent: it enrols the first second factor afterwards.
Refusals read alike, whatever was wrong, and cost one try of the number as it was typed.
Source: NIST SP 800-63A-4 §4.1.6 (enrolment codes); architecture, decision 10.
Not here: which passwords are taken (`password_rules`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from idp.accounts.activation import find_activation
from idp.accounts.attempts import Attempts, NotAdmitted, Source
from idp.accounts.breached_passwords import BreachedPasswords
from idp.accounts.counter import Counter
from idp.accounts.counter_proofings import CounterProofing, ProofingState
from idp.accounts.directory import Directory
from idp.accounts.errors import AccountError, TooManyAttempts
from idp.accounts.identifiers import IdentifierProblem, parse_login_identifier
from idp.accounts.model import Account
from idp.accounts.password_rules import check_new_password, own_words
from idp.accounts.passwords import Passwords
from idp.storage.accounts import find_row
from idp.storage.credentials import find_password, set_password
from idp.storage.database import Database
from idp.storage.proofings import find_proofing_in, settle_proofing
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


class FirstPasswordRefused(AccountError):
    """Number, codes, or the account do not fit together; it is not said which."""

    code: ClassVar[str] = "first_password_refused"


@dataclass(frozen=True, slots=True)
class FirstPassword:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    people: Directory
    counter: Counter
    attempts: Attempts
    passwords: Passwords
    breached: BreachedPasswords

    def choose(
        self,
        *,
        raw_identifier: str,
        raw_counter_code: str,
        raw_activation_code: str,
        raw_password: str,
        source: Source,
        now: datetime,
    ) -> None:
        """Set it, once.

        Raises  FirstPasswordRefused; PasswordUnusable (both codes were right; nothing is spent);
                TooManyAttempts; StorageUnavailable.
        """
        typed = parse_login_identifier(raw_identifier)
        if isinstance(typed, IdentifierProblem):
            raise FirstPasswordRefused
        subject = min(one.value for one in typed.candidates)
        admitted = self.attempts.admit_password(subject, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            raise TooManyAttempts(admitted.retry_at)
        found = next(filter(None, map(self.people.find_by_identifier, typed.candidates)), None)
        proofing = None if found is None else self._proofing(found, raw_counter_code, now=now)
        if found is None or proofing is None or not found.is_active:
            raise FirstPasswordRefused
        activation = find_activation(
            self.database,
            found.account_id,
            raw_code=raw_activation_code,
            sealer=self.sealer,
            now=now,
        )
        if activation is None or activation.issued_at < proofing.started_at:
            raise FirstPasswordRefused
        self.attempts.settle(admitted, now=now)
        check_new_password(raw_password, own=own_words(found), breached=self.breached)
        stored = self.passwords.hash_new(raw_password)
        with self.database.transaction() as tx:
            row = find_row(tx.connection, found.account_id, is_locked=True)
            if row is None or not row.is_active:
                raise FirstPasswordRefused
            if find_password(tx.connection, row, sealer=self.sealer) is not None:
                raise FirstPasswordRefused
            if not settle_proofing(
                tx,
                proofing.proofing_id,
                before=ProofingState.DONE,
                after=ProofingState.USED,
                until=now,
                now=now,
            ):
                raise FirstPasswordRefused
            set_password(tx, row, stored, sealer=self.sealer, now=now)
            event = Event(
                EventType.PASSWORD_FIRST_SET,
                account_id=row.account_id,
                facts={"proofing_id": proofing.proofing_id},
            )
            self.log.record(tx, event, data_key=row.data_key, now=now)

    def _proofing(
        self, account: Account, raw_code: str, *, now: datetime
    ) -> CounterProofing | None:
        with self.database.read() as connection:
            found = find_proofing_in(
                connection, account.account_id, state=ProofingState.DONE, now=now
            )
        if found is None or found.second_id is None:
            return None
        return found if self.counter.is_code_of(found, raw_code) else None
