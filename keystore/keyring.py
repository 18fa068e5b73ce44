"""Which key signs, which are published, and how one follows another without a failure.

What lives here: the life of the keys of one purpose.  A new key is published at once and signs
only when every copy of the JWK Set without it has run out; the key before it is retired at that
same instant and stays published while anything it signed may live.  All of this is instants in
SQL compared with the caller's `now`, so any number of processes agree without talking.
Source: OpenID Connect Core 1.0 §10.1.1 (rotation); NIST SP 800-57 part 1 §5.3.
Not here: SQL (`keystore/signing_keys.py`), key material (`keystore/backends`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from keystore import signing_keys
from keystore.backends import Backend, Sign
from keystore.backends.software import SoftwareBackend
from keystore.errors import KeyPurposeRefused, KeyUnavailable
from keystore.jose import EMPTY_KEY_SET, KeySet, import_own_keys
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import TOKENS, KeyPurpose
from keystore.sealing import Sealer
from keystore.signing_keys import KeyRecord
from keystore.storage import DatabaseLike, Transaction, lock_until_commit

__all__ = ["KeyRecord", "Keyring", "SigningKey"]

_LONGEST_RELOAD: Final = timedelta(seconds=30)
_RETRY: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A handle: it signs what its purpose allows, and there is no way to the key itself."""

    kid: str
    algorithm: str
    purpose: KeyPurpose = field(repr=False)
    _sign: Sign = field(repr=False)

    def sign(self, message: bytes, *, content: str) -> bytes:
        """The signature of `message` as JOSE writes it; do not count on 64 bytes.

        Takes   content: what the message is, in the words of `KeyPurpose.may_sign`.
        Raises  KeyPurposeRefused when this key is not for such a content.
        """
        if content not in self.purpose.may_sign:
            raise KeyPurposeRefused(kid=self.kid, content=content)
        return self._sign(message)


@dataclass(frozen=True, slots=True, repr=False)
class _Loaded:
    """All keys as they were at `loaded_at`; replaced as a whole."""

    records: tuple[KeyRecord, ...]
    handles: Mapping[str, SigningKey]
    verification: KeySet
    loaded_at: datetime


class Keyring:
    """The keys of one purpose, shared by all threads of a process.

    Takes   jwks_cache: how long clients may keep the JWK Set (its max-age);
            margin: added to it before a new key signs; retire_after: how long after retirement a
            key stays published: the longest life of what it signed, and clocks;
            reload_after: how old the keys in memory may get (a quarter of jwks_cache, 30 s at
            most): every process shows a new key within that time;
            purpose: which keys; backend: where they live, software unless told otherwise.
    """

    def __init__(
        self,
        database: DatabaseLike,
        sealer: Sealer,
        *,
        log: LogWriter,
        jwks_cache: timedelta,
        retire_after: timedelta,
        margin: timedelta = timedelta(seconds=300),
        reload_after: timedelta | None = None,
        purpose: KeyPurpose = TOKENS,
        backend: Backend | None = None,
    ) -> None:
        self._database = database
        self._log = log
        self._purpose = purpose
        self._backend: Backend = SoftwareBackend(sealer) if backend is None else backend
        self._reload_after = min(jwks_cache / 4, _LONGEST_RELOAD)
        if reload_after is not None:
            self._reload_after = reload_after
        self._lead = self._reload_after + jwks_cache + margin
        self._margin = margin
        self._retire_after = retire_after
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None
        self._retry_at: datetime | None = None
        self._jwks: tuple[tuple[str, ...], bytes] = ((), b"")
        self._published_keys: tuple[tuple[str, ...], KeySet] = ((), EMPTY_KEY_SET)

    def ensure(self, now: datetime) -> None:
        """Make a key, active at once, for each algorithm that has none that can sign.

        Processes that start together make one set.
        """
        missing = self._without_key(self._reload(now).records, now=now)
        if not missing:
            return
        drafts = [self._make(algorithm, now=now, active_from=now) for algorithm in missing]
        with self._database.transaction() as transaction:
            records = self._locked_records(transaction)
            still_missing = self._without_key(records, now=now)
            for draft in drafts:
                if draft.algorithm in still_missing:
                    self._insert(transaction, draft, now=now)
        self._reload(now)

    def signing_key(self, algorithm: str, *, now: datetime) -> SigningKey:
        """The key that signs at this instant: the one that became active last.

        Raises  KeyUnavailable.
        """
        loaded = self._current(now)
        for record in reversed(loaded.records):
            if record.algorithm == algorithm and record.active_from <= now:
                handle = loaded.handles.get(record.kid)
                if handle is not None:
                    return handle
        raise KeyUnavailable(algorithm)

    def published(self, now: datetime) -> tuple[Mapping[str, str], ...]:
        """The public JWKs of the JWK Set: next, active, and retired ones that still matter."""
        return tuple(record.public_jwk for record in self._published(now))

    def jwks_bytes(self, now: datetime) -> bytes:
        """The JWK Set as JSON; the same object until it changes."""
        published = self._published(now)
        kids = tuple(record.kid for record in published)
        if self._jwks[0] != kids:
            keys = [record.public_jwk for record in published]
            self._jwks = (kids, msgspec.json.encode({"keys": keys}))
        return self._jwks[1]

    def verification_keys(self, now: datetime) -> KeySet:
        """Every public key there ever was: for `id_token_hint` alone, which may be any age."""
        return self._current(now).verification

    def published_keys(self, now: datetime) -> KeySet:
        """The keys of the JWK Set, for tokens that open something; the same until it changes.

        A key that is no longer published signs nothing that lives, so whoever got hold of its
        private half must not come in with it.
        """
        loaded = self._current(now)
        kids = tuple(record.kid for record in self._published(now, among=loaded))
        known = self._published_keys
        if known[0] != kids:
            jwks = [record.public_jwk for record in loaded.records if record.kid in kids]
            known = self._published_keys = (kids, import_own_keys(jwks) if jwks else EMPTY_KEY_SET)
        return known[1]

    def records(self, now: datetime) -> tuple[KeyRecord, ...]:
        """Every key with its instants, for the operator."""
        return self._current(now).records

    def rotate(self, now: datetime) -> tuple[KeyRecord, ...]:
        """Publish the next key of each algorithm; it signs once nobody's copy lacks it.

        Returns the next keys; where one was already waiting, that one and no second.
        """
        return self._add_next(now, older_than=None)

    def rotate_due(self, now: datetime) -> tuple[KeyRecord, ...]:
        """What a periodic task calls: the next key where the newest has reached its age."""
        return self._add_next(now, older_than=self._purpose.rotate_after)

    def destroy_retired(self, now: datetime) -> tuple[str, ...]:
        """Erase private halves that cannot be needed any more; returns their kids.

        They have been retired for `margin`: longer than a process that has not reloaded, or whose
        clock is behind, could still sign with them.
        """
        destroyed = []
        with self._database.transaction() as transaction:
            for record in self._locked_records(transaction):
                if record.destroyed_at is not None or record.retired_at is None:
                    continue
                if record.retired_at + self._margin + self._reload_after <= now:
                    signing_keys.erase_private(transaction.connection, record.kid, now=now)
                    self._record(transaction, EventType.SIGNING_KEY_DESTROYED, record, now=now)
                    destroyed.append(record.kid)
        if destroyed:
            self._reload(now)
        return tuple(destroyed)

    def _add_next(self, now: datetime, *, older_than: timedelta | None) -> tuple[KeyRecord, ...]:
        due = [
            algorithm
            for algorithm in self._purpose.algorithms
            if _is_due(self._reload(now).records, algorithm, now=now, older_than=older_than)
        ]
        drafts = {
            algorithm: self._make(algorithm, now=now, active_from=now + self._lead)
            for algorithm in due
        }
        with self._database.transaction() as transaction:
            records = self._locked_records(transaction)
            for algorithm, draft in drafts.items():
                if not _is_due(records, algorithm, now=now, older_than=older_than):
                    continue
                self._insert(transaction, draft, now=now)
                for record in records:
                    if record.algorithm == algorithm and record.retired_at is None:
                        signing_keys.retire_key(
                            transaction.connection, record.kid, at=draft.active_from
                        )
                        self._record(
                            transaction,
                            EventType.SIGNING_KEY_RETIRED,
                            record,
                            now=now,
                            at=draft.active_from,
                        )
        return tuple(record for record in self._reload(now).records if record.active_from > now)

    def _locked_records(self, transaction: Transaction) -> tuple[KeyRecord, ...]:
        lock_until_commit(transaction, name=f"signing_key:{self._purpose.name}")
        return signing_keys.read_keys(transaction.connection, purpose=self._purpose.name)

    def _without_key(self, records: tuple[KeyRecord, ...], *, now: datetime) -> list[str]:
        able = {
            record.algorithm
            for record in records
            if record.private_sealed is not None and record.active_from <= now
        }
        return [algorithm for algorithm in self._purpose.algorithms if algorithm not in able]

    def _make(self, algorithm: str, *, now: datetime, active_from: datetime) -> KeyRecord:
        # outside of any transaction: an RSA key takes longer than others should wait for a lock
        made = self._backend.make_key(algorithm=algorithm)
        return KeyRecord(
            kid=made.kid,
            algorithm=algorithm,
            created_at=now,
            published_at=now,
            active_from=active_from,
            retired_at=None,
            destroyed_at=None,
            public_jwk=made.public_jwk,
            private_sealed=made.stored,
        )

    def _insert(self, transaction: Transaction, record: KeyRecord, *, now: datetime) -> None:
        signing_keys.insert_key(transaction.connection, record, purpose=self._purpose.name)
        self._record(transaction, EventType.SIGNING_KEY_CREATED, record, now=now)
        self._record(
            transaction, EventType.SIGNING_KEY_ACTIVATED, record, now=now, at=record.active_from
        )

    def _record(
        self,
        transaction: Transaction,
        event_type: EventType,
        record: KeyRecord,
        *,
        now: datetime,
        at: datetime | None = None,
    ) -> None:
        facts: dict[str, str | int | bool] = {
            "kid": record.kid,
            "algorithm": record.algorithm,
            "purpose": self._purpose.name,
        }
        if at is not None:
            facts["from"] = at.isoformat(timespec="seconds")
        self._log.record(transaction, Event(event_type, facts=facts), data_key=None, now=now)

    def _published(self, now: datetime, *, among: _Loaded | None = None) -> list[KeyRecord]:
        return [
            record
            for record in (among or self._current(now)).records
            if record.retired_at is None or now < record.retired_at + self._retire_after
        ]

    def _current(self, now: datetime) -> _Loaded:
        loaded = self._loaded
        if loaded is None:
            return self._reload(now)
        age = abs(now - loaded.loaded_at)
        if age < self._reload_after or not self._loading.acquire(blocking=False):
            return loaded
        try:
            if self._retry_at is None or now >= self._retry_at:
                return self._load(now)
        except Exception:
            # The database does not answer.  What is in memory stays right until a key that we
            # have not seen could be signing; until then the JWK Set is served and tokens verify.
            self._retry_at = now + _RETRY
            if age > self._lead - self._reload_after:
                raise
        finally:
            self._loading.release()
        return loaded

    def _reload(self, now: datetime) -> _Loaded:
        with self._loading:
            return self._load(now)

    def _load(self, now: datetime) -> _Loaded:
        with self._database.read() as connection:
            records = signing_keys.read_keys(connection, purpose=self._purpose.name)
        before = self._loaded
        if before is not None and before.records == records:
            loaded = _Loaded(records, before.handles, before.verification, loaded_at=now)
        else:
            loaded = _Loaded(
                records,
                handles=self._open(records),
                verification=(
                    import_own_keys([record.public_jwk for record in records])
                    if records
                    else EMPTY_KEY_SET
                ),
                loaded_at=now,
            )
        self._loaded, self._retry_at = loaded, None
        return loaded

    def _open(self, records: tuple[KeyRecord, ...]) -> dict[str, SigningKey]:
        known = {} if self._loaded is None else self._loaded.handles
        return {
            record.kid: known.get(record.kid)
            or SigningKey(
                record.kid,
                record.algorithm,
                self._purpose,
                self._backend.open_key(
                    kid=record.kid, algorithm=record.algorithm, stored=record.private_sealed
                ),
            )
            for record in records
            if record.private_sealed is not None
        }


def _is_due(
    records: tuple[KeyRecord, ...],
    algorithm: str,
    *,
    now: datetime,
    older_than: timedelta | None,
) -> bool:
    starts = [record.active_from for record in records if record.algorithm == algorithm]
    if not starts or max(starts) > now:
        return False  # nothing to follow, or the next key is already waiting
    return older_than is None or max(starts) + older_than <= now
