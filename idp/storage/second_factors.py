"""Which second factors somebody has, in one statement.

What lives here: a question over two tables that every sign-in asks.  Not here: the tables.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from idp.accounts.credentials import SecondFactors
from idp.ids import AccountId
from idp.storage.accounts import account
from idp.storage.credentials import totp
from idp.storage.passkeys import passkey

_HELD: Final = select(
    select(totp.c.totp_id).where(totp.c.account_key == account.c.account_key).exists(),
    select(passkey.c.passkey_id).where(passkey.c.account_key == account.c.account_key).exists(),
).where(account.c.account_id == bindparam("id"))


def find_second_factors(connection: Connection, account_id: AccountId) -> SecondFactors:
    """What the person can be asked for after the password; nothing where there is nobody."""
    row = connection.execute(_HELD, {"id": account_id}).one_or_none()
    return SecondFactors() if row is None else SecondFactors(bool(row[0]), bool(row[1]))
