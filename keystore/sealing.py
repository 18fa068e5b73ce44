"""Encryption at rest and keyed lookups: root KEK → key per purpose → data key per person.

What lives here: `Sealer`, which holds the purpose keys in memory.  A sealed value
names its format and key version in its first bytes, so that keys can be replaced while old values
still open; purpose, version and the record's identity are authenticated with it, so that a value
moved to another record does not open.  Destroying a person's data key makes everything that was
sealed under it unreadable for ever.  Source: architecture, "State"; NIST SP 800-57 part 1.
Not here: the root keys (`keystore/kek.py`), the table of the purpose keys
(`keystore/purpose_keys.py`), the cipher (`keystore/aead.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from keystore.aead import KEY_BYTES, AeadKey
from keystore.errors import KekInvalid, SealBroken
from keystore.kek import Kek, KekRing, create_kek_file, load_kek, named_kek
from keystore.log.events import Event, EventType, Fact
from keystore.purpose_keys import (
    StoredPurposeKey,
    insert_purpose_key,
    purpose_key,
    purpose_key_context,
    read_purpose_keys,
)
from keystore.purposes import MacPurpose, SealPurpose
from keystore.recipient import SEALED_TO, open_sealed_to, recipient_of
from keystore.root_keys import Scope, follow_current_kek, read_root_keys
from keystore.storage import DatabaseLike, Transaction, lock_until_commit

if TYPE_CHECKING:
    from keystore.log.record import LogWriter  # which is made of a sealer

__all__ = [
    "Kek",
    "LookupMac",
    "Sealer",
    "create_kek_file",
    "load_kek",
    "purpose_key",
]

_Key = TypeVar("_Key")

_FORMAT: Final = 1
_PERSONAL_FORMAT: Final = 2
_VERSION_BYTES: Final = 2
_HEAD_BYTES: Final = 1 + _VERSION_BYTES

_EVERY: Final = (*SealPurpose, *MacPurpose)


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

    def __init__(
        self,
        database: DatabaseLike,
        *,
        ring: KekRing,
        scope: Scope,
        purposes: Sequence[SealPurpose | MacPurpose],
        keys: _Keys,
    ) -> None:
        self._database = database
        self._ring = ring
        self._scope = scope
        self._purposes = purposes
        self._keys = keys
        self._reload_lock = threading.Lock()

    @classmethod
    def open(
        cls,
        database: DatabaseLike,
        *,
        kek: Kek | KekRing,
        now: datetime,
        scope: Scope = Scope.SERVICE,
        purposes: Sequence[SealPurpose | MacPurpose] = _EVERY,
    ) -> Sealer:
        """Open the purpose keys, and make those that are missing.

        1. Everything that is stored opens, and the root key that wraps was given: only then
        2. what is missing is made, under the root key that wraps.
        Processes that start together end up with the same keys, also while a rotation goes on.
        Takes   scope: whose keys; each scope has keys and root keys of its own; purposes: those
                that this process needs, it opens no other.
        Raises  KekInvalid: does_not_open (the database was sealed under other root keys), damaged
                (some keys do not open, carries which), not_given (carries the id of the root key
                that wraps).  Nothing was written then.
        """
        ring = kek if isinstance(kek, KekRing) else KekRing((kek,))
        with database.read() as connection:
            stored = _of(purposes, read_purpose_keys(connection, scope=scope))
            root_keys = read_root_keys(connection, scope=scope)
        current = next((one.kek_id for one in root_keys if one.is_current), None)
        # 1
        keys = _open_all(stored, ring=ring, scope=scope, known={one.kek_id for one in root_keys})
        if current is not None:
            ring.use(current)
        elif stored:
            ring.use(_holder(stored[0], ring=ring, scope=scope))
        # 2
        if current is None or _missing(stored, purposes=purposes):
            with database.transaction() as tx:
                lock_until_commit(tx, name=f"purpose_key:{scope}")
                follow_current_kek(tx, scope=scope, ring=ring, now=now)
                present = read_purpose_keys(tx.connection, scope=scope)
                for purpose in _missing(present, purposes=purposes):
                    _make_key(tx, ring=ring, scope=scope, purpose=purpose, version=1, now=now)
                stored = _of(purposes, read_purpose_keys(tx.connection, scope=scope))
            keys = _open_all(stored, ring=ring, scope=scope)
        return cls(database, ring=ring, scope=scope, purposes=purposes, keys=keys)

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

    def replace_key(
        self, purpose: SealPurpose | MacPurpose, *, log: LogWriter, now: datetime
    ) -> int:
        """Add a key to `purpose`, on record; it seals from now on, older ones only open.

        Takes   log: may be over this very sealer: the row is sealed and marked under older keys.
        Returns its version.  Other processes go on with the older key until they meet the new one
        or call `reload`.  NOTE: rows found by `lookup_mac` are found under both versions, but
        uniqueness among active rows holds per version: rewrite the rows after this call.
        """
        with self._database.transaction() as tx:
            lock_until_commit(tx, name=f"purpose_key:{self._scope}")
            follow_current_kek(tx, scope=self._scope, ring=self._ring, now=now)
            stored = read_purpose_keys(tx.connection, scope=self._scope)
            version = 1 + max(one.version for one in stored if one.purpose == purpose.value)
            _make_key(
                tx, ring=self._ring, scope=self._scope, purpose=purpose, version=version, now=now
            )
            facts: dict[str, Fact] = {
                "scope": self._scope.value,
                "purpose": purpose.value,
                "version": version,
            }
            event = Event(EventType.PURPOSE_KEY_REPLACED, facts=facts)
            log.record(tx, event, data_key=None, now=now)
        self.reload()
        return version

    def reload(self) -> None:
        """Read the purpose keys again."""
        with self._reload_lock:
            with self._database.read() as connection:
                stored = _of(self._purposes, read_purpose_keys(connection, scope=self._scope))
            self._keys = _open_all(stored, ring=self._ring, scope=self._scope)

    def _sealing_key(self, purpose: SealPurpose, *, version: int) -> AeadKey:
        key = self._keys.sealing[purpose].get(version)
        if key is None and version == _newest(self._keys.sealing[purpose])[0] + 1:
            # only the very next version is worth a read, or garbage would cost a query each
            self.reload()
            key = self._keys.sealing[purpose].get(version)
        if key is None:
            raise SealBroken
        return key

    def data_key_digest(self, data_key: bytes) -> bytes:
        """32 bytes that stay with a data key however it is wrapped, and tell nothing about it.

        SHA-256 of a random 256-bit key: whoever cannot open the key cannot tell whose it is.
        Raises  SealBroken.
        """
        _owner, key = self._raw_data_key(data_key)
        return hashlib.sha256(b"antin data key 1\x00" + key).digest()

    def _open_data_key(self, data_key: bytes) -> tuple[str, AeadKey]:
        owner, key = self._raw_data_key(data_key)
        return owner, AeadKey(key)

    def _raw_data_key(self, data_key: bytes) -> tuple[str, bytes]:
        length = int.from_bytes(data_key[:2], "big")
        owner, wrapped = data_key[2 : 2 + length], data_key[2 + length :]
        return _owned(owner), self.unseal(SealPurpose.DATA_KEY, wrapped, context=_owned(owner))

    def __repr__(self) -> str:
        return "Sealer(…)"


def _of(
    purposes: Sequence[SealPurpose | MacPurpose], stored: Sequence[StoredPurposeKey]
) -> tuple[StoredPurposeKey, ...]:
    names = {purpose.value for purpose in purposes}
    return tuple(one for one in stored if one.purpose in names)


def _missing(
    stored: Sequence[StoredPurposeKey], *, purposes: Sequence[SealPurpose | MacPurpose]
) -> list[SealPurpose | MacPurpose]:
    present = {one.purpose for one in stored}
    return [purpose for purpose in purposes if purpose.value not in present]


def _make_key(
    tx: Transaction,
    *,
    ring: KekRing,
    scope: Scope,
    purpose: SealPurpose | MacPurpose,
    version: int,
    now: datetime,
) -> None:
    context = purpose_key_context(purpose, version=version, scope=scope)
    wrapped = ring.wrap(secrets.token_bytes(KEY_BYTES), context=context)
    made = StoredPurposeKey(purpose.value, version, wrapped)
    insert_purpose_key(tx, made, scope=scope, now=now)


def _open_all(
    stored: Sequence[StoredPurposeKey],
    *,
    ring: KekRing,
    scope: Scope,
    known: Collection[str] = (),
) -> _Keys:
    """Open every purpose key.

    Takes   known: ids of the root keys that this database ever had.
    """
    keys = _Keys(sealing={}, macs={})
    broken, lacking = list[str](), set[str]()
    for one in stored:
        try:
            key = ring.unwrap(one.wrapped, context=one.context(scope))
        except SealBroken:
            broken.append(one.name)
            named = named_kek(one.wrapped)
            if named is not None and named in known and named not in ring.ids:
                lacking.add(named)
            continue
        if one.purpose.startswith("mac:"):
            keys.macs.setdefault(one.purpose, {})[one.version] = key
        else:
            keys.sealing.setdefault(one.purpose, {})[one.version] = AeadKey(key)
    if broken and len(broken) == len(stored):
        raise KekInvalid("does_not_open", names=tuple(sorted(lacking)))
    if lacking:
        raise KekInvalid("not_given", names=tuple(sorted(lacking)))
    if broken:
        # an older version in the place of the newest, or none, would do more harm than not to start
        raise KekInvalid("damaged", names=tuple(broken))
    return keys


def _holder(one: StoredPurposeKey, *, ring: KekRing, scope: Scope) -> str:
    """Under which root key a purpose key is that opens."""
    for kek_id in ring.ids:
        with suppress(SealBroken):
            ring.get(kek_id).unwrap(one.wrapped, context=one.context(scope))
            return kek_id
    raise KekInvalid("does_not_open")


def _newest(keys: dict[int, _Key]) -> tuple[int, _Key]:
    return next(reversed(keys.items()))  # read in the order of their versions


def _owned(owner: bytes) -> str:
    return f"data_key:{owner.hex()}"


def _bound(head: bytes, scope: str, context: str) -> bytes:
    encoded = scope.encode()
    return head + len(encoded).to_bytes(2, "big") + encoded + context.encode()


def _lookup(key: bytes, *, value: str, kind: str) -> bytes:
    message = len(kind).to_bytes(2, "big") + kind.encode() + value.encode()
    return hmac.digest(key, message, "sha256")
