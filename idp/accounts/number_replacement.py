"""A person's number was cancelled and established anew: their account follows.

What lives here: the one act of a holder.  They type the new number, and the population service is
asked about the **old** one with name and birth date: only when it answers with another personal
number, and that is the one that was typed, does the account get it.  So a page tells nobody a
number that they do not know, and nobody moves an account to a number of somebody else.
Whose name or birth date changed together with the number is not found in this way: at a counter
they show their card.
Source: NĐ 70/2024/NĐ-CP Art. 11(7)(8)(11), Art. 12 (the old number stays known).
Not here: what renumbering does (`lifecycle.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from idp.accounts.attempts import NotAdmitted
from idp.accounts.errors import AccountError, IdentifierTaken, TooManyAttempts
from idp.accounts.identifiers import ParsedIdentifier, parse_identifier
from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.model import Account, IdentifierKind
from idp.accounts.notices import Notice, Notices
from idp.accounts.sending_limits import SendingLimits
from idp.registers import Asker, PersonQuery, PopulationRegister, Purpose, RegisterName

_KIND = IdentifierKind.PERSONAL_ID_NUMBER


class NumberNotReplaced(AccountError):
    """The account keeps its number; `reason` is a stable word.

    number_format; unchanged; no_data (name, birth date or old number is not known here);
    not_confirmed (the register does not say that this one took the place of the old);
    taken (another account has it: only an official can sort that out).
    """

    code = "number_not_replaced"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class NumberReplacement:
    """Safe to share between threads."""

    population: PopulationRegister
    lifecycle: AccountLifecycle
    notices: Notices
    tries: SendingLimits

    @property
    def is_offered(self) -> bool:
        """Whether there is a register that can say so."""
        return self.population.is_there

    def replace(self, account: Account, *, raw_new: str, source: str, now: datetime) -> None:
        """Give the account the number that the register has put in the place of its own.

        Takes   source: address of the client.
        Raises  NumberNotReplaced; TooManyAttempts; RegisterError; StorageUnavailable.
        """
        new = parse_identifier(raw_new, kind=_KIND)
        if not isinstance(new, ParsedIdentifier):
            raise NumberNotReplaced("number_format")
        present, born = account.find_identifier(_KIND), account.profile.birthdate
        if present is None or born is None:
            raise NumberNotReplaced("no_data")
        if new.value == present:
            raise NumberNotReplaced("unchanged")
        admitted = self.tries.admit(
            account_id=account.account_id, address=new.value, source=source, now=now
        )
        if isinstance(admitted, NotAdmitted):
            raise TooManyAttempts(admitted.retry_at)
        old = ParsedIdentifier(_KIND, present)
        found = self.population.find(
            PersonQuery(old, account.profile.name, born),
            asked_by=Asker(Purpose.NUMBER_REPLACED, account.account_id),
            now=now,
        )
        if found is None or not found.replaces(old) or found.personal_id_number != new.value:
            raise NumberNotReplaced("not_confirmed")
        try:
            self.lifecycle.renumber(
                account.account_id,
                new,
                reason=RegisterName.POPULATION.value,
                now=now,
                also=lambda tx, row: self.notices.tell(tx, row, Notice.NUMBER_REPLACED, now=now),
            )
        except IdentifierTaken as taken:
            raise NumberNotReplaced("taken") from taken
