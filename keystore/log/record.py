"""An act and its log row in one transaction, and the proof that no row was touched.

**Chains.** Rows are chained per writer, not globally: one chain for the whole service would make
every sign-in wait for the one before it.  A `LogWriter` keeps a pool of chains.  A transaction that
records takes an idle chain (or starts one), hangs its rows on it and gives it back when it has
ended; so there are as many chains as there were ever transactions at the same time, no commit waits
for another, and steady state costs one INSERT per event and no SELECT.  The head of a chain moves
only when the database has answered COMMIT.  After a rollback the head is read again, once, because
a connection that broke during COMMIT may have committed.  A chain belongs to one process: its name
ends in random letters and a forked child starts its own.

**What a row proves.** `leaf` = SHA-256 over a nonce of 32 bytes and the canonical event; it says
nothing about a person and is what goes into a Merkle tree later.  `row_hash` covers the row before
it, the leaf, and every stored column.  The nonce is sealed with the personal facts under the
person's data key: when that key is destroyed the leaf can no longer be guessed from outside, and
the chain still verifies.

`mark` is over `row_hash` and needs a key that is not in the database: a row that somebody else
put there is no row of ours (`keystore/log/row_marks.py`).

**What it does not prove.** Whoever has the keys and may rewrite every row can compute the hashes
anew, and a chain alone cannot show that its last rows, or all of it, were cut off: give
`verify_chain` a head that was kept elsewhere.  Keeping heads elsewhere is the work of the sequencer
and its witness.

**How the sequencer finds what is new.** The first row of a chain is announced in `log_chain`, in
the same transaction; nobody announces the others.  A chain is used for a day, so that the sequencer
has few to look at: those of the processes that run now.

Source: architecture, "State" (the append-only log).  Not here: Merkle trees.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    insert,
    select,
    text,
)

from keystore.clock import to_ms
from keystore.errors import LogChainBroken
from keystore.log.events import Event, canonical_event, check_event, encode_facts
from keystore.log.row_kinds import IS_SELDOM, IS_USE_OF_KEY
from keystore.purposes import MacPurpose, SealPurpose
from keystore.sealing import Sealer
from keystore.statement import Statement
from keystore.storage import Transaction, metadata

log_event = Table(
    "log_event",
    metadata,
    Column("writer", String(80), primary_key=True, info={"data": "none"}),
    Column("seq", BigInteger, primary_key=True, autoincrement=False, info={"data": "none"}),
    Column("prev_hash", LargeBinary(32), nullable=False, info={"data": "none"}),
    Column("row_hash", LargeBinary(32), nullable=False, info={"data": "none"}),
    Column("mark", LargeBinary, info={"data": "none"}),
    Column("leaf", LargeBinary(32), nullable=False, info={"data": "none"}),
    Column("at_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("type", String(64), nullable=False, info={"data": "none"}),
    Column("version", Integer, nullable=False, info={"data": "none"}),
    Column("account_id", String(64), info={"data": "basic"}),
    Column("client_id", String(128), info={"data": "none"}),
    Column("facts", Text, nullable=False, info={"data": "none"}),
    Column(
        "sealed",
        LargeBinary,
        nullable=False,
        info={"data": "sensitive", "sealed": ("log", "log:{writer}/{seq}", "json")},
    ),
    Index("log_event_by_account", "account_id", "at_ms"),
    Index(
        "log_event_of_use",
        "account_id",
        "at_ms",
        "writer",
        "seq",
        sqlite_where=text(IS_USE_OF_KEY),
        postgresql_where=text(IS_USE_OF_KEY),
    ),
    Index(
        "log_event_seldom",
        "account_id",
        "type",
        "at_ms",
        sqlite_where=text(IS_SELDOM),
        postgresql_where=text(IS_SELDOM),
    ),
    info={
        "subject": "person",
        "export": {"by": ("account_id",), "order": ("at_ms", "writer", "seq")},
        "erased": {
            "kept": "under the bare id: what happened when, in codes; the rest is unreadable",
            "legal": "Decree 69/2024/ND-CP, Article 17(2); Decree 165/2025/ND-CP, Article 17(10)",
            "until": "5 years after the event, then archived",
        },
        "purpose": "evidence of sign-ins, sharing of data, changes of accounts and use of keys",
        "retention": "5 years after the event, then archived",
        "legal": "Decree 69/2024/ND-CP, Article 17(2); Decree 165/2025/ND-CP, Article 17(10)",
        "legal_from": "2024-07-01",
    },
)

GENESIS: Final = bytes(32)
"""What the first row of a chain stands on."""

log_chain = Table(
    "log_chain",
    metadata,
    Column("chain_id", Integer, primary_key=True, info={"data": "none"}),
    Column("writer", String(80), nullable=False, unique=True, info={"data": "none"}),
    Column("begun_ms", BigInteger, nullable=False, info={"data": "none"}),
    Column("integrated", BigInteger, nullable=False, info={"data": "none"}),
    Column("last_hash", LargeBinary(32), nullable=False, info={"data": "none"}),
    Column("closed_ms", BigInteger, index=True, info={"data": "none"}),
    Column("stuck_ms", BigInteger, info={"data": "none"}),
    info={
        "subject": "none",
        "purpose": "how far each chain of the log is integrated into the trees",
        "retention": "as long as any row of the chain is kept",
        "legal": "Decree 69/2024/ND-CP, Article 17(2); Decree 165/2025/ND-CP, Article 17(10)",
        "legal_from": "2024-07-01",
    },
)

CHAIN_LIFETIME: Final = timedelta(days=1)
"""How long new rows go to a chain; counted from its first row, by the time of the events."""

_NONCE_BYTES: Final = 32
_MILLISECOND: Final = timedelta(milliseconds=1)
_BATCH: Final = 500
_ADD = Statement(insert(log_event))
_ADD_CHAIN = insert(log_chain)
# one look into the index per chain, where DISTINCT would read all of it
_WRITERS = text(
    "WITH RECURSIVE found(writer) AS ("
    " SELECT min(writer) FROM log_event UNION ALL"
    " SELECT (SELECT min(writer) FROM log_event WHERE writer > found.writer)"
    " FROM found WHERE found.writer IS NOT NULL"
    ") SELECT writer FROM found WHERE writer IS NOT NULL"
)
_HEAD = select(log_event.c.seq, log_event.c.row_hash).order_by(log_event.c.seq.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where a chain has got to: the number of its last row and that row's hash (32 bytes)."""

    writer: str
    seq: int
    row_hash: bytes


@dataclass(slots=True, repr=False)
class _Chain:
    """One chain of this process; in the hands of one transaction at a time."""

    writer: str
    seq: int = 0
    row_hash: bytes = GENESIS
    is_unsure: bool = False
    begun_ms: int | None = None


@dataclass(slots=True, repr=False)
class _Pending:
    """The rows that an open transaction has hung on its chain."""

    chain: _Chain
    seq: int
    row_hash: bytes


class LogWriter:
    """Writes the log rows of one process; safe for any number of threads.

    Takes   writer_id: which process writes, for people who read the log (`web-1`); unique names
            are made from it, it need not be unique.
    """

    def __init__(self, sealer: Sealer, *, writer_id: str) -> None:
        self._sealer = sealer
        self._writer_id = writer_id[:48]
        self._lock = threading.Lock()
        self._idle: list[_Chain] = []
        self._pending: dict[int, _Pending] = {}
        self._process = os.getpid()

    def record(
        self, transaction: Transaction, event: Event, *, data_key: bytes | None, now: datetime
    ) -> None:
        """Write `event` in the transaction of the act; both happen or neither does.

        Takes   data_key: of the person concerned, as stored with the account; None when the event
                concerns nobody, and then it may carry no personal facts.
        Raises  EventRefused; SealBroken when the data key is not one.
        """
        check_event(event)
        if event.personal and data_key is None:
            raise ValueError("personal_facts_without_data_key")
        pending = self._pending.get(id(transaction)) or self._begin(transaction, now=now)
        seq = pending.seq + 1
        if seq == 1:
            _announce(transaction, pending.chain.writer, now=now)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plaintext = nonce + (encode_facts(event.personal) if event.personal else b"")
        writer = pending.chain.writer
        context = seal_context(writer, seq)
        row: dict[str, Any] = {
            "writer": writer,
            "seq": seq,
            "prev_hash": pending.row_hash,
            "leaf": leaf_hash(nonce, canonical_event(event, now=now)),
            "at_ms": to_ms(now),
            "type": event.type.value,
            "version": event.version,
            "account_id": event.account_id,
            "client_id": event.client_id,
            "facts": encode_facts(event.facts).decode(),
            "sealed": (
                self._sealer.seal(SealPurpose.LOG, plaintext, context=context)
                if data_key is None
                else self._sealer.seal_personal(data_key, plaintext, context=context)
            ),
        }
        row["row_hash"] = row_hash_of(tuple(row[name] for name in HASHED))
        row["mark"] = self._sealer.mac(MacPurpose.LOG, row["row_hash"])
        _ADD.count(transaction.connection, row)
        pending.seq = seq
        pending.row_hash = row["row_hash"]

    def in_name_of(self, operator: str) -> LogWriter:
        """A writer on the same chains whose every event says that `operator` did it.

        Takes   operator: a login name that a fact can carry.
        """
        return _OperatorsLog(self, operator)

    def _begin(self, transaction: Transaction, *, now: datetime) -> _Pending:
        now_ms = to_ms(now)
        with self._lock:
            if os.getpid() != self._process:  # a fork must not write the chains of its parent
                self._process = os.getpid()
                self._idle.clear()
                self._pending.clear()
            chain = self._take_idle(now_ms) or _Chain(self._new_name())
        if chain.begun_ms is None:
            chain.begun_ms = now_ms
        if chain.is_unsure:
            found = transaction.connection.execute(
                _HEAD.where(log_event.c.writer == chain.writer)
            ).first()
            chain.seq, chain.row_hash = (found[0], found[1]) if found else (0, GENESIS)
            chain.is_unsure = False
        pending = _Pending(chain, seq=chain.seq, row_hash=chain.row_hash)
        key = id(transaction)
        self._pending[key] = pending
        transaction.on_commit(lambda: self._end(key, is_committed=True))
        transaction.on_rollback(lambda: self._end(key, is_committed=False))
        return pending

    def _end(self, key: int, *, is_committed: bool) -> None:
        with self._lock:
            pending = self._pending.pop(key, None)
            if pending is None:
                return
            chain = pending.chain
            if is_committed:
                chain.seq, chain.row_hash = pending.seq, pending.row_hash
            else:
                chain.is_unsure = True
            self._idle.append(chain)

    def _take_idle(self, now_ms: int) -> _Chain | None:
        oldest_ms = now_ms - CHAIN_LIFETIME // _MILLISECOND
        while self._idle:
            chain = self._idle.pop()
            if chain.begun_ms is None or chain.begun_ms >= oldest_ms:
                return chain
        return None

    def _new_name(self) -> str:
        return f"{self._writer_id}.{secrets.token_hex(8)}"


class _OperatorsLog(LogWriter):
    """A `LogWriter` that adds one fact and has no chains of its own."""

    def __init__(self, writer: LogWriter, operator: str) -> None:
        self._writer = writer
        self._operator = operator

    def record(
        self, transaction: Transaction, event: Event, *, data_key: bytes | None, now: datetime
    ) -> None:
        """See `LogWriter.record`."""
        facts = {**event.facts, "operator": self._operator}
        self._writer.record(transaction, replace(event, facts=facts), data_key=data_key, now=now)


def find_writers(connection: Connection) -> tuple[str, ...]:
    """The names of all chains, sorted."""
    return tuple(connection.execute(_WRITERS).scalars())


def verify_chain(
    connection: Connection, writer: str, *, expected_head: ChainHead | None = None
) -> ChainHead:
    """Walk one chain from its first row, and find what was done to it.

    1. Row numbers are 1, 2, 3, … without a gap.
    2. Each row stands on the hash of the row before it.
    3. Each row's hash is the hash of what is stored in it.
    4. The chain goes at least as far as a head that was kept elsewhere, and through it.

    Takes   expected_head: a `ChainHead` noted earlier; without it a cut at the end is not seen.
    Returns the head now; for an unknown writer, seq 0 and `GENESIS`.
    Raises  LogChainBroken (carries writer, seq and reason) at the first row that does not fit.
    """
    head = ChainHead(writer, seq=0, row_hash=GENESIS)
    of_writer = select(log_event).where(log_event.c.writer == writer).order_by(log_event.c.seq)
    while True:
        # in portions: a chain is longer than memory, and a server-side cursor needs a transaction
        rows = connection.execute(of_writer.where(log_event.c.seq > head.seq).limit(_BATCH)).all()
        for row in rows:
            head = _next_head(head, row)
            if expected_head and head.seq == expected_head.seq:
                _check_head(head, expected=expected_head)
        if len(rows) < _BATCH:
            break
    if expected_head and head.seq < expected_head.seq:
        raise LogChainBroken(writer=writer, seq=head.seq + 1, reason="truncated")
    return head


def leaf_hash(nonce: bytes, canonical: bytes) -> bytes:
    """What stands for an event in a Merkle tree: SHA-256, 32 bytes."""
    return hashlib.sha256(b"antin event 1\x00" + nonce + canonical).digest()


def _next_head(head: ChainHead, row: Row[Any]) -> ChainHead:
    values = row._mapping  # noqa: SLF001 - the public name of a row's columns
    seq = int(values["seq"])
    # 1
    if seq != head.seq + 1:
        raise LogChainBroken(writer=head.writer, seq=head.seq + 1, reason="removed")
    # 3, before 2: a row that still is what it was, on another place, was reordered
    if not hmac.compare_digest(
        row_hash_of(tuple(values[name] for name in HASHED)), values["row_hash"]
    ):
        raise LogChainBroken(writer=head.writer, seq=seq, reason="modified")
    # 2
    if not hmac.compare_digest(values["prev_hash"], head.row_hash):
        raise LogChainBroken(writer=head.writer, seq=seq, reason="reordered")
    return ChainHead(head.writer, seq=seq, row_hash=values["row_hash"])


def _check_head(head: ChainHead, *, expected: ChainHead) -> None:
    # 4
    if not hmac.compare_digest(head.row_hash, expected.row_hash):
        raise LogChainBroken(writer=head.writer, seq=head.seq, reason="modified")


HASHED: Final = (
    "writer",
    "seq",
    "prev_hash",
    "leaf",
    "at_ms",
    "type",
    "version",
    "account_id",
    "client_id",
    "facts",
    "sealed",
)
"""The stored columns, in the order in which a row's hash takes them; never changed, only replaced
by another domain name in `row_hash_of`."""


def row_hash_of(values: Sequence[object]) -> bytes:
    """The hash of a stored row.  Takes values: the columns of `HASHED`, in that order."""
    # kind and length before each value: no two different rows give the same bytes
    parts = [b"antin log row 1\x00"]
    for value in values:
        if value is None:
            parts.append(b"n")
        elif isinstance(value, bytes):
            parts += (b"b", len(value).to_bytes(8, "big"), value)
        else:
            encoded = str(value).encode()
            parts += (b"t", len(encoded).to_bytes(8, "big"), encoded)
    return hashlib.sha256(b"".join(parts)).digest()


def _announce(transaction: Transaction, writer: str, *, now: datetime) -> None:
    chain = {"writer": writer, "begun_ms": to_ms(now), "integrated": 0, "last_hash": GENESIS}
    transaction.connection.execute(_ADD_CHAIN, chain)


def seal_context(writer: str, seq: int) -> str:
    """What the sealed part of a row is bound to."""
    return f"log:{writer}/{seq}"
