"""What registers are asked and what they answer, as frozen values.

What lives here: no more of a person than is needed.  Whatever else a register sends, such as
relatives, religion or addresses, is not read out of its answer.  Everything that was fetched says
from where, when, and until when it may be used.
Source: NĐ 47/2020/NĐ-CP Art. 41 (validity of exploited data), Art. 45 (who asked); Law on
Enterprises 59/2020/QH14 Art. 12; NĐ 70/2024/NĐ-CP Art. 11–12 (numbers that were replaced).
Not here: how any of it travels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from idp.accounts.birthdates import Birthdate
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import Gender, Identifier, IdentifierKind
from idp.ids import AccountId


class RegisterName(StrEnum):
    """Which register; also the `source` of what came from it."""

    POPULATION = "population"
    BUSINESS = "business"


class Purpose(StrEnum):
    """For what somebody asks; part of the record of every look-up."""

    OPEN_ACCOUNT = "open_account"
    PROOFING = "proofing"
    NUMBER_REPLACED = "number_replaced"
    MANDATE = "mandate"
    MANDATE_REFRESH = "mandate_refresh"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and for what.

    Takes   account_id: whose history shows it: the person who is asked about or for whom; also
            the id of an account that is being opened; None for what the service does by itself;
            official_id: the account of the official who asks, None when the person does.
    """

    purpose: Purpose
    account_id: AccountId | None = None
    official_id: AccountId | None = None


@dataclass(frozen=True, slots=True)
class PersonQuery:
    """What the population service is asked to confirm.

    Takes   number: a personal number or an old one of nine digits, nothing else;
            name: as the person writes it; birthdate: whole, or as far as it is known.
    """

    number: ParsedIdentifier = field(repr=False)
    name: str = field(repr=False)
    birthdate: Birthdate

    def __post_init__(self) -> None:
        """Raises  ValueError for a number that the register does not know people by."""
        if self.number.kind not in {
            IdentifierKind.PERSONAL_ID_NUMBER,
            IdentifierKind.LEGACY_ID_9,
        }:
            raise ValueError("kind_of_number")


class Verdict(StrEnum):
    """What the population service says about a query.

    CONTRADICTS: there is nobody of whom all of it is true; the service does not say what is wrong.
    UNKNOWN: it answered and said neither.
    """

    MATCHES = "matches"
    CONTRADICTS = "contradicts"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, and how long it may be used; `valid_until` itself is already outside."""

    verdict: Verdict
    source: str
    fetched_at: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True, repr=False)
class CitizenRecord:
    """What the register holds about a person, as far as anybody here needs it.

    `personal_id_number` is the present one.  Where another was asked for, that one was replaced by
    it (`replaces`).
    """

    personal_id_number: str
    legacy_id_9: str | None
    name: str
    birthdate: Birthdate | None
    gender: Gender | None
    source: str
    fetched_at: datetime
    valid_until: datetime

    def __repr__(self) -> str:
        """Show nothing of the person."""
        return "CitizenRecord(…)"

    def replaces(self, number: ParsedIdentifier) -> bool:
        """Whether the register has put another personal number in the place of this one."""
        is_personal = number.kind is IdentifierKind.PERSONAL_ID_NUMBER
        return is_personal and number.value != self.personal_id_number


class BusinessStatus(StrEnum):
    """Legal status, when it was fetched; OTHER is every word that we do not know."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DISSOLVED = "dissolved"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Representative:
    """A legal representative as registered.

    `document_kind` and `document_number` (normalised) are None where the register does not tell
    them, or tells what we cannot read: a name alone never shows who somebody is.
    """

    name: str = field(repr=False)
    document_kind: IdentifierKind | None
    document_number: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class BusinessRecord:
    """What the business register says about an organisation."""

    enterprise_code: str
    name: str
    status: BusinessStatus
    representatives: tuple[Representative, ...]
    source: str
    fetched_at: datetime
    valid_until: datetime

    @property
    def may_act(self) -> bool:
        """Whether anybody may act for it: neither dissolved nor suspended nor in doubt."""
        return self.status is BusinessStatus.ACTIVE

    def find_representative(self, identifiers: Iterable[Identifier]) -> Representative | None:
        """The representative who has one of these numbers, past ones included.

        Registers keep the number of the day of registration, often the old one of nine digits;
        a cancelled number is never given to anybody else (NĐ 70/2024 Art. 11–12).
        """
        held = {(one.kind, one.value) for one in identifiers}
        for one in self.representatives:
            if (one.document_kind, one.document_number) in held:
                return one
        return None
