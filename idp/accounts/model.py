"""Accounts of people and organisations, as frozen values.

What lives here: what an account is, its identifiers with their history, its profile, and who may
act for whom.  Every field that says something about a person is left out of `repr`.  Not here: how
anything is stored, sealed or decided.
Source: NĐ 69/2024/NĐ-CP Art. 5–7 (contents and levels), NĐ 70/2024/NĐ-CP Art. 11 (cancelled
numbers), Law on Enterprises 59/2020/QH14 Art. 12 (legal representatives).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final

from idp.accounts.birthdates import Birthdate
from idp.accounts.names import name_key
from idp.ids import AccountId, MandateId


class AccountKind(StrEnum):
    """Whose account it is."""

    CITIZEN = "citizen"
    FOREIGNER = "foreigner"
    ORGANISATION = "organisation"


class AccountLevel(IntEnum):
    """How a person's account was proofed; organisations have none.  NĐ 69/2024 Art. 7.

    Not the level of a sign-in: that is `idp.model.AuthLevel`.
    """

    ONE = 1
    TWO = 2


class AccountStatus(StrEnum):
    """ACTIVE signs in; LOCKED may be unlocked; CLOSED is for good, until it is erased."""

    ACTIVE = "active"
    LOCKED = "locked"
    CLOSED = "closed"


class IdentifierKind(StrEnum):
    """What sort of number or code identifies an account.

    A tax code is not a kind of its own: with 12 digits it is the personal number, with 10 or 13
    the enterprise code (TT 86/2024/TT-BTC Art. 5; Law on Enterprises Art. 29).  One kind keeps
    one organisation from having two accounts.
    """

    PERSONAL_ID_NUMBER = "personal_id_number"
    LEGACY_ID_9 = "legacy_id_9"
    PASSPORT_NUMBER = "passport_number"
    FOREIGNER_ID = "foreigner_id"
    ENTERPRISE_CODE = "enterprise_code"


class Gender(StrEnum):
    """As registered.  The claim `gender` of OpenID Connect Core §5.1 uses the same words."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"


class MandateKind(StrEnum):
    """On what ground one account may act for another."""

    LEGAL_REPRESENTATIVE = "legal_representative"
    DELEGATION = "delegation"
    SEAL_CLERK = "seal_clerk"
    GUARDIAN = "guardian"


class MandateStatus(StrEnum):
    """WAITING wants the agreement of others; what is neither that nor ACTIVE is final.

    DECLINED: one of them said no; LAPSED: they did not all agree in time; OVER: its last day was
    and everybody has been told.  Running out of time ends it without that, see `valid_at`.
    """

    WAITING = "waiting"
    ACTIVE = "active"
    REVOKED = "revoked"
    DECLINED = "declined"
    LAPSED = "lapsed"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number that names the account, or once did.

    `value` is normalised.  With `valid_to` set it is a past alias: it is shown to agencies and
    never signs in (NĐ 70/2024 Art. 11–12).
    """

    kind: IdentifierKind
    value: str = field(repr=False)
    valid_from: datetime
    valid_to: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether the account may still be found by it."""
        return self.valid_to is None


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A postal address; `formatted` is the whole, the parts where they are known."""

    formatted: str
    street: str | None = None
    ward: str | None = None
    province: str | None = None
    country: str | None = None

    def __repr__(self) -> str:
        """Show that there is one, not which."""
        return "Address(…)"


@dataclass(frozen=True, slots=True, repr=False)
class Profile:
    """What the service knows of a person or an organisation beside its numbers.

    Takes   name: NFC, not empty; nationality: ISO 3166-1 alpha-3; email: lower-case domain;
            phone: E.164 with the plus sign.  Organisations use `name`, `address`, `email`,
            `phone` only.
    """

    name: str
    birthdate: Birthdate | None = None
    gender: Gender | None = None
    nationality: str | None = None
    email: str | None = None
    is_email_verified: bool = False
    phone: str | None = None
    is_phone_verified: bool = False
    address: Address | None = None

    def __repr__(self) -> str:
        """Show nothing of the person."""
        return "Profile(…)"

    @property
    def name_key(self) -> str:
        """The name without accents in capitals, for matching."""
        return name_key(self.name)


@dataclass(frozen=True, slots=True)
class Account:
    """A person or an organisation that the service knows.

    `level` is None exactly for organisations.  `identifiers` holds the active ones first, then
    past aliases, each group newest first.  `demands_second_factor`: the holder wants a one-time
    code at every sign-in, whatever a portal demands.  `data_key` is the person's wrapped data key,
    for log rows in the transaction of an act; it opens nothing without the sealer.
    """

    account_id: AccountId
    kind: AccountKind
    level: AccountLevel | None
    status: AccountStatus
    profile: Profile
    identifiers: tuple[Identifier, ...]
    created_at: datetime
    changed_at: datetime
    demands_second_factor: bool = False
    data_key: bytes | None = field(default=None, repr=False, compare=False)

    @property
    def is_active(self) -> bool:
        """Whether it may sign in and be acted for."""
        return self.status is AccountStatus.ACTIVE

    @property
    def is_organisation(self) -> bool:
        """Whether it is acted for by people instead of signing in by itself."""
        return self.kind is AccountKind.ORGANISATION

    def find_identifier(self, kind: IdentifierKind) -> str | None:
        """The active identifier of a kind."""
        for identifier in self.identifiers:
            if identifier.kind is kind and identifier.is_active:
                return identifier.value
        return None


@dataclass(frozen=True, slots=True)
class Mandate:
    """That `holder_id` may act for `principal_id`, on what ground, and from when until when.

    `scopes` and `portals` narrow it; empty means that it is not narrowed.  `source` names the
    register or the document, `verified_at` when it was last compared with it; one that a register
    vouches for is compared again from `recheck_at` on and holds until `holds_until` without that.
    A delegation was given by `given_by` under the mandate `given_under`, and does not outlive it;
    `agreements` is how many others had to agree (`EVERYBODY`: all who represent the organisation),
    by `decide_by`.
    """

    mandate_id: MandateId
    kind: MandateKind
    holder_id: AccountId
    principal_id: AccountId
    scopes: tuple[str, ...]
    portals: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime | None
    source: str
    verified_at: datetime
    status: MandateStatus = MandateStatus.ACTIVE
    given_by: AccountId | None = None
    given_under: MandateId | None = None
    agreements: int = 0
    decide_by: datetime | None = None
    recheck_at: datetime | None = None
    holds_until: datetime | None = None
    ended_at: datetime | None = None
    ended_why: str = ""

    def valid_at(self, now: datetime) -> bool:
        """Whether it may be used at `now`; `valid_to` itself is already outside."""
        return (
            self.status is MandateStatus.ACTIVE
            and self.valid_from <= now
            and (self.valid_to is None or now < self.valid_to)
            and (self.holds_until is None or now < self.holds_until)
        )


EVERYBODY: Final = -1
"""In the place of a number of agreements: of all others who represent the organisation."""


@dataclass(frozen=True, slots=True)
class Representation:
    """An organisation that a person may act for now, as the choice of capacity shows it.

    `scopes` and `portals` narrow the mandate; empty means that it is not narrowed.  From
    `recheck_at` on a register is asked again, None where none vouches for it.
    """

    mandate_id: MandateId
    kind: MandateKind
    organisation: AccountId
    name: str = field(repr=False)
    enterprise_code: str
    valid_to: datetime | None
    scopes: tuple[str, ...] = ()
    portals: tuple[str, ...] = ()
    recheck_at: datetime | None = None

    def is_for(self, client_id: str) -> bool:
        """Whether it was given for this portal, by name or by being for all."""
        return not self.portals or client_id in self.portals


@dataclass(frozen=True, slots=True)
class SignatureImage:
    """What a signature or a seal looks like on paper.

    Takes   png: transparent, the person's in blue, the organisation's in red;
            width_mm: of the real seal, None for a person.  NĐ 30/2020/NĐ-CP Annex I II.7d, II.8a.
    """

    png: bytes = field(repr=False)
    width_mm: float | None = None
