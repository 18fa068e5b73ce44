"""Publishing certificate revocation lists, long before the one before ends.

What lives here: one duty, once a minute.  A list is made anew when half of its time is over, and at
once when something in it changed; an authority with partitions has a list of all beside them.
What was read is signed outside of any transaction; the transaction that stores it (with its row of
the log) notices when another host was quicker.
Source: RFC 5280 §3.3 (an entry stays for one list after its certificate expired), §5.1.2.5
(`nextUpdate`), §5.2.3 (number).
Not here: authorities whose keys are offline (`keystore/pki/authority.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from keystore.clock import to_ms
from keystore.errors import KeystoreError
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.pki.addresses import PkiAddresses
from keystore.pki.crl import issue_crl
from keystore.pki.model import CaKind, CaRecord, CertificateStatus
from keystore.pki.status_key import StatusKey
from keystore.pki.storage import crls
from keystore.pki.storage.authorities import read_cas
from keystore.pki.storage.certificates import read_changed, read_revoked
from keystore.pki.storage.crls import CrlHead
from keystore.storage import DatabaseLike, lock_until_commit

EVERY: Final = timedelta(seconds=60)
"""How often the duty runs: after this time at the latest a revocation is in a list."""
LIFETIME: Final = timedelta(hours=24)
_LOOK_BACK: Final = timedelta(seconds=60)
"""Transactions that take long and clocks of hosts that differ: a change may turn up late."""
_KEPT: Final = timedelta(days=30)

_log = structlog.get_logger("antin.crl")


class IssuingKeys(Protocol):
    """Where the keys of issuing authorities are: the keyring of that purpose."""

    def key(self, kid: str, *, now: datetime) -> StatusKey:
        """The key of this name.

        Raises  KeystoreError when it cannot be used.
        """


@dataclass(frozen=True, slots=True)
class _Due:
    ca: CaRecord
    shard: int | None
    head: CrlHead | None
    is_forced: bool


class CrlPublisher:
    """Keeps the lists of all issuing authorities; used by the process that does duties.

    Takes   addresses: as written into certificates; lifetime: of a list.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        keys: IssuingKeys,
        log: LogWriter,
        addresses: PkiAddresses,
        lifetime: timedelta = LIFETIME,
    ) -> None:
        self._database = database
        self._keys = keys
        self._log = log
        self._addresses = addresses
        self._lifetime = lifetime
        self._looked_at: datetime | None = None

    def publish_due(self, now: datetime) -> tuple[CrlHead, ...]:
        """The duty: publish what must be; the lists that are new."""
        published = self._publish(self._find_due(now), now=now)
        self._looked_at = now
        if published:
            with self._database.transaction() as tx:
                crls.delete_crls(tx.connection, ended_before=now - _KEPT)
        return published

    def published(self, ca_id: str | None = None) -> tuple[CrlHead, ...]:
        """The newest list of each authority and partition, or of one authority; in order."""
        with self._database.read() as connection:
            heads = crls.read_heads(connection)
        wanted = (head for head in heads if ca_id in (None, head.ca_id))
        return tuple(
            sorted(
                wanted,
                key=lambda head: (head.ca_id, crls.WHOLE if head.shard is None else head.shard),
            )
        )

    def publish_all(self, now: datetime, *, ca_id: str | None = None) -> tuple[CrlHead, ...]:
        """Every list, whether it is due or not; of one authority or of all."""
        with self._database.read() as connection:
            cas = [ca for ca in _issuing(read_cas(connection)) if ca_id in (None, ca.ca_id)]
            heads = {(head.ca_id, head.shard): head for head in crls.read_heads(connection)}
        return self._publish(
            [
                _Due(ca, shard, heads.get((ca.ca_id, shard)), is_forced=True)
                for ca in cas
                for shard in _shards(ca)
            ],
            now=now,
        )

    def _find_due(self, now: datetime) -> list[_Due]:
        with self._database.read() as connection:
            # after an authority has expired nobody asks for its lists any more
            cas = [ca for ca in _issuing(read_cas(connection)) if now <= ca.not_after]
            heads = {(head.ca_id, head.shard): head for head in crls.read_heads(connection)}
            since = self._looked_at
            if since is None:
                since = min((head.this_update for head in heads.values()), default=now)
            changed = read_changed(connection, since=min(since, now) - _LOOK_BACK)
        touched: set[tuple[str, int | None]] = {(one.ca_id, one.shard) for one in changed}
        touched |= {(one.ca_id, None) for one in changed}
        due = []
        for ca in cas:
            for shard in _shards(ca):
                head = heads.get((ca.ca_id, shard))
                is_forced = head is None or head.next_update - self._lifetime / 2 <= now
                if is_forced or (ca.ca_id, shard) in touched:
                    due.append(_Due(ca, shard, head, is_forced))
        return due

    def _publish(self, due: Iterable[_Due], *, now: datetime) -> tuple[CrlHead, ...]:
        published = []
        for one in due:
            try:
                head = self._publish_one(one, now=now)
            except KeystoreError as error:
                # one authority without its key must not keep the others from publishing
                _log.error("crl_not_published", ca=one.ca.ca_id, reason=error.code)
                continue
            if head is not None:
                published.append(head)
        return tuple(published)

    def _publish_one(self, due: _Due, *, now: datetime) -> CrlHead | None:
        ca, last = due.ca, due.head
        with self._database.read() as connection:
            # RFC 5280 §3.3: what expired since the list before is in one more
            since = now if last is None else min(now, last.this_update)
            revoked = tuple(read_revoked(connection, ca_id=ca.ca_id, now=since, shard=due.shard))
        content = _digest(revoked)
        if not due.is_forced and last is not None and content == last.content_sha256:
            return None  # looking back a minute shows a change that is listed already
        # a number of the clock grows even after a backup was restored that knew fewer
        number = max(to_ms(now), 0 if last is None else last.number + 1)
        key = self._keys.key(ca.kid or "", now=now)
        next_update = min(now + self._lifetime, ca.not_after)
        der = issue_crl(
            revoked,
            issuer=ca.parsed,
            key=key,
            number=number,
            this_update=now,
            next_update=next_update,
            distribution_point=self._point(ca, due.shard),
        )
        head = CrlHead(
            ca_id=ca.ca_id,
            shard=due.shard,
            number=number,
            this_update=now,
            next_update=next_update,
            entries=len(revoked),
            content_sha256=content,
            der_sha256=hashlib.sha256(der).digest(),
        )
        return head if self._store(head, der=der, last=last, now=now) else None

    def _store(self, head: CrlHead, *, der: bytes, last: CrlHead | None, now: datetime) -> bool:
        with self._database.transaction() as tx:
            lock_until_commit(tx, name=f"crl:{head.ca_id}")
            if crls.find_head(tx.connection, ca_id=head.ca_id, shard=head.shard) != last:
                return False  # another process published while we signed
            crls.insert_crl(tx.connection, head, der=der)
            facts: dict[str, str | int | bool] = {
                "ca": head.ca_id,
                "number": head.number,
                "entries": head.entries,
                "sha256": head.der_sha256.hex(),
            }
            if head.shard is not None:
                facts["shard"] = head.shard
            event = Event(EventType.CRL_PUBLISHED, facts=facts)
            self._log.record(tx, event, data_key=None, now=now)
        return True

    def _point(self, ca: CaRecord, shard: int | None) -> str | None:
        """The address of a partition, as its certificates name it; the list of all names none."""
        return None if shard is None else self._addresses.crl(ca.ca_id, shard=shard)


def _issuing(cas: Iterable[CaRecord]) -> list[CaRecord]:
    return [ca for ca in cas if ca.kind is CaKind.ISSUING and ca.kid is not None]


def _shards(ca: CaRecord) -> tuple[int | None, ...]:
    return (None, *range(ca.shards))


def _digest(revoked: Iterable[CertificateStatus]) -> bytes:
    """What a list says, without its dates and number, in 32 bytes."""
    whole = hashlib.sha256()
    for one in sorted(revoked, key=lambda status: status.serial):
        since = 0 if one.changed_at is None else to_ms(one.changed_at)
        whole.update(f"{one.serial:x} {one.state} {one.reason} {since}\n".encode())
    return whole.digest()
