"""What is looked at before the signer serves: that its root keys are those of this database.

What lives here: the check.  With a wrong root key nothing is overwritten and nothing is made: the
signer does not start.  Source: architecture, "State" (key hierarchy).
"""

from __future__ import annotations

from datetime import datetime

from keystore.errors import KekInvalid
from keystore.kek import KekRing
from keystore.root_keys import Scope, find_current_kek, follow_current_kek
from keystore.signer.storage import count_by_kek
from keystore.storage import DatabaseLike


def has_root_key(database: DatabaseLike) -> bool:
    """Whether a root key was ever settled here: then no other may be made by itself."""
    with database.read() as connection:
        return find_current_kek(connection, scope=Scope.PERSONAL) is not None


def verify_root_keys(database: DatabaseLike, *, ring: KekRing, now: datetime) -> None:
    """Refuse root keys that are not this database's; settle which one wraps in a new one.

    Raises  KekInvalid("not_given", with the ids that are missing).
    """
    with database.transaction() as transaction:
        used = count_by_kek(transaction.connection)
        missing = sorted(used.keys() - set(ring.ids))
        if missing:
            raise KekInvalid("not_given", names=tuple(missing))
        follow_current_kek(transaction, scope=Scope.PERSONAL, ring=ring, now=now)
