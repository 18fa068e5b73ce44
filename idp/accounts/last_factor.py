"""When the last second factor of somebody goes.

What lives here: one rule for everything that takes one away.  Whoever wants a second factor at
every sign-in keeps one that can be asked for, or nobody could sign in any more.  Where the last one
goes, recovery codes go with it: they bring back what is not wanted any more, and whoever finds them
later must not bind a factor with them.
Source: architecture, decision 10.
Not here: who may take one away.
"""

from __future__ import annotations

from datetime import datetime

from idp.accounts.errors import LastFactor
from idp.storage.accounts import AccountRow
from idp.storage.database import Transaction
from idp.storage.recovery_codes import replace_recovery_codes
from idp.storage.second_factors import find_second_factors


def settle_removal(tx: Transaction, row: AccountRow, *, now: datetime) -> None:
    """After a factor was taken away in this transaction, with the account row locked.

    Raises  LastFactor: the transaction must not go through.
    """
    left = find_second_factors(tx.connection, row.account_id)
    if row.demands_second_factor and not left.is_ready(now):
        raise LastFactor
    if not left.has_any:
        replace_recovery_codes(tx, row, ())
