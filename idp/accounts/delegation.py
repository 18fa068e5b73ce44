"""Mandates that a legal representative gives to others, and how they end.

What lives here: giving (`delegation`, `seal_clerk`), agreeing and declining where the charter
demands the agreement of others, renouncing and ending.  Rules:

1. Only whoever is legal representative at this moment gives, agrees, or ends; a delegate gives
   nothing on.
2. The delegate is named by number and name together; whatever does not fit is one answer, and there
   are few attempts a day, so that nobody is searched for.
3. What is given ends at the latest with the mandate of who gave it (docs/adr/0033), and never later
   than the longest time that the operator allows.
4. It is in force at once, or once as many others have agreed as the charter demands; agreements of
   people who represent the organisation no more do not count.
5. Its holder is told and may renounce it at any time; so everyone concerned sees the same.

Source: Law on Enterprises 59/2020/QH14 Art. 12(2)–(4); NĐ 69/2024/NĐ-CP Art. 12 (others agree);
NĐ 01/2021/NĐ-CP Art. 12 (written authorisation); NĐ 30/2020/NĐ-CP Art. 32–33 (seal clerks).
Not here: what ends with a mandate (`idp/mandate_ending.py`), how sure it is who acts (the page).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import ClassVar, Final, Protocol

import msgspec

from clients.registry.model import Client
from idp.accounts.errors import AccountError, TooManyAttempts
from idp.accounts.identifiers import ParsedIdentifier, parse_login_identifier
from idp.accounts.mandate_scopes import DELEGABLE, SEAL
from idp.accounts.mandates import EndReason, mandate_added
from idp.accounts.model import (
    EVERYBODY,
    Account,
    AccountLevel,
    Mandate,
    MandateKind,
    MandateStatus,
)
from idp.accounts.names import name_key, normalise_name
from idp.accounts.notices import Notice, Notices
from idp.ids import AccountId, MandateId, make_id
from idp.storage.accounts import AccountRow, find_account, find_keys, find_row
from idp.storage.database import Database, Transaction
from idp.storage.ephemeral import EphemeralStore
from idp.storage.mandate_agreements import add_agreement, find_charter, list_agreements, list_by_law
from idp.storage.mandates import (
    MandateRow,
    begin_mandate,
    find_mandate,
    find_usable_mandate,
    insert_mandates,
    list_present,
    list_representatives,
)
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

GIVEN_KINDS: Final = frozenset({MandateKind.DELEGATION, MandateKind.SEAL_CLERK})
"""What a representative may give to somebody else."""
MOST_PORTALS: Final = 100
_MOST_REFERENCE_CHARS: Final = 120
_DAY: Final = timedelta(days=1)
_ATTEMPTS_A_DAY: Final = 10
_SHA256_CHARS: Final = 64
_HEX: Final = frozenset("0123456789abcdef")

_encode: Final = msgspec.json.Encoder().encode


class DelegationRefused(AccountError):
    """Nothing was given; `reason` is a stable word, and the page has a sentence for it."""

    code: ClassVar[str] = "delegation_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MandateUnknown(AccountError):
    """There is no such mandate, or it is none of this person's business."""

    code: ClassVar[str] = "mandate_unknown"


class Evidence(msgspec.Struct, frozen=True):
    """On what paper it stands: its number and day, and the SHA-256 of a file that stays outside."""

    reference: str
    dated: date
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a representative wants to give, as it was typed.

    Takes   portals: ids of clients, none for all of them; valid_to: the first instant after it.
    """

    kind: MandateKind
    number: str = field(repr=False)
    name: str = field(repr=False)
    scopes: tuple[str, ...]
    portals: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime
    evidence: Evidence = field(repr=False)


class Clients(Protocol):
    """The registry, as far as this module looks."""

    def find_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client that may be used now."""


class Ending(Protocol):
    """`idp.mandate_ending`, as far as this module looks."""

    def end_in(
        self,
        tx: Transaction,
        mandate: Mandate,
        *,
        why: EndReason,
        status: MandateStatus = ...,
        now: datetime,
    ) -> bool:
        """End a mandate with everything that stands on it."""


@dataclass(frozen=True, slots=True)
class Delegations:
    """Safe to share between threads.

    Takes   longest: how long a mandate that somebody gives may last; decided_within: how long one
            waits for the others.
    """

    database: Database
    store: EphemeralStore
    sealer: Sealer
    clients: Clients
    ending: Ending
    notices: Notices
    log: LogWriter
    longest: timedelta
    decided_within: timedelta

    def give(self, actor_id: AccountId, *, under: MandateId, wish: Wish, now: datetime) -> Mandate:
        """Give a mandate to somebody, or ask the others to agree to it.

        Takes   under: the mandate by which the actor represents the organisation.
        Returns it, ACTIVE or WAITING.
        Raises  MandateUnknown: the actor does not represent anybody under that;
                DelegationRefused; TooManyAttempts.
        """
        with self.database.read() as connection:
            # whoever represents nobody learns nothing about anybody
            own = _check_ground(find_usable_mandate(connection, under, now=now), actor_id)
        if own.valid_to is not None and wish.valid_to > own.valid_to:
            raise DelegationRefused("beyond_own")
        scopes = self._check_wish(wish, now=now)
        holder_id = self._find_delegate(actor_id, wish, now=now)
        with self.database.transaction() as tx:
            organisation = self._get_organisation(tx, actor_id, under, now=now)
            holder = find_row(tx.connection, holder_id, is_locked=True)
            if holder is None or not holder.is_active:
                raise DelegationRefused("delegate_unknown")
            self._check_new(tx, holder, organisation, kind=wish.kind, now=now)
            agreements = find_charter(tx.connection, organisation.account_key)
            mandate_id = MandateId(make_id("mdt"))
            new = Mandate(
                mandate_id=mandate_id,
                kind=wish.kind,
                holder_id=holder_id,
                principal_id=organisation.account_id,
                scopes=scopes,
                portals=wish.portals,
                valid_from=max(wish.valid_from, now),
                valid_to=wish.valid_to,
                source="representative",
                verified_at=now,
                status=MandateStatus.WAITING if agreements else MandateStatus.ACTIVE,
                given_by=actor_id,
                given_under=under,
                agreements=agreements,
                decide_by=min(now + self.decided_within, wish.valid_to) if agreements else None,
            )
            evidence = self.sealer.seal_personal(
                organisation.data_key, _encode(wish.evidence), context=mandate_id
            )
            insert_mandates(
                tx, (MandateRow(new, holder.account_key, organisation.account_key, evidence),)
            )
            if self._is_agreed(tx, new, organisation, now=now):
                self._begin(tx, new, holder, organisation, now=now)
                return replace(new, status=MandateStatus.ACTIVE)
            self._record(tx, EventType.MANDATE_ASKED, actor_id, new, now=now)
            self._tell(tx, new, holder, organisation, notice=Notice.MANDATE_ASKED, now=now)
        return new

    def agree(self, actor_id: AccountId, mandate_id: MandateId, *, now: datetime) -> bool:
        """Agree to one that waits; once enough have, it is in force.

        Returns whether it is in force now.  A second agreement of one person changes nothing.
        Raises  MandateUnknown: it does not wait, or not for this person.
        """
        with self.database.transaction() as tx:
            waiting, organisation = self._get_waiting(tx, actor_id, mandate_id, now=now)
            agreed = list_agreements(tx.connection, [mandate_id])
            if all(one.account_id != actor_id for one in agreed):
                add_agreement(tx, mandate_id, account_id=actor_id, now=now)
                self._record(tx, EventType.MANDATE_AGREED, actor_id, waiting, now=now)
            holder = find_row(tx.connection, waiting.holder_id, is_locked=True)
            if holder is None or not self._is_agreed(tx, waiting, organisation, now=now):
                return False
            self._begin(tx, waiting, holder, organisation, now=now)
        return True

    def decline(self, actor_id: AccountId, mandate_id: MandateId, *, now: datetime) -> None:
        """Say no to one that waits: it comes to nothing.

        Raises  MandateUnknown: it does not wait, or not for this person.
        """
        with self.database.transaction() as tx:
            waiting, _organisation = self._get_waiting(tx, actor_id, mandate_id, now=now)
            self._record(tx, EventType.MANDATE_DECLINED, actor_id, waiting, now=now)
            self.ending.end_in(
                tx, waiting, why=EndReason.DECLINED, status=MandateStatus.DECLINED, now=now
            )

    def end(self, actor_id: AccountId, mandate_id: MandateId, *, now: datetime) -> None:
        """End what somebody gave, or take back what waits: any representative, or its holder.

        One that has ended stays ended.
        Raises  MandateUnknown: there is none, it is none of theirs, or a register says it.
        """
        with self.database.transaction() as tx:
            found = find_mandate(tx.connection, mandate_id)
            if found is None or found.kind not in GIVEN_KINDS:
                raise MandateUnknown
            organisation = find_row(tx.connection, found.principal_id, is_locked=True)
            is_holder = found.holder_id == actor_id
            if not is_holder and (
                organisation is None or not self._represents(tx, actor_id, organisation, now=now)
            ):
                raise MandateUnknown
            why = EndReason.HOLDER if is_holder else EndReason.REPRESENTATIVE
            if self.ending.end_in(tx, found, why=why, now=now) and not is_holder:
                self._record(tx, EventType.MANDATE_WITHDRAWN, actor_id, found, now=now)

    def _check_wish(self, wish: Wish, *, now: datetime) -> tuple[str, ...]:
        if wish.kind not in GIVEN_KINDS:
            raise DelegationRefused("kind_unknown")
        scopes: tuple[str, ...] = tuple(one for one in DELEGABLE if one in wish.scopes)
        if len(scopes) != len(set(wish.scopes)):
            raise DelegationRefused("scope_unknown")
        if wish.kind is MandateKind.SEAL_CLERK:
            scopes = (SEAL,)
        elif not scopes:
            raise DelegationRefused("scope_missing")
        if len(wish.portals) > MOST_PORTALS or any(
            self.clients.find_client(one, now=now) is None for one in wish.portals
        ):
            raise DelegationRefused("portal_unknown")
        if wish.valid_to <= max(wish.valid_from, now):
            raise DelegationRefused("dates_wrong")
        if wish.valid_to - now > self.longest + _DAY:
            raise DelegationRefused("too_long")
        evidence = wish.evidence
        if not 0 < len(evidence.reference) <= _MOST_REFERENCE_CHARS:
            raise DelegationRefused("reference_missing")
        if evidence.sha256 and (
            len(evidence.sha256) != _SHA256_CHARS or not _HEX.issuperset(evidence.sha256)
        ):
            raise DelegationRefused("hash_wrong")
        return scopes

    def _find_delegate(self, actor_id: AccountId, wish: Wish, *, now: datetime) -> AccountId:
        """Whoever has this number and this name, and an account that may act for others."""
        parsed = parse_login_identifier(wish.number)
        candidates: Sequence[ParsedIdentifier] = getattr(parsed, "candidates", ())
        if self.store.count(f"delegate:{actor_id}", window=_DAY, now=now) > _ATTEMPTS_A_DAY:
            raise TooManyAttempts(now + _DAY)
        with self.database.read() as connection:
            known = find_keys(connection, candidates, sealer=self.sealer)
            accounts = [
                find_account(connection, account_id, sealer=self.sealer)
                for account_id, _key in known.values()
            ]
        wanted = name_key(normalise_name(wish.name))
        found = next((one for one in accounts if one is not None and _fits(one, wanted)), None)
        if found is None:
            raise DelegationRefused("delegate_unknown")
        self.store.count(f"delegate:{actor_id}", window=_DAY, now=now, by=-1)
        if found.account_id == actor_id:
            raise DelegationRefused("oneself")
        return found.account_id

    def _check_new(
        self,
        tx: Transaction,
        holder: AccountRow,
        organisation: AccountRow,
        *,
        kind: MandateKind,
        now: datetime,
    ) -> None:
        pair = (holder.account_key, organisation.account_key)
        for held in (MandateKind.LEGAL_REPRESENTATIVE, kind):
            if list_present(tx.connection, [pair], kind=held, now=now):
                raise DelegationRefused("held_already")

    def _get_organisation(
        self, tx: Transaction, actor_id: AccountId, under: MandateId, *, now: datetime
    ) -> AccountRow:
        ground = _check_ground(find_usable_mandate(tx.connection, under, now=now), actor_id)
        organisation = find_row(tx.connection, ground.principal_id, is_locked=True)
        if organisation is None:
            raise MandateUnknown
        # whoever ended it while this waited for the row has ended it
        _check_ground(find_usable_mandate(tx.connection, under, now=now), actor_id)
        if not self._represents(tx, actor_id, organisation, now=now):
            raise MandateUnknown
        return organisation

    def _get_waiting(
        self, tx: Transaction, actor_id: AccountId, mandate_id: MandateId, *, now: datetime
    ) -> tuple[Mandate, AccountRow]:
        found = find_mandate(tx.connection, mandate_id)
        organisation = (
            None if found is None else find_row(tx.connection, found.principal_id, is_locked=True)
        )
        waiting = find_mandate(tx.connection, mandate_id)
        if (
            waiting is None
            or organisation is None
            or not organisation.is_active
            or waiting.status is not MandateStatus.WAITING
            or waiting.decide_by is None
            or waiting.decide_by <= now
            or waiting.given_by == actor_id
            or not self._represents(tx, actor_id, organisation, now=now)
        ):
            raise MandateUnknown
        return waiting, organisation

    def _represents(
        self, tx: Transaction, actor_id: AccountId, organisation: AccountRow, *, now: datetime
    ) -> bool:
        found = list_representatives(tx.connection, organisation.account_key, now=now)
        return any(one.holder_id == actor_id for one in found)

    def _is_agreed(
        self, tx: Transaction, waiting: Mandate, organisation: AccountRow, *, now: datetime
    ) -> bool:
        """Whether whoever gave it still may, and enough of the others agreed."""
        present = list_representatives(tx.connection, organisation.account_key, now=now)
        if all(one.mandate_id != waiting.given_under for one in present):
            return False
        others = {one.holder_id for one in present} - {waiting.given_by}
        found = list_agreements(tx.connection, [waiting.mandate_id])
        agreed = {one.account_id for one in found} & others
        if waiting.agreements == EVERYBODY:
            by_law = list_by_law(tx.connection, organisation.account_key, now=now)
            return agreed == by_law - {waiting.given_by}
        return len(agreed) >= waiting.agreements

    def _begin(
        self,
        tx: Transaction,
        mandate: Mandate,
        holder: AccountRow,
        organisation: AccountRow,
        *,
        now: datetime,
    ) -> None:
        if mandate.status is MandateStatus.WAITING:
            begin_mandate(tx, mandate.mandate_id, valid_from=max(mandate.valid_from, now))
        if mandate.given_by is not None:
            self._record(tx, EventType.MANDATE_GIVEN, mandate.given_by, mandate, now=now)
        self.log.record(tx, mandate_added(mandate), data_key=holder.data_key, now=now)
        self._tell(tx, mandate, holder, organisation, notice=Notice.MANDATE_GIVEN, now=now)

    def _tell(
        self,
        tx: Transaction,
        mandate: Mandate,
        holder: AccountRow,
        organisation: AccountRow,
        *,
        notice: Notice,
        now: datetime,
    ) -> None:
        facts = {"mandate": mandate.mandate_id, "kind": mandate.kind.value}
        self.notices.tell(tx, holder, notice, facts=facts, now=now)
        for one in list_representatives(tx.connection, organisation.account_key, now=now):
            row = find_row(tx.connection, one.holder_id)
            if row is not None and row.account_id != holder.account_id:
                self.notices.tell(tx, row, notice, facts=facts, now=now)

    def _record(
        self,
        tx: Transaction,
        type_: EventType,
        actor_id: AccountId,
        mandate: Mandate,
        *,
        now: datetime,
    ) -> None:
        actor = find_row(tx.connection, actor_id)
        event = Event(
            type_,
            account_id=actor_id,
            facts={
                "mandate": mandate.mandate_id,
                "kind": mandate.kind,
                "organisation": mandate.principal_id,
            },
        )
        self.log.record(tx, event, data_key=actor.data_key if actor else None, now=now)


def _check_ground(ground: Mandate | None, actor_id: AccountId) -> Mandate:
    """The mandate by which somebody represents an organisation.  Raises MandateUnknown."""
    if (
        ground is None
        or ground.holder_id != actor_id
        or ground.kind is not MandateKind.LEGAL_REPRESENTATIVE
    ):
        raise MandateUnknown
    return ground


def _fits(account: Account, wanted: str) -> bool:
    """Whether an account has this name and may act for others.  NĐ 69/2024/NĐ-CP Art. 12."""
    return (
        account.is_active
        and not account.is_organisation
        and account.level is AccountLevel.TWO
        and name_key(account.profile.name) == wanted
    )
