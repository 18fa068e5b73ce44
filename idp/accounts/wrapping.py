"""Wrapping imported password hashes after an import, a few at a time.

What lives here: the background half of `imports`.  `antin work` calls `wrap_some` while there is
something to do, `antin accounts wrap-passwords` does it all at once.  The argon2id is computed
outside any transaction; a hash that has changed meanwhile (the person signed in) is left alone.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from idp.accounts.credentials import StoredPassword
from idp.accounts.passwords import Passwords
from idp.ids import AccountId
from idp.storage.accounts import find_row
from idp.storage.credentials import find_password, list_to_wrap, replace_password
from idp.storage.database import Database
from keystore.errors import SealBroken
from keystore.sealing import Sealer


def wrap_some(
    database: Database,
    *,
    sealer: Sealer,
    passwords: Passwords,
    limit: int,
    now: datetime,
    cores: int | None = None,
) -> int:
    """Wrap at most `limit` FOREIGN hashes; how many were looked at (0: nothing is left).

    Takes   cores: threads to compute on; all when None.  One argon2id takes about 20 ms of one.
    Raises  SealBroken when a hash does not open, after the others are wrapped: one damaged row
            must neither be passed over in silence nor keep the rest waiting.
    """
    broken: SealBroken | None = None
    with database.read() as connection:
        waiting = list_to_wrap(connection, after=0, limit=limit)
        found: list[tuple[AccountId, StoredPassword, bytes]] = []
        for account_id, _key in waiting:
            row = find_row(connection, account_id)
            try:
                kept = None if row is None else find_password(connection, row, sealer=sealer)
            except SealBroken as failure:
                broken = failure
                continue
            if kept is not None:
                found.append((account_id, *kept))
    with ThreadPoolExecutor(cores or os.cpu_count()) as pool:
        wrapped = list(pool.map(passwords.wrap, [stored for _id, stored, _sealed in found]))
    with database.transaction() as tx:
        for (account_id, _old, sealed), new in zip(found, wrapped, strict=True):
            row = find_row(tx.connection, account_id)
            if row is not None:
                replace_password(tx, row, new, expected=sealed, sealer=sealer, now=now)
    if broken is not None:
        raise broken
    return len(waiting)
