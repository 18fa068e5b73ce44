"""What the tests of the second-factor verifier share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.verifier import App, VerifierBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[VerifierBench]:
    """A verifier with a folder of its own."""
    bench = VerifierBench(tmp_path / "verifier")
    yield bench
    bench.memory.close()


@pytest.fixture
def app(bench: VerifierBench, now: datetime) -> App:
    """An app that was bound at proofing."""
    return bench.enrol(now=now)
