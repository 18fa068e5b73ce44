"""The provider in this process: seeded once per run, copied for each test.

Fixtures: `provider` (out of the box: SQLite and SQL), `provider_on_both` (that, and PostgreSQL with
Redis), `browser`, `https_only`.  Source: `tests/support/provider.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import IdentifierKind
from idp.registers.transport import Exchange
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.ephemeral_redis import RedisEphemeralStore
from idp.storage.ephemeral_sql import SqlEphemeralStore
from tests.support.pii_alarm import PiiAlarm
from tests.support.provider import ClientKey, Clock, Provider, make_client_key, open_services
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import PEOPLE, SECRET, seed
from tests.support.servers import PostgresqlServer, RedisServer

_START = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)

MakeProvider = Callable[..., Provider]


@pytest.fixture(scope="session")
def client_keys() -> Mapping[str, ClientKey]:
    """Keys of the clients that authenticate with one."""
    return {name: make_client_key(f"{name}-1") for name in ("keyed", "fapi")}


def _seed(database: Database, *, keys: Mapping[str, ClientKey], folder: Path) -> None:
    ephemeral = SqlEphemeralStore(f"sqlite:///{folder / 'ephemeral.db'}")
    services = open_services(
        database=database, ephemeral=ephemeral, clock=Clock(_START), folder=folder
    )
    seed(services, jwks={name: key.jwks() for name, key in keys.items()}, now=_START)
    services.close()


@pytest.fixture(scope="session")
def seeded_sqlite(
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    client_keys: Mapping[str, ClientKey],
) -> Path:
    """A SQLite file with everybody registered."""
    folder = tmp_path_factory.mktemp("seeded")
    file = folder / "antin.db"
    shutil.copyfile(sqlite_template, file)
    _seed(Database(f"sqlite:///{file}", pool_size=2), keys=client_keys, folder=folder)
    return file


@pytest.fixture(scope="session")
def seeded_postgresql(
    postgresql_server: PostgresqlServer,
    postgresql_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    client_keys: Mapping[str, ClientKey],
) -> str:
    """A PostgreSQL database with everybody registered, to be copied."""
    name = postgresql_server.make_database(postgresql_template)
    database = Database(postgresql_server.url(name), pool_size=2)
    _seed(database, keys=client_keys, folder=tmp_path_factory.mktemp("seeded_pg"))
    return name


@pytest.fixture
def make_provider(
    request: pytest.FixtureRequest, tmp_path: Path, pii_alarm: PiiAlarm
) -> Iterator[MakeProvider]:
    """Opens providers over copies of the seeded rows; all are closed at the end."""
    pii_alarm.seed(SECRET, kind="the clients' secret")
    for number, person in enumerate(PEOPLE):
        pii_alarm.seed(person.password, kind=f"password {number}")
    with ExitStack() as closing:

        def make(
            kind: str = "sqlite+sql", *, register_door: Exchange | None = None, **settings: Any
        ) -> Provider:
            database, ephemeral = _open_stores(kind, request, tmp_path)
            clock = Clock(_START)
            clock.advance(hours=1)
            services = open_services(
                database=database,
                ephemeral=ephemeral,
                clock=clock,
                folder=tmp_path,
                settings=settings,
                register_door=register_door,
            )
            closing.callback(services.close)
            for person in PEOPLE:
                found = services.people.find_by_identifier(
                    ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, person.identifier)
                )
                assert found is not None
                person.account_id = found.account_id
            return Provider(services, clock, request.getfixturevalue("client_keys"))

        yield make


def _open_stores(
    kind: str, request: pytest.FixtureRequest, folder: Path
) -> tuple[Database, EphemeralStore]:
    if kind == "sqlite+sql":
        file = folder / "antin.db"
        shutil.copyfile(request.getfixturevalue("seeded_sqlite"), file)
        return (
            Database(f"sqlite:///{file}", pool_size=8),
            SqlEphemeralStore(f"sqlite:///{folder / 'ephemeral.db'}"),
        )
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    redis: RedisServer = request.getfixturevalue("redis_server")
    redis.flush()
    name = server.make_database(request.getfixturevalue("seeded_postgresql"))
    request.addfinalizer(lambda: server.drop_database(name))
    return Database(server.url(name), pool_size=8), RedisEphemeralStore(redis.url)


@pytest.fixture
def provider(make_provider: MakeProvider) -> Provider:
    """The provider as it comes out of the box."""
    return make_provider()


@pytest.fixture(params=["sqlite+sql", "postgresql+redis"])
def provider_on_both(request: pytest.FixtureRequest, make_provider: MakeProvider) -> Provider:
    """The provider out of the box, and as in production."""
    return make_provider(request.param)


@pytest.fixture
def browser(provider: Provider) -> Browser:
    """A browser that nobody has signed in with."""
    return Browser(provider)
