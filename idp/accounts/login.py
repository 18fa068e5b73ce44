"""Signing in: identifier and password, then a one-time code where one is demanded.

What lives here: the two use cases, as results that pages turn into sentences.  Not here: sessions,
pages, and what level a client wants.

A refusal reads and costs the same whether nobody has the identifier, the account is locked or
closed, has no password, or the password is wrong: each does, in this order,

1. the reading of the identifier (its form is public, a malformed one is refused at once);
2. the counting of the attempt, on keys that exist for identifiers that nobody has;
3. one query, and the opening of one sealed hash;
4. one argon2id, and one old algorithm where the account, or chance in its place, says so;
5. the counting of the refusal.

Only then is the answer looked at.  Source: NIST SP 800-63B-3 §5.2.2; OWASP ASVS 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from idp.accounts.attempts import Admitted, Attempts, NotAdmitted, Source
from idp.accounts.code_holders import CodeHolders
from idp.accounts.credentials import Credentials, StoredPassword, Totp
from idp.accounts.days import start_of_day
from idp.accounts.decoys import Decoys
from idp.accounts.devices import Devices
from idp.accounts.identifiers import IdentifierProblem, parse_login_identifier
from idp.accounts.model import AccountStatus
from idp.accounts.passwords import Argon2Costs, Hashing, Passwords, PreparedPassword, prepare
from idp.accounts.refusals import RefusedSignIns
from idp.errors import SecondFactorUnavailable
from idp.ids import AccountId
from idp.model import Factor
from idp.storage.accounts import find_row
from idp.storage.authenticators import note_totp_use
from idp.storage.cases import find_row_and_newest_case
from idp.storage.credentials import (
    find_credentials,
    find_password,
    has_totp,
    list_totps,
    replace_password,
)
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.sealing import Sealer

__all__ = [
    "Login",
    "LoginRefused",
    "OtpAccepted",
    "PasswordAccepted",
    "RefusalReason",
    "Source",
]


class RefusalReason(StrEnum):
    """Why a sign-in was refused; stable words.

    WRONG covers everything that depends on an account.  CODE_GONE: no code is out that could be
    taken any more.  The last three depend on nothing but what was typed.
    """

    WRONG = "wrong"
    TOO_MANY = "too_many"
    CODE_GONE = "code_gone"
    IDENTIFIER_MALFORMED = "identifier_malformed"
    TAX_CODE_MALFORMED = "tax_code_malformed"
    ORGANISATION_IDENTIFIER = "organisation_identifier"


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """No.  `retry_at` is set for TOO_MANY, `attempts_left` for WRONG."""

    reason: RefusalReason
    retry_at: datetime | None = None
    attempts_left: int | None = None


@dataclass(frozen=True, slots=True)
class PasswordAccepted:
    """The password is right and the account may sign in.

    `device` is the device cookie to set: from now on this browser is known for the identifier;
    `is_new_device`: until now the account was never signed in to on it.
    """

    account_id: AccountId
    at: datetime
    device: str = field(repr=False)
    is_new_device: bool


@dataclass(frozen=True, slots=True)
class OtpAccepted:
    """The code was right and is spent; `device` is the device cookie to set."""

    at: datetime
    device: str = field(repr=False)


_PROBLEMS = {
    IdentifierProblem.MALFORMED: RefusalReason.IDENTIFIER_MALFORMED,
    IdentifierProblem.TAX_CODE_MALFORMED: RefusalReason.TAX_CODE_MALFORMED,
    IdentifierProblem.ORGANISATION: RefusalReason.ORGANISATION_IDENTIFIER,
}


class Login:
    """Checks passwords and one-time codes; safe for any number of threads.

    Takes   passwords: with today's costs; attempts and codes: shared with `TotpEnrolment`; without
            `codes` the service alone holds authenticators.
    Raises  StorageUnavailable from every method when the database or the ephemeral store does not
            answer: nobody signs in without being counted.
    """

    def __init__(
        self,
        database: Database,
        *,
        store: EphemeralStore,
        sealer: Sealer,
        attempts: Attempts,
        passwords: Passwords | None = None,
        codes: CodeHolders | None = None,
    ) -> None:
        self._database = database
        self._codes = codes or CodeHolders(store)
        self._sealer = sealer
        self._attempts = attempts
        self._passwords = passwords or Passwords(Hashing(Argon2Costs()))
        self._devices = Devices(sealer)
        self._decoys = Decoys(database, sealer=sealer)
        self._refusals = RefusedSignIns(store, sealer=sealer)

    def check_password(
        self, *, raw_identifier: str, raw_password: str, source: Source, now: datetime
    ) -> PasswordAccepted | LoginRefused:
        """Whether the password is that of the account that the identifier names."""
        # 1
        typed = parse_login_identifier(raw_identifier)
        if isinstance(typed, IdentifierProblem):
            return LoginRefused(_PROBLEMS[typed])
        # 2
        admitted = self._attempts.admit_password(typed.value, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            return LoginRefused(RefusalReason.TOO_MANY, retry_at=admitted.retry_at)
        # 3
        decoy_scheme = self._decoys.choose(typed.value, now=now)
        with self._database.read() as connection:
            found = find_credentials(connection, typed.candidates, sealer=self._sealer)
        # 4
        stored = None if found is None else found.password
        if stored is None:
            self._decoys.open_nothing()
        prepared = prepare(raw_password)
        is_right = prepared is not None and self._passwords.check(
            stored, prepared, decoy_scheme=decoy_scheme
        )
        is_active = found is not None and found.status is AccountStatus.ACTIVE
        if found is None or prepared is None or not (is_right and is_active):
            # 5
            account_id = None if found is None else found.account_id
            self._refusals.note(account_id, subject=typed.value, factor=Factor.PASSWORD, now=now)
            return _wrong(admitted)
        return self._accept(
            found, typed=typed.value, prepared=prepared, admitted=admitted, source=source, now=now
        )

    def check_otp(
        self, *, account_id: AccountId, raw_code: str, source: Source, now: datetime
    ) -> OtpAccepted | LoginRefused:
        """Whether the one-time code is right and unused; for an account that gave its password.

        Raises  SecondFactorUnavailable when the verifier that holds its authenticator is away.
        """
        admitted = self._attempts.admit_otp(account_id, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            return LoginRefused(RefusalReason.TOO_MANY, retry_at=admitted.retry_at)
        with self._database.read() as connection:
            row = find_row(connection, account_id)
            totps = list_totps(connection, account_id, sealer=self._sealer)
        try:
            answer = self._codes.check(totps, raw_code, account_id=account_id, now=now)
        except SecondFactorUnavailable:
            self._attempts.give_back(admitted, now=now)  # the verifier counts wrong codes by itself
            raise
        if answer.retry_at is not None:
            return LoginRefused(RefusalReason.TOO_MANY, retry_at=answer.retry_at)
        if not answer.is_right or row is None or row.status is not AccountStatus.ACTIVE:
            self._refusals.note(account_id, subject=account_id, factor=Factor.OTP, now=now)
            return _wrong(admitted)
        self._note_use(totps, answer.totp_id, now=now)
        self._attempts.settle(admitted, now=now)
        device = self._devices.remember(
            source.device, subject=account_id, factor=Factor.OTP, now=now
        )
        return OtpAccepted(now, device)

    def _note_use(self, totps: Sequence[Totp], totp_id: str, *, now: datetime) -> None:
        # once a day: a sign-in writes as little as it can
        since = start_of_day(now)
        for totp in totps:
            if totp.totp_id == totp_id and (totp.used_at is None or totp.used_at < since):
                with self._database.statement() as connection:
                    note_totp_use(connection, totp_id, since=since, now=now)

    def has_totp(self, account_id: AccountId) -> bool:
        """Whether the person can be asked for a one-time code."""
        with self._database.read() as connection:
            return has_totp(connection, account_id)

    def _accept(
        self,
        found: Credentials,
        *,
        typed: str,
        prepared: PreparedPassword,
        admitted: Admitted,
        source: Source,
        now: datetime,
    ) -> PasswordAccepted | LoginRefused:
        stored = found.password
        if stored is not None and self._passwords.needs_rehash(stored):
            self._rehash(found.account_id, stored, prepared=prepared, now=now)
        with self._database.read() as connection:
            row, doubted_at = find_row_and_newest_case(connection, found.account_id)
        if row is None or row.status is not AccountStatus.ACTIVE:
            return _wrong(admitted)  # locked while the password was being hashed
        self._attempts.settle(admitted, now=now)
        account_id, devices = found.account_id, self._devices
        before = source.device
        by = (typed, Factor.PASSWORD)
        is_known = devices.knows_account(before, account_id, by=by, now=now, doubted_at=doubted_at)
        device = devices.remember_account(
            devices.remember(before, subject=typed, factor=Factor.PASSWORD, now=now),
            account_id,
            now=now,
        )
        return PasswordAccepted(account_id, now, device, is_new_device=not is_known)

    def _rehash(
        self,
        account_id: AccountId,
        checked: StoredPassword,
        *,
        prepared: PreparedPassword,
        now: datetime,
    ) -> None:
        """Put our own hash in the place of the one that was just checked, unless it has changed."""
        ours = self._passwords.rehash(prepared)
        with self._database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            kept = None if row is None else find_password(tx.connection, row, sealer=self._sealer)
            if row is not None and kept is not None and kept[0] == checked:
                replace_password(tx, row, ours, expected=kept[1], sealer=self._sealer, now=now)


def _wrong(admitted: Admitted) -> LoginRefused:
    return LoginRefused(RefusalReason.WRONG, attempts_left=admitted.attempts_left)
