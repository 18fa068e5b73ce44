"""Walls with hostile functions behind them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signing.isolation.pool import IsolationPool, Walls

HOSTILE = "tests.support.hostile_tasks"


@pytest.fixture(scope="module")
def pool() -> Iterator[IsolationPool]:
    """One process, short of memory; of time there is enough on the busiest machine."""
    walls = Walls(processes=1, seconds=60, start_s=300, memory_bytes=128 << 20, modules=(HOSTILE,))
    with IsolationPool(walls) as pool:
        yield pool
