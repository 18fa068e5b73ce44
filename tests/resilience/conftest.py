"""The provider under races and losses, on both deployments.

Fixtures: `twins`, two of the provider in this process over one state, with one clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.ephemeral_redis import RedisEphemeralStore
from idp.storage.ephemeral_sql import SqlEphemeralStore
from tests.support.pii_alarm import PiiAlarm
from tests.support.provider import Clock, Provider, make_client_key, open_services
from tests.support.provider_seeds import PEOPLE, SECRET, seed
from tests.support.racing import Twins
from tests.support.stores import StoreUrls

_CONNECTIONS = 16


@pytest.fixture
def twins(store_urls: StoreUrls, tmp_path: Path, pii_alarm: PiiAlarm) -> Iterator[Twins]:
    """Two of the provider over one fresh state, once per deployment."""
    pii_alarm.seed(SECRET, kind="the clients' secret")
    for number, person in enumerate(PEOPLE):
        pii_alarm.seed(person.password, kind=f"password {number}")
    clock = Clock(datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC))
    keys = {name: make_client_key(f"{name}-1") for name in ("keyed", "fapi")}
    opened = [
        open_services(
            database=Database(store_urls.database, pool_size=_CONNECTIONS),
            ephemeral=_ephemeral(store_urls.ephemeral),
            clock=clock,
            folder=tmp_path,
        )
        for _ in range(2)
    ]
    seed(opened[0], jwks={name: key.jwks() for name, key in keys.items()}, now=clock.now)
    clock.advance(minutes=1)
    one, other = (Provider(services, clock, keys) for services in opened)
    yield Twins(one, other, clock)
    for services in opened:
        services.close()


def _ephemeral(url: str) -> EphemeralStore:
    if url.startswith("redis"):
        return RedisEphemeralStore(url)
    return SqlEphemeralStore(url, pool_size=_CONNECTIONS)
