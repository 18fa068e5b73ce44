"""The private halves of keys that were destroyed are erased, wherever they are.

What lives here: the second step of a destruction, after the database says that a key signs no
more.  First said, then done: whoever is killed in between leaves a key that signs nothing and that
the next call erases, in a token too, and never a key that nobody remembers.
Not here: the first step (`keystore/keyring.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from keystore import signing_keys
from keystore.backends import Backend
from keystore.backends.errors import KeyDamaged, KeyKept
from keystore.destruction import DestructionList
from keystore.errors import KeystoreError
from keystore.key_opening import find_holder
from keystore.signing_keys import KeyRecord
from keystore.storage import DatabaseLike


def kid_digest(kid: str) -> bytes:
    """What stands for a signing key in the list of what was destroyed, 32 bytes."""
    return hashlib.sha256(b"antin signing key 1\x00" + kid.encode()).digest()


def erase_destroyed(
    database: DatabaseLike,
    records: Sequence[KeyRecord],
    *,
    backends: Sequence[Backend],
    listed: DestructionList | None,
    now: datetime,
) -> None:
    """Erase what is left of each destroyed key, list it, and then forget how it was found.

    Takes   listed: the list apart from the database, for whoever restores an older backup.
    Raises  KeyKept, TokenUnavailable when one could not be erased; the others were.
    """
    failure: KeystoreError | None = None
    for record in records:
        if record.destroyed_at is None or record.private_sealed is None:
            continue
        try:
            find_holder(record, backends=backends).destroy_key(record.private_sealed)
        except KeyDamaged:
            # what holds it is not configured here: a key whose place is forgotten would stay
            # there, and sign for whoever reaches it
            failure = failure or KeyKept(record.kid)
        except KeystoreError as error:
            failure = failure or error
        else:
            if listed is not None:
                listed.add(kid_digest(record.kid), now=now)
            with database.transaction() as tx:
                signing_keys.erase_private(tx.connection, record.kid)
    if failure is not None:
        raise failure
