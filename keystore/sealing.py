"""Encryption at rest and keyed lookups: root KEK → key per purpose → data key per person.

What lives here: `Sealer`, which holds the purpose keys in memory, and their table.  A sealed value
names its format and key version in its first bytes, so that keys can be replaced while old values
still open; purpose, version and the record's identity are authenticated with it, so that a value
moved to another record does not open.  Destroying a person's data key makes everything that was
sealed under it unreadable for ever.  Source: architecture, "State"; NIST SP 800-57 part 1.
Not here: the root key (`keystore/kek.py`), the cipher (`keystore/aead.py`).
"""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, insert, select

from keystore.aead import KEY_BYTES, AeadKey
from keystore.clock import to_ms
from keystore.errors import KekInvalid, SealBroken
from keystore.kek import Kek, create_kek_file, load_kek
from keystore.purposes import MacPurpose, SealPurpose
from keystore.recipient import SEALED_TO, open_sealed_to, recipient_of
from keystore.storage import DatabaseLike, Transaction, lock_until_commit, metadata

__all__ = [
    "Kek",
    "LookupMac",
    "Sealer",
    "create_kek_file",
    "load_kek",
    "purpose_key",
]

purpose_key = Table(
    "purpose_key",
    metadata,
    Column("purpose", String(64), primary_key=True, info={"data": "none"}),
    Column("version", Integer, primary_key=True, autoincrement=False, info={"data": "none"}),
    Column("wrapped", LargeBinary, nullable=False, info={"data": "secret"}),
    Column("created_ms", BigInteger, nullable=False, info={"data": "none"}),
    info={
        "subject": "none",
        "purpose": "keys that seal records at rest, each wrapped under the root key",
        "retention": "as long as anything sealed under the key is kept",
        "legal": "Law 91/2025/QH15 (protection of personal data)",
        "legal_from": "2026-01-01",
    },
)

_Key = TypeVar("_Key")

_FORMAT: Final = 1
_PERSONAL_FORMAT: Final = 2
_VERSION_BYTES: Final = 2
_HEAD_BYTES: Final = 1 + _VERSION_BYTES

_ALL = select(purpose_key.c.purpose, purpose_key.c.version, purpose_key.c.wrapped).order_by(
    purpose_key.c.purpose, purpose_key.c.version
)
_ADD = insert(purpose_key)


@dataclass(frozen=True, slots=True)
class LookupMac:
    """How an identifier is found: 32 bytes under the lookup key of that version."""

    version: int
    mac: bytes


@dataclass(frozen=True, slots=True, repr=False)
class _Keys:
    """Every purpose key, opened; replaced as a whole, so that readers need no lock."""

    sealing: dict[str, dict[int, AeadKey]]
    macs: dict[str, dict[int, bytes]]


class Sealer:
    """Seals, unseals and computes MACs with the purpose keys of one database.

    Safe for any number of threads.  Values sealed by another process under a newer key are opened:
    an unknown version makes the keys be read again, once.
    """

    def __init__(self, database: DatabaseLike, *, kek: Kek, keys: _Keys) -> None:
        self._database = database
        self._kek = kek
        self._keys = keys
        self._reload_lock = threading.Lock()

    @classmethod
    def open(cls, database: DatabaseLike, *, kek: Kek, now: datetime) -> Sealer:
        """Open the purpose keys, and make those that are missing.

        Processes that start together end up with the same keys.
        Raises  KekInvalid("does_not_open") when the database was sealed under another root key.
        """
        stored = _read(database)
        if missing := _missing(stored):
            with database.transaction() as transaction:
                lock_until_commit(transaction, name="purpose_key")
                present = {(row[0], row[1]) for row in transaction.connection.execute(_ALL)}
                for purpose in missing:
                    if (purpose, 1) not in present:
                        _insert_key(transaction, kek=kek, purpose=purpose, version=1, now=now)
            stored = _read(database)
        return cls(database, kek=kek, keys=_open_all(stored, kek=kek))

    def seal(self, purpose: SealPurpose, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt `plaintext` for one record.

        Takes   context: the identity of the record, `kind:id`; the same is needed to open.
        Returns format (1 byte), key version (2), nonce (24), ciphertext, tag (16).
        """
        version, key = _newest(self._keys.sealing[purpose])
        head = bytes((_FORMAT,)) + version.to_bytes(_VERSION_BYTES, "big")
        return head + key.encrypt(plaintext, associated_data=_bound(head, purpose, context))

    def unseal(self, purpose: SealPurpose, sealed: bytes, *, context: str) -> bytes:
        """Decrypt what `seal` returned for the same purpose and context.

        Raises  SealBroken: changed, of another record or purpose, or its key is unknown.
        """
        head = sealed[:_HEAD_BYTES]
        if len(head) != _HEAD_BYTES or head[0] != _FORMAT:
            raise SealBroken
        key = self._sealing_key(purpose, version=int.from_bytes(head[1:], "big"))
        return key.decrypt(sealed[_HEAD_BYTES:], associated_data=_bound(head, purpose, context))

    def make_data_key(self, *, context: str) -> bytes:
        """A new data key, wrapped; the caller keeps it in the row of the person.

        Takes   context: whose key it is (the account id).  It is authenticated with the key and
                with every value sealed under it, and can be read from the wrapped form.
        """
        owner = context.encode()
        wrapped = self.seal(
            SealPurpose.DATA_KEY, secrets.token_bytes(KEY_BYTES), context=_owned(owner)
        )
        return len(owner).to_bytes(2, "big") + owner + wrapped

    def seal_personal(self, data_key: bytes, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt something that belongs to a person under that person's data key.

        Takes   data_key: as `make_data_key` returned it; context: the identity of the record.
        """
        owner, key = self._open_data_key(data_key)
        head = bytes((_PERSONAL_FORMAT,))
        return head + key.encrypt(plaintext, associated_data=_bound(head, owner, context))

    def unseal_personal(self, data_key: bytes, sealed: bytes, *, context: str) -> bytes:
        """Decrypt what `seal_personal` returned for the same person and context.

        Raises  SealBroken.
        """
        if sealed[:1] == bytes((SEALED_TO,)):
            return open_sealed_to(self._raw_data_key(data_key)[1], sealed, context=context)
        if sealed[:1] != bytes((_PERSONAL_FORMAT,)):
            raise SealBroken
        owner, key = self._open_data_key(data_key)
        return key.decrypt(sealed[1:], associated_data=_bound(sealed[:1], owner, context))

    def recipient(self, data_key: bytes) -> bytes:
        """The public key (32 bytes) with which a process apart can seal to this person.

        What it seals with `keystore.recipient.seal_to` is opened by `unseal_personal`.
        """
        return recipient_of(self._raw_data_key(data_key)[1])

    def lookup_mac(self, value: str, *, kind: str) -> LookupMac:
        """The MAC under which a new row stores `value`, under the newest lookup key.

        Takes   value: normalised; kind: what it identifies, so that equal numbers of different
                kinds have nothing in common.
        """
        version, key = _newest(self._keys.macs[MacPurpose.LOOKUP])
        return LookupMac(version, _lookup(key, value=value, kind=kind))

    def lookup_macs(self, value: str, *, kind: str) -> tuple[LookupMac, ...]:
        """The MACs of `value` under every lookup key there is, newest first: search for any."""
        keys = self._keys.macs[MacPurpose.LOOKUP]
        return tuple(
            LookupMac(version, _lookup(keys[version], value=value, kind=kind))
            for version in sorted(keys, reverse=True)
        )

    def mac(self, purpose: MacPurpose, message: bytes) -> bytes:
        """HMAC-SHA256 of `message` under the newest key of `purpose`, 32 bytes."""
        return hmac.digest(_newest(self._keys.macs[purpose])[1], message, "sha256")

    def is_mac(self, purpose: MacPurpose, message: bytes, *, raw_mac: bytes) -> bool:
        """Whether `raw_mac` is the MAC of `message` under any key of `purpose`."""
        keys = self._keys.macs[purpose].values()
        matches = [
            hmac.compare_digest(hmac.digest(key, message, "sha256"), raw_mac) for key in keys
        ]
        return any(matches)

    def replace_key(self, purpose: SealPurpose | MacPurpose, *, now: datetime) -> int:
        """Add a key to `purpose`; it seals from now on, older ones only open.

        Returns its version.  Other processes go on with the older key until they meet the new one
        or call `reload`.  NOTE: rows found by `lookup_mac` are found under both versions, but
        uniqueness among active rows holds per version: rewrite the rows after this call.
        """
        with self._database.transaction() as transaction:
            lock_until_commit(transaction, name="purpose_key")
            versions = [
                row[1] for row in transaction.connection.execute(_ALL) if row[0] == purpose.value
            ]
            version: int = max(versions) + 1
            _insert_key(transaction, kek=self._kek, purpose=purpose, version=version, now=now)
        self.reload()
        return version

    def reload(self) -> None:
        """Read the purpose keys again."""
        with self._reload_lock:
            self._keys = _open_all(_read(self._database), kek=self._kek)

    def _sealing_key(self, purpose: SealPurpose, *, version: int) -> AeadKey:
        key = self._keys.sealing[purpose].get(version)
        if key is None and version == _newest(self._keys.sealing[purpose])[0] + 1:
            # only the very next version is worth a read, or garbage would cost a query each
            self.reload()
            key = self._keys.sealing[purpose].get(version)
        if key is None:
            raise SealBroken
        return key

    def _open_data_key(self, data_key: bytes) -> tuple[str, AeadKey]:
        owner, key = self._raw_data_key(data_key)
        return owner, AeadKey(key)

    def _raw_data_key(self, data_key: bytes) -> tuple[str, bytes]:
        length = int.from_bytes(data_key[:2], "big")
        owner, wrapped = data_key[2 : 2 + length], data_key[2 + length :]
        return _owned(owner), self.unseal(SealPurpose.DATA_KEY, wrapped, context=_owned(owner))

    def __repr__(self) -> str:
        return "Sealer(…)"


def change_kek(database: DatabaseLike, *, old: Kek, new: Kek) -> int:
    """Wrap every purpose key under another root key, all or none; returns how many.

    What is sealed stays as it is: only the few purpose keys are written again.
    Raises  KekInvalid("does_not_open") when `old` is not the root key of this database.
    """
    with database.transaction() as transaction:
        lock_until_commit(transaction, name="purpose_key")
        rows = transaction.connection.execute(_ALL).all()
        for purpose, version, wrapped in rows:
            key = _unwrap(old, purpose=purpose, version=version, wrapped=wrapped)
            transaction.connection.execute(
                purpose_key.update()
                .where(purpose_key.c.purpose == purpose, purpose_key.c.version == version)
                .values(wrapped=new.wrap(key, context=_key_name(purpose, version)))
            )
    return len(rows)


def _read(database: DatabaseLike) -> list[tuple[str, int, bytes]]:
    with database.read() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(_ALL)]


def _missing(stored: list[tuple[str, int, bytes]]) -> list[str]:
    present = {purpose for purpose, _version, _wrapped in stored}
    return [purpose for purpose in (*SealPurpose, *MacPurpose) if purpose not in present]


def _insert_key(
    transaction: Transaction, *, kek: Kek, purpose: str, version: int, now: datetime
) -> None:
    key = secrets.token_bytes(KEY_BYTES)
    wrapped = kek.wrap(key, context=_key_name(purpose, version))
    row = {"purpose": purpose, "version": version, "wrapped": wrapped, "created_ms": to_ms(now)}
    transaction.connection.execute(_ADD, row)


def _open_all(stored: list[tuple[str, int, bytes]], *, kek: Kek) -> _Keys:
    keys = _Keys(sealing={}, macs={})
    for purpose, version, wrapped in stored:
        key = _unwrap(kek, purpose=purpose, version=version, wrapped=wrapped)
        if purpose.startswith("mac:"):
            keys.macs.setdefault(purpose, {})[version] = key
        else:
            keys.sealing.setdefault(purpose, {})[version] = AeadKey(key)
    return keys


def _unwrap(kek: Kek, *, purpose: str, version: int, wrapped: bytes) -> bytes:
    try:
        return kek.unwrap(wrapped, context=_key_name(purpose, version))
    except SealBroken as broken:
        raise KekInvalid("does_not_open") from broken


def _newest(keys: dict[int, _Key]) -> tuple[int, _Key]:
    return next(reversed(keys.items()))  # read in the order of their versions


def _key_name(purpose: str, version: int) -> str:
    return f"{purpose}/{version}"


def _owned(owner: bytes) -> str:
    return f"data_key:{owner.hex()}"


def _bound(head: bytes, scope: str, context: str) -> bytes:
    encoded = scope.encode()
    return head + len(encoded).to_bytes(2, "big") + encoded + context.encode()


def _lookup(key: bytes, *, value: str, kind: str) -> bytes:
    message = len(kind).to_bytes(2, "big") + kind.encode() + value.encode()
    return hmac.digest(key, message, "sha256")
