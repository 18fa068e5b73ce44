"""Proofing at a counter: two acts by two people, and only both raise an account to level 2.

What lives here: the acts.  First an official states what was seen: which document, that the name
and the date of birth on it are those of the account, that the face was compared.  That raises
nobody.  Second, within two hours, one of these:

1. the person, signed in on a device of their own, types the code that the official handed over;
2. another official, who has seen the same, confirms it.

The second act raises the level, voids every activation code before, and gives out the one for the
first second factor: to the person alone in the first way, to the second official in the second.
So one official alone raises nobody and never sees that code of somebody who confirmed for
themself.  In the second way nobody has shown that the account is the person's who stands there: it
may have been opened by whoever knew their data.  So below level 2 its password and its sessions end
with that act, and the person chooses a first password with both codes (`first_password`).
What a recovery had suspended is void from then on and is made anew (`recovery`).
Children below fourteen need their guardian's agreement and are not taken here.
Source: NĐ 69/2024/NĐ-CP Art. 7, 10-11, 14(2); NIST SP 800-63A-4 §4.2; architecture, decision 10.
Not here: who is an official (`officials`), how sure it is who is signed in (the page).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final

from idp.accounts.activation import (
    LIFETIME,
    issue_activation_code_in,
    make_typed_code,
    normalise_activation_code,
    show_typed_code,
)
from idp.accounts.attempts import Attempts, NotAdmitted, Source
from idp.accounts.birthdates import Birthdate
from idp.accounts.counter_proofings import (
    CounterProofing,
    ProofingRefused,
    ProofingState,
    Seen,
)
from idp.accounts.directory import Directory
from idp.accounts.errors import AccountUnknown, TooManyAttempts
from idp.accounts.model import Account, AccountLevel
from idp.accounts.names import name_key
from idp.accounts.not_me import void_password
from idp.accounts.official_duties import Duty, Official
from idp.accounts.officials import OwnAccount, require_duty, still_has
from idp.accounts.recovery import Recovery
from idp.ids import AccountId, make_id
from idp.storage.accounts import AccountRow, find_row
from idp.storage.credentials import find_password
from idp.storage.database import Database, Transaction
from idp.storage.level_records import was_only_opened
from idp.storage.proofings import (
    find_proofing_in,
    insert_proofing,
    settle_proofing,
    stop_proofings,
)
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import MacPurpose
from keystore.sealing import Sealer

WAITS: Final = timedelta(hours=2)
LEAST_AGE: Final = 14
MOST_TAIL: Final = 4
_CODE_CHARS: Final = 8
_CIVIL: Final = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True)
class Counter:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    recovery: Recovery
    people: Directory
    attempts: Attempts

    def start(self, official: Official, account_id: AccountId, *, seen: Seen, now: datetime) -> str:
        """The first act; what waited before for this account is stopped.

        Returns the code to hand over to the person, `XXXX-XXXX`; the only time it can be read.
        Raises  ProofingRefused; OwnAccount; NotAnOfficial; AccountUnknown.
        """
        self._check_seen(official, account_id, seen=seen, now=now)
        code = make_typed_code(_CODE_CHARS)
        with self.database.transaction() as tx:
            acting = require_duty(tx, official, now=now)
            row = self._lock(tx, account_id)
            stop_proofings(tx, row)
            proofing_id = make_id("prf")
            new = CounterProofing(
                proofing_id=proofing_id,
                account_id=account_id,
                official_id=official.account_id,
                controller_id=official.controller_id,
                document=seen.document,
                code_mac=self.sealer.mac(MacPurpose.TOKEN, _message(code, proofing_id)),
                started_at=now,
                expires_at=now + WAITS,
            )
            insert_proofing(tx, new, person=row, official=acting)
            self._record(tx, EventType.PROOFING_STARTED, row, new, seen=seen, now=now)
        return show_typed_code(code)

    def find_waiting(self, account_id: AccountId, *, now: datetime) -> CounterProofing | None:
        """What waits for the second act."""
        with self.database.read() as connection:
            return find_proofing_in(connection, account_id, state=ProofingState.WAITING, now=now)

    def confirm_by_person(
        self, account_id: AccountId, *, raw_code: str, source: Source, now: datetime
    ) -> str:
        """The second act by the person, who is signed in; counted like a one-time code.

        Returns the activation code, for the person's eyes alone.
        Raises  ProofingRefused (`nothing_waiting`, `code_wrong`, `account_not_active`,
                `second_official_needed`); TooManyAttempts; AccountUnknown.
        """
        waiting = self.find_waiting(account_id, now=now)
        if waiting is None:
            raise ProofingRefused("nothing_waiting")
        admitted = self.attempts.admit_otp(account_id, source=source, now=now)
        if isinstance(admitted, NotAdmitted):
            raise TooManyAttempts(admitted.retry_at)
        if not self.is_code_of(waiting, raw_code):
            raise ProofingRefused("code_wrong")
        with self.database.transaction() as tx:
            row = self._lock(tx, account_id)
            if was_only_opened(tx.connection, account_id):
                raise ProofingRefused("second_official_needed")
            code = self._complete(tx, row, waiting, second=None, seen=None, now=now)
        self.attempts.settle(admitted, now=now)
        return code

    def confirm_by_official(
        self, official: Official, account_id: AccountId, *, seen: Seen, now: datetime
    ) -> str:
        """The second act by another official, who has seen the same.

        Returns the activation code, to be handed over to the person.
        Raises  as `start`; ProofingRefused (`nothing_waiting`, `same_official`).
        """
        self._check_seen(official, account_id, seen=seen, now=now)
        waiting = self.find_waiting(account_id, now=now)
        if waiting is None:
            raise ProofingRefused("nothing_waiting")
        if waiting.official_id == official.account_id:
            raise ProofingRefused("same_official")
        with self.database.transaction() as tx:
            acting = require_duty(tx, official, now=now)
            row = self._lock(tx, account_id)
            return self._complete(tx, row, waiting, second=acting, seen=seen, now=now)

    def stop(self, account_id: AccountId, *, by: AccountId, now: datetime) -> bool:
        """Stop what waits, by the person or by an official; False when nothing does."""
        with self.database.transaction() as tx:
            row = find_row(tx.connection, account_id, is_locked=True)
            if row is None or not stop_proofings(tx, row):
                return False
            who = "person" if by == account_id else by
            event = Event(EventType.PROOFING_STOPPED, account_id=account_id, facts={"by": who})
            self.log.record(tx, event, data_key=row.data_key, now=now)
        return True

    def is_code_of(self, proofing: CounterProofing, raw_code: str) -> bool:
        """Whether what was typed is the code that was handed over with a proofing."""
        message = _message(normalise_activation_code(raw_code), proofing.proofing_id)
        return self.sealer.is_mac(MacPurpose.TOKEN, message, raw_mac=proofing.code_mac)

    def _complete(
        self,
        tx: Transaction,
        row: AccountRow,
        waiting: CounterProofing,
        *,
        second: AccountRow | None,
        seen: Seen | None,
        now: datetime,
    ) -> str:
        if not still_has(
            tx,
            waiting.official_id,
            duty=Duty.PROOFING,
            controller_id=waiting.controller_id,
            now=now,
        ):
            raise ProofingRefused("nothing_waiting")
        begins_anew = second is not None and row.level is not AccountLevel.TWO
        if second is not None and begins_anew:
            void_password(tx, row, log=self.log, by=second.account_id, now=now)
        has_password = find_password(tx.connection, row, sealer=self.sealer) is not None
        is_mine = settle_proofing(
            tx,
            waiting.proofing_id,
            before=ProofingState.WAITING,
            after=ProofingState.DONE,
            second=second,
            # the code that was handed over goes on to serve for the first password, with the other
            until=now if has_password else now + LIFETIME,
            now=now,
        )
        if not is_mine:
            raise ProofingRefused("nothing_waiting")
        by = "person" if second is None else second.account_id
        self._record(tx, EventType.PROOFING_COMPLETED, row, waiting, seen=seen, second=by, now=now)
        self.recovery.proofed(
            tx,
            row,
            now=now,
            begins_anew=begins_anew,
            facts={
                "proofing_id": waiting.proofing_id,
                "official": waiting.official_id,
                "second": by,
            },
        )
        code = issue_activation_code_in(tx, row, sealer=self.sealer, now=now)
        issued = Event(
            EventType.TOTP_ACTIVATION_ISSUED,
            account_id=row.account_id,
            facts={"proofing_id": waiting.proofing_id, "to": by},
        )
        self.log.record(tx, issued, data_key=row.data_key, now=now)
        return code

    def _check_seen(
        self, official: Official, account_id: AccountId, *, seen: Seen, now: datetime
    ) -> None:
        if account_id == official.account_id:
            raise OwnAccount
        account = self.people.find_account(account_id)
        if account is None:
            raise AccountUnknown
        if account.is_organisation:
            raise ProofingRefused("not_a_person")
        check_seen(account, seen, now=now)

    def _lock(self, tx: Transaction, account_id: AccountId) -> AccountRow:
        row = find_row(tx.connection, account_id, is_locked=True)
        if row is None:
            raise AccountUnknown
        if not row.is_active:
            raise ProofingRefused("account_not_active")
        return row

    def _record(
        self,
        tx: Transaction,
        type_: EventType,
        row: AccountRow,
        proofing: CounterProofing,
        *,
        seen: Seen | None,
        second: str = "",
        now: datetime,
    ) -> None:
        facts = {
            "proofing_id": proofing.proofing_id,
            "official": proofing.official_id,
            "controller": proofing.controller_id,
            "document": (proofing.document if seen is None else seen.document).value,
        }
        tail = "" if seen is None else seen.document_tail
        event = Event(
            type_,
            account_id=row.account_id,
            facts=facts | ({"second": second} if second else {}),
            personal={"document_tail": tail} if tail else {},
        )
        self.log.record(tx, event, data_key=row.data_key, now=now)


def check_seen(account: Account, seen: Seen, *, now: datetime) -> None:
    """Whether what was read off a document is what the account says.

    Raises  ProofingRefused.
    """
    if not seen.is_face_compared:
        raise ProofingRefused("face_not_compared")
    if len(seen.document_tail) > MOST_TAIL:
        raise ProofingRefused("document_tail_too_long")
    if name_key(seen.name) != account.profile.name_key:
        raise ProofingRefused("name_differs")
    known = account.profile.birthdate
    if known is not None and not _agree(known, seen.birthdate):
        raise ProofingRefused("birthdate_differs")
    if not is_old_enough(seen.birthdate, today=now.astimezone(_CIVIL).date()):
        raise ProofingRefused("too_young")


def is_old_enough(born: Birthdate, *, today: date) -> bool:
    """Whether somebody is surely fourteen; of a date known in part the latest day counts.

    Source  NĐ 69/2024/NĐ-CP Art. 7, 14(2).
    """
    had_birthday = (born.month or 12, born.day or 31) <= (today.month, today.day)
    return today.year - born.year - (0 if had_birthday else 1) >= LEAST_AGE


def _agree(known: Birthdate, seen: Birthdate) -> bool:
    pairs = zip(
        (known.year, known.month, known.day), (seen.year, seen.month, seen.day), strict=True
    )
    return all(one == other for one, other in pairs if one is not None and other is not None)


def _message(code: str, proofing_id: str) -> bytes:
    return f"counter\x00{proofing_id}\x00{code}".encode("utf-8", "replace")
