"""Personal keys under another root key: the batches of a rotation.

What lives here: `PersonalKeyWrappings`, which `KekRotation` drives.  It runs where the personal
root keys are, as the signer does, and nowhere else; no key leaves the backend in doing so.  A batch
is prepared outside of any transaction and written in one: who signs or makes keys meanwhile waits
for the writing alone, and a row that was destroyed or replaced in between stays as it became.
Not here: the order of the steps (`keystore/kek_rotation.py`).
"""

from __future__ import annotations

from collections.abc import Collection

from keystore.backends import PersonalKeyBackend
from keystore.backends.errors import PersonalKekUnknown
from keystore.errors import KekInvalid, SealBroken
from keystore.kek_rotation import BATCH, Batch
from keystore.signer.model import WrappedKey
from keystore.signer.storage import count_by_kek, find_left, replace_wrapped
from keystore.storage import DatabaseLike, Transaction


class PersonalKeyWrappings:
    """Every personal key that is not destroyed.

    Takes   backend: over the ring that the rotation turns; it wraps with what the ring uses.
    """

    def __init__(self, backend: PersonalKeyBackend) -> None:
        self._backend = backend

    def kek_ids(self, database: DatabaseLike) -> frozenset[str]:
        """See `Wrappings`."""
        with database.read() as connection:
            return frozenset(count_by_kek(connection))

    def count_left(self, tx: Transaction, *, kek_id: str, besides: Collection[str] = ()) -> int:
        """See `Wrappings`."""
        if not besides:
            counted = count_by_kek(tx.connection)
            return sum(keys for under, keys in counted.items() if under != kek_id)
        # one by one: of the damaged ones some may be destroyed by now, and count for nothing
        left, after = 0, ""
        while found := find_left(tx.connection, kek_id=kek_id, after=after, limit=BATCH):
            left += sum(key.key_id not in besides for key in found)
            after = found[-1].key_id
        return left

    def rewrap_some(self, database: DatabaseLike, *, kek_id: str, after: str, limit: int) -> Batch:
        """See `Wrappings`."""
        with database.read() as connection:
            found = find_left(connection, kek_id=kek_id, after=after, limit=limit)
        prepared, damaged = list[tuple[WrappedKey, bytes]](), list[str]()
        for key in found:
            try:
                prepared.append((key, self._rewrap(key, kek_id=kek_id)))
            except (SealBroken, PersonalKekUnknown):
                damaged.append(key.key_id)
        rewrapped = 0
        with database.transaction() as tx:
            for key, wrapped in prepared:
                rewrapped += replace_wrapped(
                    tx,
                    key.key_id,
                    expected_wrapped=key.wrapped,
                    wrapped=wrapped,
                    kek_id=kek_id,
                )
        is_last = len(found) < limit
        return Batch(rewrapped, tuple(damaged), after=None if is_last else found[-1].key_id)

    def _rewrap(self, key: WrappedKey, *, kek_id: str) -> bytes:
        wrapped, under = self._backend.rewrap(key.wrapped, context=key.context)
        # opened once more: the wrapping that opens goes only when the next one does
        _again, reopened_under = self._backend.rewrap(wrapped, context=key.context)
        if not under == reopened_under == kek_id:
            raise KekInvalid("not_given", names=(kek_id,))
        return wrapped
