"""Asking about accounts: who is it, and whom may they act for now.

A mandate is asked about at the code, at refresh, at userinfo and introspection, and at the use of a
seal key, never at sign-in only: `find_representation` is one query for that.
Not here: changing anything (`lifecycle`, `mandates`), caching (the caller knows for how long).
Source: Law on Enterprises 59/2020/QH14 Art. 12; NĐ 69/2024/NĐ-CP Art. 12.
"""

from __future__ import annotations

from datetime import datetime

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import Account, Mandate, Representation
from idp.ids import AccountId, MandateId
from idp.storage import accounts, mandates
from idp.storage.database import Database
from keystore.sealing import Sealer


class Directory:
    """Reads accounts and mandates; safe for any number of threads."""

    def __init__(self, database: Database, *, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def find_account(self, account_id: AccountId) -> Account | None:
        """The account, whatever its status; None when unknown or erased."""
        with self._database.read() as connection:
            return accounts.find_account(connection, account_id, sealer=self._sealer)

    def find_by_identifier(self, identifier: ParsedIdentifier) -> Account | None:
        """The account that an active identifier names."""
        with self._database.read() as connection:
            known = accounts.find_keys(connection, (identifier,), sealer=self._sealer)
            if identifier not in known:
                return None
            account_id, _key = known[identifier]
            return accounts.find_account(connection, account_id, sealer=self._sealer)

    def representations(
        self, person_account_id: AccountId, *, now: datetime
    ) -> tuple[Representation, ...]:
        """The organisations that a person may act for at `now`, by name and code."""
        with self._database.read() as connection:
            found = mandates.list_representations(
                connection, person_account_id, sealer=self._sealer, now=now
            )
        return tuple(sorted(found, key=lambda one: (one.name, one.enterprise_code, one.mandate_id)))

    def find_representation(
        self, person_account_id: AccountId, *, mandate_id: MandateId, now: datetime
    ) -> Representation | None:
        """The organisation behind a mandate if this person may use it at `now`."""
        with self._database.read() as connection:
            return mandates.find_representation(
                connection, person_account_id, mandate_id=mandate_id, sealer=self._sealer, now=now
            )

    def find_mandate(self, mandate_id: MandateId) -> Mandate | None:
        """A mandate, whatever its state; `Mandate.valid_at` says whether it holds."""
        with self._database.read() as connection:
            return mandates.find_mandate(connection, mandate_id)
