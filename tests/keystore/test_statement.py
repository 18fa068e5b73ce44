"""Statements that go to the driver past SQLAlchemy: on both databases, what SQLAlchemy would do."""

from __future__ import annotations

import enum
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Enum,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    MultipleResultsFound,
    ProgrammingError,
)

from idp.errors import StorageUnavailable
from idp.storage.database import Database
from keystore.statement import Statement
from tests.support.stores import all_metadata


class Colour(enum.Enum):
    """Something that the database keeps under another name."""

    RED = "red"
    BLUE = "blue"


_metadata = MetaData()
thing = Table(
    "thing_of_statements",
    _metadata,
    Column("thing_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(20), unique=True),
    Column("sealed", LargeBinary),
    Column("is_new", Boolean),
    Column("colour", Enum(Colour, native_enum=False)),
)
_c = thing.c
_ADD = Statement(insert(thing))
_FIND = Statement(select(thing).where(_c.thing_id == bindparam("id")))
_ALL = Statement(select(_c.thing_id, _c.name).order_by(_c.thing_id))
_ROWS: list[dict[str, Any]] = [
    {"thing_id": 1, "name": "một", "sealed": b"\x00\xff", "is_new": True, "colour": Colour.RED},
    {"thing_id": 2**53, "name": None, "sealed": b"", "is_new": False, "colour": Colour.BLUE},
    {"thing_id": -(2**62), "name": "", "sealed": None, "is_new": None, "colour": None},
]


class _Undone(Exception):
    pass


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A connection in a write transaction, with the table, which goes with the transaction."""
    with suppress(_Undone), database.transaction() as tx:
        thing.create(tx.connection)
        yield tx.connection
        raise _Undone


def test_values_of_every_type_come_back_as_sqlalchemy_would_give_them(
    connection: Connection,
) -> None:
    for row in _ROWS:
        assert _ADD.count(connection, row) == 1
    for row in _ROWS:
        found = _FIND.one_or_none(connection, {"id": row["thing_id"]})
        assert found._asdict() == row
        kept = connection.execute(select(thing).where(_c.thing_id == row["thing_id"])).one()
        assert tuple(kept) == tuple(found)
        assert [type(value) for value in kept] == [type(value) for value in found]


def test_rows_are_asked_for_in_five_ways(connection: Connection) -> None:
    for row in _ROWS:
        _ADD.count(connection, row)
    assert [row.thing_id for row in _ALL.all(connection)] == [-(2**62), 1, 2**53]
    assert _ALL.first(connection).name == ""
    assert _FIND.first(connection, {"id": 3}) is None
    assert _FIND.one_or_none(connection, {"id": 3}) is None
    assert _FIND.scalar_or_none(connection, {"id": 3}) is None
    assert _FIND.scalar_or_none(connection, {"id": 1}) == 1
    with pytest.raises(MultipleResultsFound):
        _ALL.one_or_none(connection)
    with pytest.raises(MultipleResultsFound):
        _ALL.scalar_or_none(connection)


def test_what_was_changed_is_counted_and_returned(connection: Connection) -> None:
    for row in _ROWS:
        _ADD.count(connection, row)
    age = update(thing).values(is_new=False).where(_c.is_new == bindparam("before"))
    assert Statement(age).count(connection, {"before": True}) == 1
    assert Statement(age).count(connection, {"before": True}) == 0
    paint = Statement(
        update(thing)
        .values(colour=bindparam("new_colour"))
        .where(_c.colour == Colour.RED)
        .returning(_c.thing_id, _c.colour)
    )
    (painted,) = paint.all(connection, {"new_colour": Colour.BLUE})
    assert painted == (1, Colour.BLUE)
    assert paint.all(connection, {"new_colour": Colour.RED}) == []
    assert Statement(delete(thing).returning(_c.name)).count(connection) == 3


def test_constants_stand_in_the_statement_also_several_of_them(connection: Connection) -> None:
    for row in _ROWS:
        _ADD.count(connection, row)
    asked = Statement(
        select(func.count().label("how_many"), literal("a").label("letter"))
        .where(_c.colour.in_([Colour.RED, Colour.BLUE]), _c.thing_id < bindparam("below"))
        .limit(1)
    )
    (row,) = asked.all(connection, {"below": 2**60})
    assert (row.how_many, row.letter) == (2, "a")


def test_one_parameter_may_stand_in_several_places(connection: Connection) -> None:
    for row in _ROWS:
        _ADD.count(connection, row)
    either = (_c.sealed == bindparam("octets"), _c.sealed > bindparam("octets"))
    asked = Statement(select(_c.thing_id).where(or_(*either)).order_by(_c.thing_id))
    assert asked.all(connection, {"octets": b""}) == [(1,), (2**53,)]


def test_an_insert_is_of_the_columns_that_it_is_given(connection: Connection) -> None:
    add = Statement(insert(thing))
    assert add.count(connection, {"thing_id": 1, "name": "a"}) == 1
    assert add.count(connection, {"thing_id": 2, "is_new": True}) == 1
    assert add.count(connection, {"thing_id": 3, "name": "b"}) == 1
    assert [row.name for row in _ALL.all(connection)] == ["a", None, "b"]
    with pytest.raises(KeyError):
        add.count(connection, {"thing_id": 4, "nothing": 1})


def test_text_with_columns_is_a_statement_too(connection: Connection) -> None:
    written = text("SELECT 1 + :more AS sum, :yes AS answer").bindparams(
        bindparam("more", type_=BigInteger), bindparam("yes", type_=Boolean)
    )
    asked = Statement(written.columns(sum=BigInteger, answer=Boolean))
    assert asked.one_or_none(connection, {"more": 2**40, "yes": True}) == (2**40 + 1, True)


@pytest.mark.parametrize("given", [{}, {"id": 1, "more": 2}, {"ident": 1}])
def test_parameters_that_do_not_fit_are_refused(
    connection: Connection, given: dict[str, int]
) -> None:
    with pytest.raises(KeyError):
        _FIND.all(connection, given)


def test_what_has_no_fixed_shape_is_no_statement(connection: Connection) -> None:
    varying = Statement(select(thing).where(_c.thing_id.in_(bindparam("ids", expanding=True))))
    with pytest.raises(ValueError, match="parameter_of_varying_length"):
        varying.all(connection, {"ids": [1]})
    by_python = Table("other", MetaData(), Column("at", BigInteger, default=lambda: 1))
    with pytest.raises(ValueError, match="default_of_python"):
        Statement(insert(by_python).values()).count(connection)
    with pytest.raises(TypeError):
        _ADD.all(connection, _ROWS[0])


def test_a_row_that_is_there_already_is_an_integrity_error_and_a_savepoint_helps(
    connection: Connection,
) -> None:
    _ADD.count(connection, _ROWS[0])
    with pytest.raises(IntegrityError) as refused, connection.begin_nested():
        _ADD.count(connection, _ROWS[0])
    assert "một" not in str(refused.value)  # what was sent stays out of errors
    assert _ALL.first(connection).thing_id == 1


def test_sql_that_the_database_refuses_is_an_error_of_sqlalchemy(database: Database) -> None:
    asked = Statement(text("SELECT nothing FROM nowhere").columns(nothing=BigInteger))
    refusal = StorageUnavailable if database.is_sqlite else ProgrammingError
    with pytest.raises(refusal) as refused, database.read() as connection:
        asked.all(connection)
    seen = refused.value.__cause__ if database.is_sqlite else refused.value
    assert isinstance(seen, DBAPIError)


_DIE: Final = Statement(
    text("SELECT pg_terminate_backend(pg_backend_pid()) AS ended").columns(ended=Boolean)
)
_WHO: Final = Statement(text("SELECT pg_backend_pid() AS pid").columns(pid=BigInteger))
_END: Final = Statement(
    text("SELECT pg_terminate_backend(:pid, 5000) AS ended")
    .bindparams(bindparam("pid", type_=Integer))
    .columns(ended=Boolean)
)


def test_a_server_that_goes_away_in_the_middle_of_a_statement_is_refused_and_forgotten(
    postgresql_url: str,
) -> None:
    database = Database(postgresql_url, pool_size=1)
    with pytest.raises(StorageUnavailable), database.read() as connection:
        _DIE.all(connection)
    with pytest.raises(StorageUnavailable), database.transaction() as tx:
        _DIE.all(tx.connection)
    with pytest.raises(StorageUnavailable), database.transaction() as tx, tx.savepoint():
        _DIE.all(tx.connection)
    with database.transaction() as tx:
        assert _WHO.scalar_or_none(tx.connection)
    database.close()


def test_a_connection_that_ended_while_nobody_used_it_is_refused_once(postgresql_url: str) -> None:
    database, other = Database(postgresql_url, pool_size=1), Database(postgresql_url, pool_size=1)
    with database.read() as connection:
        pid = _WHO.scalar_or_none(connection)
    with other.read() as connection:
        assert _END.scalar_or_none(connection, {"pid": pid})
    with pytest.raises(StorageUnavailable), database.transaction() as tx:
        _WHO.all(tx.connection)
    with database.read() as connection:
        assert _WHO.scalar_or_none(connection) != pid
    database.close()
    other.close()


def test_what_the_server_forgot_is_prepared_anew(postgresql_url: str) -> None:
    """What psycopg does after a ROLLBACK of its own: it throws away all that was prepared."""
    database = Database(postgresql_url, pool_size=1)
    with database.read() as connection:
        pids = [_WHO.scalar_or_none(connection) for _ in range(3)]
        connection.execute(text("DEALLOCATE ALL"))
        pids += [_WHO.scalar_or_none(connection) for _ in range(3)]
    assert len(set(pids)) == 1
    database.close()


def test_an_interrupted_statement_leaves_no_half_read_connection(postgresql_url: str) -> None:
    """A signal may end the wait for an answer, which then still comes."""
    database = Database(postgresql_url, pool_size=1)
    asleep = Statement(text("SELECT pg_sleep(0.2) IS NULL AS woke").columns(woke=Boolean))
    with database.read() as connection:
        pid = _WHO.scalar_or_none(connection)
    before = signal.signal(signal.SIGALRM, _interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt), database.read() as connection:
            asleep.all(connection)
    finally:
        signal.signal(signal.SIGALRM, before)
    with database.read() as connection:
        assert _WHO.scalar_or_none(connection) != pid
    database.close()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def test_every_statement_of_the_service_can_be_written_for_both_databases() -> None:
    """Some run once a day: they are found here, not there."""
    all_metadata()  # imports every module that may hold one
    checked = 0
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in {"idp", "keystore", "signing"}:
            for statement in vars(module).values():
                if isinstance(statement, Statement):
                    checked += 1
                    for dialect in (PGDialect_psycopg(), SQLiteDialect_pysqlite()):
                        written = statement._statement.compile(dialect=dialect)
                        names = frozenset(b.key for b in written.bind_names if b.required)
                        assert statement._compile(dialect, names).required == names
    assert checked > 50
