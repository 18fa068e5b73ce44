"""Mandates as everyone concerned sees them: who holds what, for whom, given by whom, until when.

What lives here: what one person holds, and what was given in the name of the organisations that
they represent by law.  A mandate of an organisation that is none of theirs does not exist as far as
anybody can see.
Source: architecture, J5; Law on Enterprises 59/2020/QH14 Art. 12.
Not here: pages, any act (`idp/accounts/delegation.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from idp.accounts.delegation import GIVEN_KINDS, Evidence
from idp.accounts.model import Account, IdentifierKind, Mandate, MandateKind, MandateStatus
from idp.ids import AccountId, MandateId
from idp.storage.accounts import find_account, find_row
from idp.storage.database import Database
from idp.storage.mandate_agreements import (
    Agreement,
    find_charter,
    find_evidence,
    list_agreements,
)
from idp.storage.mandates import (
    list_mandates,
    list_mandates_for,
    list_representatives,
)
from keystore.errors import SealBroken
from keystore.sealing import Sealer

_MOST_ENDED: Final = 30
_decode: Final = msgspec.json.Decoder(Evidence).decode


@dataclass(frozen=True, slots=True)
class SeenMandate:
    """A mandate with the names that belong to it; `evidence` where one was given and is readable.

    `agreed`: names of those who agreed; `waits_for_me`: whether the one who looks has to decide.
    """

    mandate: Mandate
    holder: str = field(repr=False)
    giver: str = field(repr=False)
    organisation: str = field(repr=False)
    enterprise_code: str
    evidence: Evidence | None = field(repr=False)
    agreed: tuple[str, ...] = field(default=(), repr=False)
    waits_for_me: bool = False

    def is_open(self, now: datetime) -> bool:
        """Whether it is in force, will be, or waits for somebody."""
        mandate = self.mandate
        return mandate.status in {MandateStatus.ACTIVE, MandateStatus.WAITING} and (
            mandate.valid_to is None or now < mandate.valid_to
        )


@dataclass(frozen=True, slots=True)
class Represented:
    """An organisation that somebody represents by law, under `mandate`, and what was given for it.

    `representatives` are the names of all who do; `agreements`: how many others have to agree.
    """

    mandate: Mandate
    name: str = field(repr=False)
    enterprise_code: str
    representatives: tuple[str, ...] = field(repr=False)
    agreements: int
    given: tuple[SeenMandate, ...]


@dataclass(frozen=True, slots=True)
class OwnMandates:
    """Safe for any number of threads."""

    database: Database
    sealer: Sealer

    def held_by(self, account_id: AccountId) -> tuple[SeenMandate, ...]:
        """What a person holds or held, newest first."""
        with self.database.read() as connection:
            held = _shortened(list_mandates(connection, account_id))
            agreed = list_agreements(connection, [one.mandate_id for one in held])
        names = _Names(self.database, self.sealer)
        return tuple(self._seen(one, names=names, agreed=agreed) for one in held)

    def represented_by(self, account_id: AccountId, *, now: datetime) -> tuple[Represented, ...]:
        """The organisations that a person represents by law now, by name."""
        with self.database.read() as connection:
            grounds = [
                one
                for one in list_mandates(connection, account_id)
                if one.kind is MandateKind.LEGAL_REPRESENTATIVE and one.valid_at(now)
            ]
        names = _Names(self.database, self.sealer)
        found = (self._represented(one, names=names, now=now) for one in grounds)
        return tuple(sorted((one for one in found if one), key=lambda one: one.name))

    def all_of(self, account_id: AccountId) -> tuple[Mandate, ...]:
        """What an account holds or held, and what is or was held to act for it; names nobody."""
        with self.database.read() as connection:
            row = find_row(connection, account_id)
            held = list_mandates(connection, account_id)
            given = () if row is None else list_mandates_for(connection, row.account_key)
        return (*held, *given)

    def find(
        self, account_id: AccountId, mandate_id: MandateId, *, now: datetime
    ) -> SeenMandate | None:
        """One mandate that this person holds, or that is of an organisation they represent."""
        held = next(
            (one for one in self.held_by(account_id) if one.mandate.mandate_id == mandate_id), None
        )
        return held or next(
            (
                one
                for organisation in self.represented_by(account_id, now=now)
                for one in organisation.given
                if one.mandate.mandate_id == mandate_id
            ),
            None,
        )

    def _represented(self, ground: Mandate, *, names: _Names, now: datetime) -> Represented | None:
        organisation = names.account(ground.principal_id)
        if organisation is None or not organisation.is_active:
            return None
        with self.database.read() as connection:
            row = find_row(connection, ground.principal_id)
            if row is None:
                return None
            present = list_representatives(connection, row.account_key, now=now)
            if all(one.mandate_id != ground.mandate_id for one in present):
                return None
            given = _shortened(
                [
                    one
                    for one in list_mandates_for(connection, row.account_key)
                    if one.kind in GIVEN_KINDS
                ]
            )
            agreed = list_agreements(connection, [one.mandate_id for one in given])
            agreements = find_charter(connection, row.account_key)
        return Represented(
            mandate=ground,
            name=organisation.profile.name,
            enterprise_code=organisation.find_identifier(IdentifierKind.ENTERPRISE_CODE) or "",
            representatives=tuple(dict.fromkeys(names.of(one.holder_id) for one in present)),
            agreements=agreements,
            given=tuple(
                self._seen(one, names=names, agreed=agreed, me=ground.holder_id) for one in given
            ),
        )

    def _seen(
        self,
        one: Mandate,
        *,
        names: _Names,
        agreed: tuple[Agreement, ...],
        me: AccountId | None = None,
    ) -> SeenMandate:
        organisation = names.account(one.principal_id)
        those = [it.account_id for it in agreed if it.mandate_id == one.mandate_id]
        is_waiting = one.status is MandateStatus.WAITING
        return SeenMandate(
            mandate=one,
            holder=names.of(one.holder_id),
            giver="" if one.given_by is None else names.of(one.given_by),
            organisation="" if organisation is None else organisation.profile.name,
            enterprise_code=""
            if organisation is None
            else organisation.find_identifier(IdentifierKind.ENTERPRISE_CODE) or "",
            evidence=self._evidence(one, organisation),
            agreed=tuple(names.of(it) for it in those),
            waits_for_me=is_waiting and me is not None and me not in {one.given_by, *those},
        )

    def _evidence(self, one: Mandate, organisation: Account | None) -> Evidence | None:
        if one.given_by is None or organisation is None or organisation.data_key is None:
            return None
        with self.database.read() as connection:
            sealed = find_evidence(connection, one.mandate_id)
        if sealed is None:
            return None
        try:
            opened = self.sealer.unseal_personal(
                organisation.data_key, sealed, context=one.mandate_id
            )
        except SealBroken:
            return None
        return _decode(opened)


class _Names:
    """Accounts by id, each read once."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._found: dict[AccountId, Account | None] = {}

    def account(self, account_id: AccountId) -> Account | None:
        """None where it was erased."""
        if account_id not in self._found:
            with self._database.read() as connection:
                self._found[account_id] = find_account(connection, account_id, sealer=self._sealer)
        return self._found[account_id]

    def of(self, account_id: AccountId) -> str:
        """A name, empty where the account was erased."""
        found = self.account(account_id)
        return "" if found is None else found.profile.name


def _shortened(found: tuple[Mandate, ...] | list[Mandate]) -> tuple[Mandate, ...]:
    """All that are open, and the newest of those that are not."""
    states = {MandateStatus.ACTIVE, MandateStatus.WAITING}
    still = [one for one in found if one.status in states]
    over = [one for one in found if one.status not in states]
    return (*still, *over[:_MOST_ENDED])
