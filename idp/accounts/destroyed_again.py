"""After a backup was restored: people who were erased since are erased again.

What lives here: going through the list of destroyed data keys, and through the accounts that the
database before had erased, and erasing whoever came back with the backup.  What `erase` does is
done once more, whole: key, numbers, credentials, sessions.
Source: architecture, "State" (destructions are replayed by `restore`); Law 91/2025/QH15.
Not here: the list (`keystore/destruction.py`), the command (`idp/cli/restore.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from idp.accounts.errors import AccountUnknown
from idp.accounts.lifecycle import AccountLifecycle
from idp.ids import AccountId
from idp.storage.database import Database
from idp.storage.erasures import read_data_keys
from keystore.destruction import find_destroyed
from keystore.sealing import Sealer

_BATCH: Final = 1_000
_REASON: Final = "restored"


@dataclass(frozen=True, slots=True)
class DestroyedAgain:
    """Who was erased again, and whose data key does not open."""

    erased: tuple[AccountId, ...]
    damaged: tuple[str, ...]


def destroy_again(
    database: Database,
    lifecycle: AccountLifecycle,
    *,
    digests: Collection[bytes],
    erased_before: Collection[AccountId],
    sealer: Sealer,
    now: datetime,
    progress: Callable[[int], object] = lambda _accounts: None,
) -> DestroyedAgain:
    """Erase everybody who was erased before and came back.

    Takes   digests: of the list of destroyed data keys, a set; erased_before: accounts that were
            erased in the database which the backup has replaced; progress: called with how many
            accounts were looked at.
    Killed in the middle it is simply done again: whoever is erased already is passed over.
    """
    damaged: list[str] = []
    found = list(erased_before)
    if digests:
        with database.read() as connection:
            listed = find_destroyed(
                _counted(read_data_keys(connection, batch=_BATCH), progress=progress),
                digests=digests,
                sealer=sealer,
                damaged=damaged.append,
            )
            found.extend(AccountId(account_id) for account_id in listed)
    erased = []
    for account_id in dict.fromkeys(found):
        with suppress(AccountUnknown):  # not in the backup, or erased there already
            lifecycle.erase(account_id, reason=_REASON, now=now)
            erased.append(account_id)
    return DestroyedAgain(tuple(erased), tuple(damaged))


def _counted(
    data_keys: Iterator[tuple[AccountId, bytes]], *, progress: Callable[[int], object]
) -> Iterator[tuple[str, bytes]]:
    for one in data_keys:
        progress(1)
        yield one
