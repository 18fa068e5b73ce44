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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from keystore import signing_keys
from keystore.backends import Backend
from keystore.backends.errors import KeyDamaged, KeySuccession
from keystore.backends.software import SoftwareBackend
from keystore.destruction import DestructionList
from keystore.errors import KeystoreError, KeyUnavailable
from keystore.jose import EMPTY_KEY_SET, KeySet, import_own_keys
from keystore.key_erasing import erase_destroyed
from keystore.key_handle import SigningKey
from keystore.key_life import find_due, find_without_key, get_record, predecessors, take_out
from keystore.key_opening import open_records
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purposes import TOKENS, KeyPurpose
from keystore.sealing import Sealer
from keystore.signing_keys import KeyRecord
from keystore.storage import DatabaseLike, Transaction, lock_until_commit

__all__ = ["KeyRecord", "Keyring", "SigningKey"]

_LONGEST_RELOAD: Final = timedelta(seconds=30)
_RETRY: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, repr=False)
class _Loaded:
    """All keys as they were at `loaded_at`; replaced as a whole."""

    records: tuple[KeyRecord, ...]
    handles: Mapping[str, SigningKey]
    damaged: frozenset[str]
    verification: KeySet
    loaded_at: datetime


class Keyring:
    """The keys of one purpose, shared by all threads of a process.

    Takes   jwks_cache: how long clients may keep the JWK Set (its max-age); without it a next key
            waits as long as the purpose says;
            margin: added to it before a new key signs; retire_after: how long after retirement a
            key stays published: the longest life of what it signed, and clocks; without it as
            long as the purpose says;
            reload_after: how old the keys in memory may get (a quarter of jwks_cache, 30 s at
            most): every process shows a new key within that time;
            purpose: which keys; backend: where new ones are made, software unless told otherwise;
            older_backends: where keys from before may still be; listed: told of destroyed keys.
    """

    def __init__(
        self,
        database: DatabaseLike,
        sealer: Sealer,
        *,
        log: LogWriter,
        jwks_cache: timedelta | None = None,
        retire_after: timedelta | None = None,
        margin: timedelta = timedelta(seconds=300),
        reload_after: timedelta | None = None,
        purpose: KeyPurpose = TOKENS,
        backend: Backend | None = None,
        older_backends: tuple[Backend, ...] = (),
        listed: DestructionList | None = None,
    ) -> None:
        self._database = database
        self._listed = listed
        self._log = log
        self._purpose = purpose
        self._backend: Backend = SoftwareBackend(sealer) if backend is None else backend
        self._backends = (self._backend, *older_backends)
        if reload_after is None:
            longest = _LONGEST_RELOAD
            reload_after = longest if jwks_cache is None else min(jwks_cache / 4, longest)
        self._reload_after = reload_after
        waiting = purpose.lead if jwks_cache is None else jwks_cache + margin
        self._lead = reload_after + waiting
        self._margin = margin
        self._retire_after = purpose.kept_published if retire_after is None else retire_after
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None
        self._retry_at: datetime | None = None
        self._jwks: tuple[tuple[str, ...], bytes] = ((), b"")
        self._published_keys: tuple[tuple[str, ...], KeySet] = ((), EMPTY_KEY_SET)

    @property
    def purpose(self) -> KeyPurpose:
        """What these keys are for."""
        return self._purpose

    def ensure(self, now: datetime) -> None:
        """Make a key, active at once, for each algorithm that has none that can sign.

        Processes that start together make one set.  Keys that stand beside one another are made
        by `add` alone.
        """
        algorithms = self._purpose.algorithms
        missing = find_without_key(self._reload(now).records, algorithms=algorithms, now=now)
        if not missing or not self._purpose.is_succession:
            return
        with self._drafts(missing, now=now, active_from=now) as drafts:
            with self._database.transaction() as transaction:
                records = self._locked_records(transaction)
                missing = find_without_key(records, algorithms=list(drafts), now=now)
                for algorithm in missing:
                    self._insert(transaction, drafts[algorithm], now=now)
            take_out(drafts, missing)
        self._reload(now)

    def signing_key(self, algorithm: str, *, now: datetime) -> SigningKey:
        """The key that signs at this instant: the one that became active last.

        Raises  KeyUnavailable; KeyDamaged when it is there and does not open.
        """
        loaded = self._current(now)
        for record in reversed(loaded.records):
            if record.algorithm == algorithm and record.is_active(now):
                handle = loaded.handles.get(record.kid)
                if handle is not None:
                    return handle
                if record.kid in loaded.damaged:
                    raise KeyDamaged(record.kid)
        raise KeyUnavailable(algorithm)

    def key(self, kid: str, *, now: datetime) -> SigningKey:
        """The key of that name, next, active or retired; a certificate says which it wants.

        Raises  KeyUnavailable: unknown or destroyed; KeyDamaged.
        """
        loaded = self._current(now)
        if kid not in loaded.handles:
            loaded = self._reload(now)  # perhaps another process has just made it
        if kid in loaded.damaged:
            raise KeyDamaged(kid)
        try:
            return loaded.handles[kid]
        except KeyError:
            raise KeyUnavailable(kid) from None

    def damaged(self, now: datetime) -> frozenset[str]:
        """The keys whose private half is there and does not open."""
        return self._current(now).damaged

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

    def add(self, algorithm: str, *, now: datetime) -> KeyRecord:
        """One more key beside the others, active at once; for keys that are known by themselves.

        Raises  KeyUnavailable when the purpose has no such algorithm; KeySuccession when the keys
                of this purpose follow one another.
        """
        if self._purpose.is_succession:
            raise KeySuccession(self._purpose.name)
        if algorithm not in self._purpose.algorithms:
            raise KeyUnavailable(algorithm)
        with self._drafts([algorithm], now=now, active_from=now) as drafts:
            with self._database.transaction() as transaction:
                self._insert(transaction, drafts[algorithm], now=now)
            draft = drafts.pop(algorithm)
        self._reload(now)
        return draft

    def rotate(self, now: datetime, *, lead: timedelta | None = None) -> tuple[KeyRecord, ...]:
        """Publish the next key of each algorithm; it signs once nobody's copy lacks it.

        Takes   lead: how long it waits, if not as long as usual.
        Returns the next keys; where one was already waiting, that one and no second.
        Raises  KeySuccession when the keys of this purpose stand beside one another.
        """
        if not self._purpose.is_succession:
            raise KeySuccession(self._purpose.name)
        return self._add_next(now, older_than=None, lead=lead)

    def rotate_due(self, now: datetime) -> tuple[KeyRecord, ...]:
        """What a periodic task calls: the next key where the newest has reached its age."""
        if self._purpose.rotate_after is None:
            return ()
        if self._reload(now).records:
            self.ensure(now)  # where a key was destroyed or lost
        return self._add_next(now, older_than=self._purpose.rotate_after, lead=None)

    def retire(self, kid: str, *, now: datetime) -> None:
        """The key signs nothing new; its private half is erased after the usual margin.

        Raises  KeyUnavailable.
        """
        with self._database.transaction() as transaction:
            record = get_record(self._locked_records(transaction), kid)
            if record.retired_at is None or record.retired_at > now:
                signing_keys.retire_key(transaction.connection, kid, at=now)
                self._record(transaction, EventType.SIGNING_KEY_RETIRED, record, now=now, at=now)
        self._reload(now)

    def destroy(self, kid: str, *, now: datetime) -> None:
        """Erase the private half of a key now, whatever depends on it; the public half stays.

        Raises  KeyUnavailable: no such key, or destroyed before; KeyKept, TokenUnavailable: it
                signs no more, and another call erases it.
        """
        with self._database.transaction() as transaction:
            records = self._locked_records(transaction)
            record = get_record(records, kid)
            if record.destroyed_at is not None and record.private_sealed is None:
                raise KeyUnavailable(kid)
            if record.destroyed_at is None:
                self._mark_destroyed(transaction, record, now=now)
            for one in predecessors(records, of=record) if now < record.active_from else ():
                signing_keys.retire_key(transaction.connection, one.kid, at=None)
                event = EventType.SIGNING_KEY_ACTIVATED
                self._record(transaction, event, one, now=now, at=one.active_from)
        self._finish_destroyed(now)

    def destroy_retired(self, now: datetime) -> tuple[str, ...]:
        """Erase private halves that cannot be needed any more; returns their kids.

        They have been retired for `margin`: longer than whoever has not reloaded could sign.
        Raises  KeyKept, TokenUnavailable when one could not be erased; the others were.
        """
        destroyed = []
        with self._database.transaction() as transaction:
            for record in self._locked_records(transaction):
                if record.destroyed_at is not None or record.retired_at is None:
                    continue
                if record.retired_at + self._margin + self._reload_after <= now:
                    self._mark_destroyed(transaction, record, now=now)
                    destroyed.append(record.kid)
        self._finish_destroyed(now)
        return tuple(destroyed)

    def _mark_destroyed(
        self, transaction: Transaction, record: KeyRecord, *, now: datetime
    ) -> None:
        retired_at = now if record.retired_at is None else min(record.retired_at, now)
        signing_keys.mark_destroyed(
            transaction.connection, record.kid, retired_at=retired_at, now=now
        )
        held = any(one.holds(record.private_sealed or b"") for one in self._backends)
        self._record(
            transaction,
            EventType.SIGNING_KEY_DESTROYED,
            record,
            now=now,
            is_held_elsewhere=not held,
        )

    def _finish_destroyed(self, now: datetime) -> None:
        try:
            records, listed = self._reload(now).records, self._listed
            erase_destroyed(
                self._database, records, backends=self._backends, listed=listed, now=now
            )
        finally:
            self._reload(now)

    def _add_next(
        self, now: datetime, *, older_than: timedelta | None, lead: timedelta | None
    ) -> tuple[KeyRecord, ...]:
        active_from = now + (self._lead if lead is None else lead)
        algorithms = self._purpose.algorithms
        due = find_due(
            self._reload(now).records, algorithms=algorithms, now=now, older_than=older_than
        )
        with self._drafts(due, now=now, active_from=active_from) as drafts:
            with self._database.transaction() as transaction:
                records = self._locked_records(transaction)
                due = find_due(records, algorithms=list(drafts), now=now, older_than=older_than)
                for algorithm in due:
                    self._insert(transaction, drafts[algorithm], now=now)
                for record in records:
                    if record.algorithm in due and record.retired_at is None:
                        signing_keys.retire_key(transaction.connection, record.kid, at=active_from)
                        event = EventType.SIGNING_KEY_RETIRED
                        self._record(transaction, event, record, now=now, at=active_from)
            take_out(drafts, due)
        return tuple(record for record in self._reload(now).records if record.active_from > now)

    def _locked_records(self, transaction: Transaction) -> tuple[KeyRecord, ...]:
        lock_until_commit(transaction, name=f"signing_key:{self._purpose.name}")
        return signing_keys.read_keys(transaction.connection, purpose=self._purpose.name)

    @contextmanager
    def _drafts(
        self, algorithms: Sequence[str], *, now: datetime, active_from: datetime
    ) -> Iterator[dict[str, KeyRecord]]:
        """New keys, made outside of any transaction; those left in the dict are thrown away.

        An RSA key takes longer than others should wait for a lock; a key in a token that nobody
        remembers would stay there for ever.
        """
        drafts: dict[str, KeyRecord] = {}
        try:
            for algorithm in algorithms:
                drafts[algorithm] = self._make(algorithm, now=now, active_from=active_from)
            yield drafts
        finally:
            for draft in drafts.values():
                with suppress(KeystoreError):
                    self._backend.destroy_key(draft.private_sealed or b"")

    def _make(self, algorithm: str, *, now: datetime, active_from: datetime) -> KeyRecord:
        made = self._backend.make_key(algorithm=algorithm)
        return KeyRecord(
            kid=made.kid,
            purpose=self._purpose.name,
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
        signing_keys.insert_key(transaction.connection, record)
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
        is_held_elsewhere: bool = False,
    ) -> None:
        facts: dict[str, str | int | bool] = {
            "kid": record.kid,
            "algorithm": record.algorithm,
            "purpose": self._purpose.name,
        }
        if at is not None:
            facts["from"] = at.isoformat(timespec="seconds")
        if is_held_elsewhere:  # out of use, and still to be erased by a process that reaches it
            facts["held_elsewhere"] = True
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
            loaded = replace(before, loaded_at=now)
        else:
            known = {} if before is None else before.handles
            handles, damaged = open_records(
                records, purpose=self._purpose, backends=self._backends, known=known
            )
            loaded = _Loaded(
                records,
                handles=handles,
                damaged=damaged,
                verification=(
                    import_own_keys([record.public_jwk for record in records])
                    if records
                    else EMPTY_KEY_SET
                ),
                loaded_at=now,
            )
        self._loaded, self._retry_at = loaded, None
        return loaded
