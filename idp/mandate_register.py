"""Legal representatives as the business register has them: becoming one, and being looked up again.

What lives here: `RegisterMandates`.  Somebody represents an organisation when the register knows
one of their numbers, past ones included, among its representatives, and the organisation is neither
dissolved nor suspended.  That word is good for a while: from `recheck_at` on the next use has the
register asked again, by the worker, while the token endpoint goes on; at `holds_until` it is good
for nothing, whether or not the register could be asked (docs/adr/0034).  What the register does not
say any more ends, with everything that stands on it.
Source: Law on Enterprises 59/2020/QH14 Art. 12; NĐ 69/2024/NĐ-CP Art. 12 (an account of level 2);
NĐ 47/2020/NĐ-CP Art. 41 (validity of what was fetched).
Not here: asking a register (`idp/registers`), what ends with a mandate (`mandate_ending.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from idp.accounts.errors import AccountError, IdentifierTaken, TooManyAttempts
from idp.accounts.identifiers import ParsedIdentifier, parse_identifier
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.mandates import Checked, EndReason, add_legal_representative
from idp.accounts.model import (
    Account,
    AccountKind,
    AccountLevel,
    IdentifierKind,
    Mandate,
    MandateKind,
    MandateStatus,
    Profile,
    Representation,
)
from idp.accounts.notices import Notice, Notices
from idp.accounts.people import People
from idp.ids import AccountId, MandateId
from idp.mandate_ending import MandateEnding, concerned
from idp.registers import (
    Asker,
    BusinessRecord,
    BusinessRegister,
    Purpose,
    RegisterError,
    RegisterName,
)
from idp.storage.accounts import find_row
from idp.storage.database import Database, Transaction
from idp.storage.ephemeral import EphemeralStore
from idp.storage.mandates import find_mandate, keep_check, list_mandates, list_mandates_for
from idp.work.model import Done, GiveUp, Job, Outcome, Retry
from idp.work.outbox import Outbox
from keystore.log.record import LogWriter

CHECK_MANDATE: Final = "check_mandate"
_DAY: Final = timedelta(days=1)
_QUESTIONS_A_DAY: Final = 10
_ASKED_AGAIN_AFTER: Final = timedelta(minutes=5)


class RegisterRefused(AccountError):
    """Nothing was added; `reason` is a stable word.

    One word stands for all that the register may have said, so that it is not read through us.
    """

    code: ClassVar[str] = "register_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RegisterMandates:
    """Safe to share between threads.

    Takes   recheck: how long the register's word is used without asking; holds: how long at most.
    """

    database: Database
    store: EphemeralStore
    people: People
    lifecycle: AccountLifecycle
    register: BusinessRegister
    ending: MandateEnding
    notices: Notices
    log: LogWriter
    recheck: timedelta
    holds: timedelta

    def add(self, account_id: AccountId, raw_code: str, *, now: datetime) -> Mandate:
        """Let a person act for the organisation that the register says they represent.

        An organisation that has no account gets one, with the name that is registered.
        Raises  RegisterRefused (code_wrong, level_too_low, not_registered, register_away);
                TooManyAttempts.
        """
        code = parse_identifier(raw_code, kind=IdentifierKind.ENTERPRISE_CODE)
        if not isinstance(code, ParsedIdentifier):
            raise RegisterRefused("code_wrong")
        account = self.people.find_account(account_id)
        if account is None or account.level is not AccountLevel.TWO:
            raise RegisterRefused("level_too_low")
        if self.store.count(f"represent:{account_id}", window=_DAY, now=now) > _QUESTIONS_A_DAY:
            raise TooManyAttempts(now + _DAY)
        try:
            record = self.register.find(
                code.value, asked_by=Asker(Purpose.MANDATE, account_id), now=now
            )
        except RegisterError as failure:
            raise RegisterRefused("register_away") from failure
        if record is None or not _says_so(record, account):
            raise RegisterRefused("not_registered")
        organisation = self._organisation(code, record, now=now)
        if not organisation.is_active:
            raise RegisterRefused("not_registered")
        return self._take(account, organisation, now=now)

    def check(self, mandate_id: MandateId, *, now: datetime) -> bool:
        """Ask the register whether somebody still represents an organisation; if not, end it.

        Where the organisation may not act any more, so do all who represent it by the register.
        Raises  RegisterError: nothing is known, and nothing has changed.
        """
        with self.database.read() as connection:
            mandate = find_mandate(connection, mandate_id)
        if mandate is None or mandate.status is not MandateStatus.ACTIVE:
            return False
        holder = self.people.find_account(mandate.holder_id)
        organisation = self.people.find_account(mandate.principal_id)
        code = organisation and organisation.find_identifier(IdentifierKind.ENTERPRISE_CODE)
        if holder is None or not code:
            self.ending.end(mandate_id, why=EndReason.REGISTER, now=now)
            return False
        asker = Asker(Purpose.MANDATE_REFRESH, mandate.holder_id)
        record = self.register.find(code, asked_by=asker, now=now)
        if record is not None and _says_so(record, holder):
            with self.database.transaction() as tx:
                return keep_check(
                    tx,
                    mandate_id,
                    now=now,
                    recheck_at=now + self.recheck,
                    holds_until=now + self.holds,
                )
        may_act = record is not None and record.may_act
        with self.database.transaction() as tx:
            principal = find_row(tx.connection, mandate.principal_id, is_locked=True)
            those: tuple[Mandate, ...] = (mandate,)
            if principal is not None and not may_act:
                those = list_mandates_for(tx.connection, principal.account_key)
            for one in those:
                if one.mandate_id == mandate_id or one.recheck_at is not None:
                    self.ending.end_in(tx, one, why=EndReason.REGISTER, now=now)
        return False

    def _organisation(
        self, code: ParsedIdentifier, record: BusinessRecord, *, now: datetime
    ) -> Account:
        found = self.people.find_by_identifier(code)
        if found is not None:
            return found
        made = make_account(
            kind=AccountKind.ORGANISATION,
            level=None,
            profile=Profile(record.name),
            identifiers=[code],
            now=now,
        )
        try:
            return self.lifecycle.open(made)
        except IdentifierTaken as taken:
            again = self.people.find_by_identifier(code)  # somebody was faster
            if again is None:
                raise RegisterRefused("not_registered") from taken
            return again

    def _take(self, account: Account, organisation: Account, *, now: datetime) -> Mandate:
        checked = Checked(now + self.recheck, now + self.holds)
        holder_id, to = account.account_id, organisation.account_id

        def tell(tx: Transaction, new: Mandate) -> None:
            those = list_mandates(tx.connection, holder_id)
            if _find_held(those, to, besides=new.mandate_id, now=now) is not None:
                raise _HeldAlready
            facts = {"mandate": new.mandate_id, "kind": new.kind.value}
            for row in concerned(tx, new, now=now):
                self.notices.tell(tx, row, Notice.MANDATE_GIVEN, facts=facts, now=now)

        with self.database.read() as connection:
            held = _find_held(list_mandates(connection, holder_id), to, now=now)
        if held is None:
            try:
                return add_legal_representative(
                    self.database,
                    holder_id=holder_id,
                    organisation_id=to,
                    source=RegisterName.BUSINESS.value,
                    checked=checked,
                    also=tell,
                    log=self.log,
                    now=now,
                )
            except _HeldAlready as faster:  # the button was pressed twice
                with self.database.read() as connection:
                    held = _find_held(list_mandates(connection, holder_id), to, now=now)
                if held is None:
                    raise RegisterRefused("not_registered") from faster
        if held.recheck_at is not None:  # what an operator gave lasts as long as the operator says
            with self.database.transaction() as tx:
                keep_check(
                    tx,
                    held.mandate_id,
                    now=now,
                    recheck_at=checked.recheck_at,
                    holds_until=checked.holds_until,
                )
        return held


class _HeldAlready(Exception):
    """Somebody represents the organisation by another mandate already."""


def _find_held(
    mandates: Iterable[Mandate],
    organisation_id: AccountId,
    *,
    besides: MandateId | None = None,
    now: datetime,
) -> Mandate | None:
    """Of somebody's mandates the open one by which they represent an organisation."""
    return next(
        (
            one
            for one in mandates
            if one.kind is MandateKind.LEGAL_REPRESENTATIVE
            and one.principal_id == organisation_id
            and one.mandate_id != besides
            and one.status is MandateStatus.ACTIVE
            and (one.valid_to is None or now < one.valid_to)
        ),
        None,
    )


def _says_so(record: BusinessRecord, account: Account) -> bool:
    return record.may_act and record.find_representative(account.identifiers) is not None


@dataclass(frozen=True, slots=True)
class MandateCheck:
    """Has the register asked about one mandate; a `Handler`.

    Their payload: `mandate_id`.
    """

    mandates: RegisterMandates

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        """Ask; while the register is away the mandate lives on what is left of its time."""
        try:
            self.mandates.check(MandateId(job.payload["mandate_id"]), now=now)
        except RegisterError as failure:
            if not self.mandates.register.is_there:
                return GiveUp(failure.code)
            return Retry(failure.code, is_lane_down=True)
        return Done()


@dataclass(frozen=True, slots=True)
class PeopleInUse:
    """Accounts for whoever gives out tokens: a mandate that is due is looked up again meanwhile.

    Nobody waits for the register: the question is left to the worker, once in some minutes.
    """

    people: People
    database: Database
    store: EphemeralStore
    deferred: Outbox

    def find_account(self, account_id: AccountId) -> Account | None:
        """The account, whatever its status."""
        return self.people.find_account(account_id)

    def find_representation(
        self, person_account_id: AccountId, *, mandate_id: MandateId, now: datetime
    ) -> Representation | None:
        """The organisation behind a mandate if this person may use it at `now`."""
        found = self.people.find_representation(person_account_id, mandate_id=mandate_id, now=now)
        if found is None or found.kind is not MandateKind.LEGAL_REPRESENTATIVE:
            self._ask_about_ground(person_account_id, mandate_id, now=now)
        elif found.recheck_at is not None and found.recheck_at <= now:
            self._leave_question(mandate_id, now=now)
        return found

    def _ask_about_ground(
        self, person_account_id: AccountId, mandate_id: MandateId, *, now: datetime
    ) -> None:
        """Have that asked about on which a delegate's rests, and what lapsed unconfirmed."""
        with self.database.read() as connection:
            held = find_mandate(connection, mandate_id)
            under = None if held is None else held.given_under
            ground = held if under is None else find_mandate(connection, under)
        if held is None or ground is None or held.holder_id != person_account_id:
            return
        is_open = held.status is ground.status is MandateStatus.ACTIVE
        if is_open and ground.recheck_at is not None and ground.recheck_at <= now:
            self._leave_question(ground.mandate_id, now=now)

    def _leave_question(self, mandate_id: MandateId, *, now: datetime) -> None:
        mark = f"recheck:{mandate_id}"
        if not self.store.first_use(mark, lifetime=_ASKED_AGAIN_AFTER, now=now):
            return
        with self.database.transaction() as tx:
            self.deferred.add(
                tx,
                CHECK_MANDATE,
                {"mandate_id": mandate_id},
                now=now,
                expires=now + _ASKED_AGAIN_AFTER,
                lane="business_register",
            )
