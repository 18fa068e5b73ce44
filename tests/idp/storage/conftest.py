"""The ephemeral store in its three forms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from idp.storage.ephemeral import EphemeralStore
from idp.storage.ephemeral_redis import RedisEphemeralStore
from idp.storage.ephemeral_sql import SqlEphemeralStore
from tests.support.servers import RedisServer


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EphemeralStore]:
    """An empty store: what passes on all three may be relied on everywhere."""
    made: SqlEphemeralStore | RedisEphemeralStore
    if request.param == "sqlite":
        made = SqlEphemeralStore(f"sqlite:///{tmp_path / 'ephemeral.db'}", pool_size=16)
    elif request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql_url")
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS ephemeral"))
        engine.dispose()
        made = SqlEphemeralStore(url, pool_size=16)
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        server.flush()
        made = RedisEphemeralStore(server.url)
    yield made
    made.close()
