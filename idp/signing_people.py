"""The people whom portals may ask to sign, as signing asks about them.

What lives here: `PortalSigners`, from a portal's name for a person to an account and, where she
acts for an organisation, the mandate under which she does.  Everything is looked up at the moment:
a mandate that ended a second ago is none.
Source: architecture, "Tokens" (pairwise subjects) and "Mandates"; Decree 30/2020/ND-CP Art. 32 and
33 (who keeps and uses a seal); Law on Enterprises 59/2020/QH14 Art. 12.
Not here: their keys and certificates (`idp/signing_credentials.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from clients.registry.model import Client
from idp.accounts.identifiers import ParsedIdentifier, parse_identifier
from idp.accounts.mandate_scopes import SEAL, SIGN
from idp.accounts.model import Account, IdentifierKind, Mandate, MandateKind
from idp.accounts.people import People
from idp.ids import AccountId
from idp.storage.accounts import AccountRow
from idp.storage.database import Database
from idp.storage.mandates import list_usable_mandates
from idp.storage.subject_accounts import find_row_by_sub
from signing.model import Role
from signing.ports import Signer

_MANDATES: Final[Mapping[Role, frozenset[MandateKind]]] = MappingProxyType(
    {
        Role.PERSON: frozenset({MandateKind.LEGAL_REPRESENTATIVE, MandateKind.DELEGATION}),
        Role.SEAL: frozenset({MandateKind.LEGAL_REPRESENTATIVE, MandateKind.SEAL_CLERK}),
    }
)
"""Under which mandates somebody signs for an organisation, by what she signs as."""
_SCOPES: Final[Mapping[Role, frozenset[str]]] = MappingProxyType(
    {Role.PERSON: frozenset({SIGN}), Role.SEAL: frozenset({SIGN, SEAL})}
)
"""Of these a mandate has to have one that is narrowed at all."""


class Clients(Protocol):
    """The registry, as far as this module looks."""

    def find_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client that may be used now."""


class PortalSigners:
    """`Signers` over accounts and mandates; safe to share between threads."""

    def __init__(self, database: Database, *, people: People, clients: Clients) -> None:
        self._database = database
        self._people = people
        self._clients = clients

    def find_signer(
        self, sub: str, *, client_id: str, role: Role, enterprise_code: str | None, now: datetime
    ) -> Signer | None:
        """See `Signers`."""
        client = self._clients.find_client(client_id, now=now)
        with self._database.read() as connection:
            found = find_row_by_sub(connection, sub)
        if client is None or found is None:
            return None
        account_id, sector_id, person = found
        if sector_id != client.sector_id:
            return None
        organisation_id = None
        if enterprise_code is not None:
            organisation = self._find_organisation(enterprise_code)
            if organisation is None:
                return None
            organisation_id = organisation.account_id
        signer = Signer(
            account_id=account_id,
            role=role,
            organisation_id=organisation_id,
            data_key=None if person is None else person.data_key,
        )
        return self.refresh(signer, client_id=client_id, is_active=_may_act(person), now=now)

    def refresh(
        self,
        signer: Signer,
        *,
        client_id: str | None,
        is_active: bool | None = None,
        now: datetime,
    ) -> Signer | None:
        """See `Signers`; without a client a mandate for any portal will do.

        Who is looked up here has to be of level 2, which signing takes; who was looked up before is
        what the caller says.
        """
        if is_active is None:
            person = self._people.find_row(AccountId(signer.account_id))
            is_active = person is not None and person.may_sign
        if not is_active:
            return None
        if signer.organisation_id is None:
            return None if signer.role is Role.SEAL else replace(signer, mandate_id="")
        organisation = self._people.find_row(AccountId(signer.organisation_id))
        if organisation is None or not organisation.is_active or not organisation.is_organisation:
            return None
        mandate = self._find_mandate(signer, client_id=client_id, now=now)
        return None if mandate is None else replace(signer, mandate_id=mandate.mandate_id)

    def get_signer(self, account_id: str, *, role: Role, organisation_id: str | None) -> Signer:
        """See `Signers`."""
        return self._signer(AccountId(account_id), role=role, organisation_id=organisation_id)

    def _signer(self, account_id: AccountId, *, role: Role, organisation_id: str | None) -> Signer:
        return Signer(
            account_id=account_id,
            role=role,
            organisation_id=organisation_id,
            data_key=self._people.data_key_of(account_id),
        )

    def _find_organisation(self, enterprise_code: str) -> Account | None:
        parsed = parse_identifier(enterprise_code, kind=IdentifierKind.ENTERPRISE_CODE)
        if not isinstance(parsed, ParsedIdentifier):
            return None
        return self._people.find_by_identifier(parsed)

    def _find_mandate(
        self, signer: Signer, *, client_id: str | None, now: datetime
    ) -> Mandate | None:
        with self._database.read() as connection:
            held = list_usable_mandates(connection, AccountId(signer.account_id), now=now)
        kinds = _MANDATES[signer.role]
        return next(
            (
                one
                for one in held
                if one.kind in kinds
                and one.principal_id == signer.organisation_id
                and (not one.scopes or not _SCOPES[signer.role].isdisjoint(one.scopes))
                and (client_id is None or not one.portals or client_id in one.portals)
            ),
            None,
        )


def _may_act(person: AccountRow | None) -> bool:
    return person is not None and person.is_active and not person.is_organisation
