"""An account for somebody at the counter who has none.

What lives here: the one act.  A citizen's number, name and date of birth are confirmed by the
population service first; when it contradicts, is away or answers neither, nothing is opened and
nothing stays: the official tries again later.  Where no register is set up, and for foreigners whom
it does not know, the two people of the proofing vouch.  The account begins at level 1 without a
password: nobody can sign in to it before the second act of a proofing (`counter`,
`first_password`).
Source: NĐ 69/2024/NĐ-CP Art. 5, 7, 10-11; NĐ 47/2020/NĐ-CP Art. 41.
Not here: proving who it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from idp.accounts.birthdates import Birthdate
from idp.accounts.counter import is_old_enough
from idp.accounts.counter_proofings import ProofingRefused
from idp.accounts.directory import Directory
from idp.accounts.errors import IdentifierTaken
from idp.accounts.identifiers import (
    IdentifierProblem,
    ParsedIdentifier,
    parse_identifier,
    parse_login_identifier,
)
from idp.accounts.lifecycle import AccountLifecycle, make_account
from idp.accounts.model import AccountKind, AccountLevel, IdentifierKind, Profile
from idp.accounts.names import MAX_NAME_CHARS, normalise_name
from idp.accounts.official_duties import Official
from idp.accounts.official_lookups import OfficialLookups
from idp.accounts.officials import require_duty
from idp.ids import AccountId
from idp.registers import (
    Asker,
    PersonQuery,
    PopulationRegister,
    Purpose,
    RegisterAbsent,
    RegisterError,
    Verdict,
)
from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

_CIVIL: Final = timezone(timedelta(hours=7))
_NUMBERS: Final = {
    AccountKind.CITIZEN: IdentifierKind.PERSONAL_ID_NUMBER,
    AccountKind.FOREIGNER: IdentifierKind.FOREIGNER_ID,
}


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What the document on the table says; `number` as it was typed."""

    kind: AccountKind
    number: str = field(repr=False)
    name: str = field(repr=False)
    birthdate: Birthdate


@dataclass(frozen=True, slots=True)
class CounterOpening:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer
    log: LogWriter
    lookups: OfficialLookups
    population: PopulationRegister
    people: Directory

    def open(self, official: Official, new: NewPerson, *, now: datetime) -> AccountId:
        """Open it.

        What is refused tells something about a number as well, so it counts as a look-up.
        Raises  ProofingRefused (`not_a_person`, `number_malformed`, `name_missing`, `too_young`,
                `register_contradicts`, `register_away`); IdentifierTaken; NotAnOfficial;
                TooManyAttempts.
        """
        kind = _NUMBERS.get(new.kind)
        if kind is None:
            raise ProofingRefused("not_a_person")
        number = parse_identifier(new.number, kind=kind)
        if isinstance(number, IdentifierProblem):
            raise ProofingRefused("number_malformed")
        name = normalise_name(new.name)
        if not 0 < len(name) <= MAX_NAME_CHARS:
            raise ProofingRefused("name_missing")
        if not is_old_enough(new.birthdate, today=now.astimezone(_CIVIL).date()):
            raise ProofingRefused("too_young")
        self.lookups.count(official, now=now)
        # a foreigner's number may look like a citizen's: whoever typed it could mean either
        typed = parse_login_identifier(new.number)
        for reading in () if isinstance(typed, IdentifierProblem) else typed.candidates:
            if self.people.find_by_identifier(reading) is not None:
                raise IdentifierTaken(reading.kind)
        account = make_account(
            kind=new.kind,
            level=AccountLevel.ONE,
            profile=Profile(name=name, birthdate=new.birthdate),
            identifiers=[number],
            now=now,
        )
        if new.kind is AccountKind.CITIZEN:
            self._ask(official, account.account_id, number, new, name=name, now=now)
        lifecycle = AccountLifecycle(
            self.database, sealer=self.sealer, log=self.log.in_name_of(official.account_id)
        )
        opened = lifecycle.open(account, also=lambda tx, _row: require_duty(tx, official, now=now))
        return opened.account_id

    def _ask(
        self,
        official: Official,
        account_id: AccountId,
        number: ParsedIdentifier,
        new: NewPerson,
        *,
        name: str,
        now: datetime,
    ) -> None:
        asker = Asker(Purpose.OPEN_ACCOUNT, account_id, official.account_id)
        query = PersonQuery(number, name, new.birthdate)
        try:
            answer = self.population.verify(query, asked_by=asker, now=now)
        except RegisterAbsent:
            return
        except RegisterError as failure:
            raise ProofingRefused("register_away") from failure
        if answer.verdict is Verdict.CONTRADICTS:
            raise ProofingRefused("register_contradicts")
        if answer.verdict is not Verdict.MATCHES:
            raise ProofingRefused("register_away")
