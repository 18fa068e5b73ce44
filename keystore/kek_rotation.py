"""From one root key to the next, while everything runs.

What lives here: wrapping everything under a root key anew, in small transactions, and saying when
the root key before may be destroyed.  Only what is wrapped is written again, a few hundred bytes
each; what is sealed under those keys stays as it is.

**For the operator.** 1. Every process is given both root keys, the new one as a further line of
the file (or value, or as a further key of the hardware module); the database still says that the
old one wraps, so nothing changes, on whichever host it happens first.  2. One process turns: from
one transaction on the new root key wraps, for all.  3. It wraps anew what is under the old one.
4. It finds nothing left, and says so in the log.  5. The old root key is taken away, and kept only
with the backups that were made under it.

**Killed at any instant** it goes on where it was: each value is under one root key or the other,
never under neither, and names which.  A process that runs has its keys in memory and notices
nothing; one that starts opens both kinds.  A process that holds only the old root key keeps
running, but is refused at its next start.

Source: NIST SP 800-57 part 1 §5.3.6, §8.2.3.  Not here: the command (`idp/cli/keys_kek.py`).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from keystore.errors import KekInvalid, SealBroken
from keystore.kek import KekRing, named_kek
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.purpose_keys import read_purpose_keys, replace_wrapped_purpose_key
from keystore.root_keys import (
    Scope,
    change_current_kek,
    find_current_kek,
    mark_left,
    read_root_keys,
)
from keystore.storage import DatabaseLike, Transaction, lock_until_commit

BATCH: Final = 500
_PASSES: Final = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step did: how many it wrapped anew, what does not open, where the next begins."""

    rewrapped: int
    damaged: tuple[str, ...]
    after: str | None
    """None: there is nothing behind it."""


class GivenRootKeys(Protocol):
    """The root keys of one scope, as far as a rotation looks: `KekRing`, or those of a token."""

    def check(self, kek_id: str) -> None:
        """That this root key was given, and works.

        Raises  KekInvalid.
        """

    def use(self, kek_id: str) -> None:
        """Wrap with this root key from now on."""


class Wrappings(Protocol):
    """Values of one kind that are wrapped under the root keys of one scope."""

    def kek_ids(self, database: DatabaseLike) -> frozenset[str]:
        """The root keys that the values name."""

    def count_left(self, tx: Transaction, *, kek_id: str, besides: Collection[str] = ()) -> int:
        """How many values are under another root key than this one, `besides` damaged ones."""

    def rewrap_some(self, database: DatabaseLike, *, kek_id: str, after: str, limit: int) -> Batch:
        """Wrap the next few under this root key, in one transaction; what it opened is compared.

        A value that does not open is named and left as it is.
        """


@dataclass(frozen=True, slots=True)
class Rotated:
    """How a rotation ended.

    `damaged` names what opens with no root key; `left` are the root keys that may be destroyed;
    `remaining` is how many values somebody put under another root key quicker than we went on: the
    rotation is not over, and another run goes on.
    """

    kek_id: str
    rewrapped: int
    damaged: tuple[str, ...]
    left: tuple[str, ...]
    remaining: int = 0


class PurposeKeyWrappings:
    """The purpose keys of one scope: a few dozen rows, one step."""

    def __init__(self, ring: KekRing, *, scope: Scope) -> None:
        self._ring = ring
        self._scope = scope

    def kek_ids(self, database: DatabaseLike) -> frozenset[str]:
        """See `Wrappings`."""
        with database.read() as connection:
            known = {one.kek_id for one in read_root_keys(connection, scope=self._scope)}
            stored = read_purpose_keys(connection, scope=self._scope)
        # a value from before root keys had ids may seem to name one that never was
        return frozenset(
            named for one in stored if (named := named_kek(one.wrapped)) is not None
        ) & frozenset(known)

    def count_left(self, tx: Transaction, *, kek_id: str, besides: Collection[str] = ()) -> int:
        """See `Wrappings`."""
        stored = read_purpose_keys(tx.connection, scope=self._scope)
        return sum(named_kek(one.wrapped) != kek_id for one in stored if one.name not in besides)

    def rewrap_some(
        self,
        database: DatabaseLike,
        *,
        kek_id: str,
        after: str,  # noqa: ARG002 - there is only one step
        limit: int,  # noqa: ARG002 - one step reads all
    ) -> Batch:
        """See `Wrappings`."""
        rewrapped, damaged, new = 0, [], self._ring.get(kek_id)
        with database.transaction() as tx:
            for one in read_purpose_keys(tx.connection, scope=self._scope):
                context = one.context(self._scope)
                try:
                    key = self._ring.unwrap(one.wrapped, context=context)
                except SealBroken:
                    damaged.append(one.name)
                    continue
                if named_kek(one.wrapped) == kek_id:
                    continue
                wrapped = new.wrap(key, context=context)
                if not hmac.compare_digest(new.unwrap(wrapped, context=context), key):
                    raise KekInvalid("does_not_open", names=(kek_id,))
                rewrapped += replace_wrapped_purpose_key(
                    tx, one, scope=self._scope, wrapped=wrapped
                )
        return Batch(rewrapped, tuple(damaged), after=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KekRotation:
    """One rotation of the root key of one scope.

    Takes   ring: the old and the new root key; wrappings: every kind of value that stands under
            them.
    """

    database: DatabaseLike
    scope: Scope
    ring: GivenRootKeys
    wrappings: Sequence[Wrappings]
    log: LogWriter
    time: Callable[[], datetime]
    batch: int = BATCH

    def run(
        self, kek_id: str, *, progress: Callable[[int], object] = lambda _wrapped: None
    ) -> Rotated:
        """Put everything of the scope under one root key; goes on where a run before was killed.

        1. The new root key was given, and opens what it wraps.
        2. Every root key that something is under was given.
        3. From one transaction on, the new one wraps.
        4. Everything is wrapped anew, batch by batch, until a pass finds nothing to do.
        5. In one transaction: nothing is left, the root keys before are `left`, the log says so.

        Takes   progress: called with the number of values that a batch wrapped anew.
        Raises  KekInvalid: not_given (1, 2), does_not_open (1, 4); what was wrapped stays wrapped.
        """
        # 1
        self.ring.check(kek_id)
        # 2
        with self.database.read() as connection:
            records = read_root_keys(connection, scope=self.scope)
        needed = {one.kek_id for one in records if one.left_at is None}
        for wrappings in self.wrappings:
            needed |= wrappings.kek_ids(self.database)
        for one in sorted(needed):
            self.ring.check(one)
        # 3
        self._turn_to(kek_id)
        # 4
        rewrapped = 0
        for _ in range(_PASSES):
            done, damaged = self._pass(kek_id, progress=progress)
            rewrapped += done
            if done == 0:
                break
        # 5
        return self._finish(kek_id, rewrapped=rewrapped, damaged=damaged)

    def count_left(self, kek_id: str) -> int:
        """How many values are under another root key than this one."""
        with self.database.transaction() as tx:
            return sum(one.count_left(tx, kek_id=kek_id) for one in self.wrappings)

    def _turn_to(self, kek_id: str) -> None:
        with self.database.transaction() as tx:
            lock_until_commit(tx, name=f"root_key:{self.scope}")
            before = find_current_kek(tx.connection, scope=self.scope)
            if before != kek_id:
                now = self.time()
                change_current_kek(tx, scope=self.scope, kek_id=kek_id, now=now)
                self._record(
                    tx, EventType.KEK_ROTATION_STARTED, now, before=before or "none", after=kek_id
                )
        self.ring.use(kek_id)

    def _pass(
        self, kek_id: str, *, progress: Callable[[int], object]
    ) -> tuple[int, tuple[str, ...]]:
        rewrapped, damaged = 0, list[str]()
        for wrappings in self.wrappings:
            after: str | None = ""
            while after is not None:
                step = wrappings.rewrap_some(
                    self.database, kek_id=kek_id, after=after, limit=self.batch
                )
                rewrapped += step.rewrapped
                damaged.extend(step.damaged)
                after = step.after
                progress(step.rewrapped)
        return rewrapped, tuple(damaged)

    def _finish(self, kek_id: str, *, rewrapped: int, damaged: tuple[str, ...]) -> Rotated:
        with self.database.transaction() as tx:
            lock_until_commit(tx, name=f"root_key:{self.scope}")
            remaining = sum(
                one.count_left(tx, kek_id=kek_id, besides=damaged) for one in self.wrappings
            )
            if remaining:  # somebody was quicker than twenty passes
                return Rotated(kek_id, rewrapped, damaged, (), remaining)
            records = read_root_keys(tx.connection, scope=self.scope)
            leaving = [one.kek_id for one in records if one.is_leaving]
            now = self.time()
            for one in leaving:
                mark_left(tx, scope=self.scope, kek_id=one, now=now)
            if leaving:
                self._record(
                    tx,
                    EventType.KEK_ROTATION_FINISHED,
                    now,
                    after=kek_id,
                    rewrapped=rewrapped,
                    damaged=len(damaged),
                )
        left = tuple(one.kek_id for one in records if not one.is_current)
        return Rotated(kek_id, rewrapped, damaged, left)

    def _record(
        self, tx: Transaction, event_type: EventType, now: datetime, **facts: str | int
    ) -> None:
        event = Event(event_type, facts={"scope": self.scope.value, **facts})
        self.log.record(tx, event, data_key=None, now=now)
