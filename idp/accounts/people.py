"""What the protocol side of the house asks about people, beside the directory.

What lives here: the second factors and the data key of an account.  Not here: changing anything.
"""

from __future__ import annotations

from idp.accounts.credentials import SecondFactors
from idp.accounts.directory import Directory
from idp.ids import AccountId
from idp.storage.accounts import AccountRow, find_row
from idp.storage.credentials import has_totp
from idp.storage.second_factors import find_second_factors

__all__ = ["AccountRow", "People"]


class People(Directory):
    """The directory, and the two facts that signing in needs beside it."""

    def has_totp(self, account_id: AccountId) -> bool:
        """Whether an authenticator is enrolled."""
        with self._database.read() as connection:
            return has_totp(connection, account_id)

    def second_factors(self, account_id: AccountId) -> SecondFactors:
        """Which second factors the person has."""
        with self._database.read() as connection:
            return find_second_factors(connection, account_id)

    def find_row(self, account_id: AccountId) -> AccountRow | None:
        """Kind, standing and data key, for whoever needs no name; None when unknown or erased."""
        with self._database.read() as connection:
            return find_row(connection, account_id)

    def data_key_of(self, account_id: AccountId) -> bytes | None:
        """The person's wrapped data key; None when unknown or erased."""
        row = self.find_row(account_id)
        return None if row is None else row.data_key
