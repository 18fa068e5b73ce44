"""From stored keys to handles: which backend holds each, and which do not open.

What lives here: opening.  A key that is damaged does not keep the others from signing: it is named,
and refused when somebody asks for it.  Not here: when a key may sign (`keystore/keyring.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keystore.backends import Backend
from keystore.backends.errors import KeyDamaged
from keystore.errors import SealBroken
from keystore.key_handle import SigningKey
from keystore.public_keys import spki_of
from keystore.purposes import KeyPurpose
from keystore.signing_keys import KeyRecord


def open_records(
    records: Sequence[KeyRecord],
    *,
    purpose: KeyPurpose,
    backends: Sequence[Backend],
    known: Mapping[str, SigningKey],
) -> tuple[dict[str, SigningKey], frozenset[str]]:
    """Handles of the keys that have a private half, and the names of those that do not open.

    Takes   known: handles that are open already; they stay the same objects.
    """
    handles, damaged = {}, set()
    for record in records:
        if record.private_sealed is None or record.destroyed_at is not None:
            continue
        try:
            handles[record.kid] = known.get(record.kid) or _open(
                record, purpose=purpose, backends=backends
            )
        except SealBroken:
            damaged.add(record.kid)
    return handles, frozenset(damaged)


def find_holder(record: KeyRecord, *, backends: Sequence[Backend]) -> Backend:
    """The backend that holds the private half of a key.

    Raises  KeyDamaged when none of them knows this form.
    """
    for backend in backends:
        if record.private_sealed is not None and backend.holds(record.private_sealed):
            return backend
    raise KeyDamaged(record.kid)


def _open(record: KeyRecord, *, purpose: KeyPurpose, backends: Sequence[Backend]) -> SigningKey:
    opened = find_holder(record, backends=backends).open_key(
        kid=record.kid, algorithm=record.algorithm, stored=record.private_sealed or b""
    )
    return SigningKey(record.kid, record.algorithm, purpose, spki_of(record.public_jwk), opened)
