"""What the append-only log costs: writing a row, integrating rows into the trees, proving one.

What lives here: rows written by the log's own writer and carried to PostgreSQL in portions, so that
a million of them takes minutes; the sequencer over them; proofs all over the trees, each verified
by the tests' second opinion; and an act's transaction with and without its log row.
"""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, Table, insert

from bench.costs import Bound, Cost, Measure, Spent, Stopwatch, take_turns
from bench.population import Person
from bench.signatures import RawSigning
from idp.services import Services
from keystore.log.entries import Tree
from keystore.log.events import Event, EventType
from keystore.log.merkle import hash_leaf
from keystore.log.proofs import Everyone
from keystore.log.record import log_event
from keystore.postgresql_wire import Wire, WireStatement
from keystore.purposes import LOG
from keystore.storage import Transaction
from tests.support.rfc9162 import is_included

ENTRIES: Final = 100_000
"""In an ordinary run."""
_PORTION: Final = 5_000
_PROOFS: Final = 300
_ACTS: Final = 300
_STATEMENT: Final = "*one statement at PostgreSQL, `SELECT 1`*"
_ROW_OF_LOG: Final = f"INSERT INTO {log_event.name} (".encode()
_RANDOM: Final = secrets.SystemRandom()
_ACT: Final = Table(
    "bench_act",
    MetaData(),
    Column("number", BigInteger, primary_key=True),
    Column("what", LargeBinary, nullable=False),
)
Say = Callable[[str], None]


def measure_log(
    services: Services,
    *,
    people: Sequence[Person],
    entries: int,
    rounds: int,
    seconds: float,
    say: Say,
) -> list[Cost]:
    """Integrating so many entries, proving some, and what recording adds to an act."""
    raw, writing = RawSigning(), _Writing(services, people)
    services.keyrings.of(LOG).ensure(services.time())
    services.trust.log.sequencer.run(services.time())  # what made this deployment
    added = []
    for number in range(rounds):
        many = entries // rounds + (number < entries % rounds)
        writing(many)
        added.append((_integrate(services, many), raw.measure(seconds=seconds / 4)))
        say(f"{(number + 1) * entries // rounds:,} entries in the log")
    proved = [(_prove(services), raw.measure(seconds=seconds / 4)) for _ in range(rounds)]
    acts = _Acts(services, writing.event)
    recorded, asked = [], []
    for _ in range(rounds):
        yardstick = raw.measure(seconds=seconds / 4)
        asked.append((_ask(services, seconds=seconds / 4), yardstick))
        recorded.append((acts(), yardstick))
    return [
        Cost(f"entry integrated, up to {entries:,}", tuple(added), Bound(5_000, Measure.RATE)),
        Cost(f"proof of an entry among {entries:,}", tuple(proved), Bound(5, Measure.MS)),
        Cost(_STATEMENT, tuple(asked)),
        Cost("`record`, added to an act's transaction", tuple(recorded), Bound(0.2, Measure.MS)),
    ]


class _Writing:
    """Writes rows of both trees, in turn of the people; their data keys seal what is sealed."""

    def __init__(self, services: Services, people: Sequence[Person]) -> None:
        self._services = services
        found = [services.people.find_account(person.account_id) for person in people[:100]]
        self._accounts = [account for account in found if account is not None]
        self._written = 0

    def __call__(self, count: int) -> None:
        """So many rows."""
        for start in range(0, count, _PORTION):
            with self._services.database.transaction() as tx:
                carried = Carried(tx.connection)
                inner = Transaction(cast("Connection", carried))
                for _ in range(min(_PORTION, count - start)):
                    self.event(inner)
                tx.connection.execute(insert(log_event), carried.rows)
            inner.committed()

    def event(self, tx: Transaction) -> None:
        """A session in three rows of four, a certificate in the other."""
        services, number = self._services, self._written
        account = self._accounts[number % len(self._accounts)]
        self._written += 1
        if number % 4:
            event = Event(
                EventType.SESSION_STARTED,
                account_id=account.account_id,
                facts={"session_id": f"ses_{number:032x}", "factors": "password totp"},
            )
        else:
            facts = {"ca": "bench-issuing", "serial": f"{number:040x}", "profile": "citizen"}
            event = Event(EventType.CERTIFICATE_ISSUED, facts=facts)
        services.log.record(tx, event, data_key=account.data_key, now=services.time())


class Carried:
    """In place of a connection: keeps the rows of the log, passes on everything else."""

    def __init__(self, connection: Connection) -> None:
        pooled = connection.connection
        self._connection = connection
        self.dialect = connection.dialect
        self.driver_connection = pooled.driver_connection
        self.rows: list[dict[str, Any]] = []
        real = pooled.info.setdefault(Wire, Wire(self.driver_connection))
        self.info = {Wire: _Carrying(real, self.rows)}

    def execute(self, statement: Any, values: Any = None) -> Any:
        """As `Connection.execute`."""
        return self._connection.execute(statement, values)

    @property
    def connection(self) -> Carried:
        """As `Connection.connection`, past which the writer of the log goes with a row."""
        return self


class _Carrying:
    """In place of `Wire`."""

    def __init__(self, real: Wire, rows: list[dict[str, Any]]) -> None:
        self._real = real
        self._rows = rows

    def execute(self, statement: WireStatement, values: Sequence[Any]) -> Any:
        """Keep a row of the log."""
        if not statement.sql.startswith(_ROW_OF_LOG):
            return self._real.execute(statement, values)
        names = statement.sql[len(_ROW_OF_LOG) :].partition(b")")[0].decode().split(", ")
        self._rows.append(dict(zip(names, values, strict=True)))
        return None, 1


def _integrate(services: Services, many: int) -> Spent:
    watch = Stopwatch()
    with watch:
        added = services.trust.log.sequencer.run(services.time())
    assert added == many, f"{added} of {many} rows were integrated"
    watch.count(many)
    return watch.spent()


def _prove(services: Services) -> Spent:
    proofs, watch = services.trust.log.proofs, Stopwatch()
    sizes = {tree: proofs.checkpoint(tree) for tree in Tree}
    for number in range(_PROOFS):
        tree = (Tree.PUBLIC, Tree.PRIVATE)[number % 2]
        checkpoint = sizes[tree]
        assert checkpoint is not None
        position = _RANDOM.randrange(checkpoint.size)
        with watch:
            proof = proofs.include(tree, position, asking=Everyone())
        assert is_included(
            hash_leaf(proof.entry),
            index=position,
            size=checkpoint.size,
            path=proof.hashes,
            root=checkpoint.root,
        )
    watch.count(_PROOFS)
    return watch.spent()


def _ask(services: Services, *, seconds: float) -> Spent:
    """The way to the database and back, with nothing done there."""

    def check(result: Any) -> None:
        assert result == 1

    with services.database.read() as connection:
        spent = take_turns(
            {_STATEMENT: lambda: connection.exec_driver_sql("SELECT 1").scalar()},
            seconds=seconds,
            check={_STATEMENT: check},
        )
    return spent[_STATEMENT]


class _Acts:
    """Transactions that write one row, in turn with and without a row of the log."""

    def __init__(self, services: Services, record: Callable[[Transaction], None]) -> None:
        self._database = services.database
        self._record = record
        self._number = 0
        with self._database.transaction() as tx:
            _ACT.create(tx.connection)
        for _ in range(20):
            self._act(recorded=True)

    def __call__(self) -> Spent:
        """The median of what a pair differs in; neighbours in time have waited for one disk."""
        pairs = [(self._act(recorded=False), self._act(recorded=True)) for _ in range(_ACTS)]
        return Spent(
            statistics.median(more.ms - less.ms for less, more in pairs),
            statistics.median(more.cpu_ms - less.cpu_ms for less, more in pairs),
        )

    def _act(self, *, recorded: bool) -> Spent:
        self._number += 1
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        with self._database.transaction() as tx:
            tx.connection.execute(
                insert(_ACT), {"number": self._number, "what": b"an act of the service"}
            )
            if recorded:
                self._record(tx)
        used = time.thread_time() - begin_cpu
        return Spent((time.perf_counter() - begin) * 1000, used * 1000)
