"""The connections to SQL."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
from sqlalchemy.pool import PoolProxiedConnection

from idp.storage.database import Database
from idp.storage.ephemeral_sql import SqlEphemeralStore


def _option(pooled: PoolProxiedConnection, name: int, *, level: int = socket.IPPROTO_TCP) -> int:
    raw: Any = pooled.driver_connection
    with socket.socket(fileno=os.dup(raw.fileno())) as wire:
        return wire.getsockopt(level, name)


@pytest.mark.parametrize("make", [Database, SqlEphemeralStore])
def test_a_postgresql_whose_host_vanishes_is_noticed_within_seconds(
    make: type[Database | SqlEphemeralStore], postgresql_url: str
) -> None:
    """Cut off without a word, a connection would hold its thread for hours."""
    opened: Any = make(postgresql_url)
    engine = opened.engine if isinstance(opened, Database) else opened._engine
    pooled = engine.raw_connection()
    assert _option(pooled, socket.SO_KEEPALIVE, level=socket.SOL_SOCKET) == 1
    assert _option(pooled, socket.TCP_KEEPIDLE) == 10
    assert _option(pooled, socket.TCP_KEEPINTVL) * _option(pooled, socket.TCP_KEEPCNT) == 15
    assert _option(pooled, socket.TCP_USER_TIMEOUT) == 10_000
    pooled.close()
    opened.close()
