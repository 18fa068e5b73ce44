"""Times of one host are ordered, also between threads and processes, also after a restart."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keystore.time.errors import TimeNotAvailable
from keystore.time.order import StrictOrder

_US = timedelta(microseconds=1)


@pytest.fixture
def order(tmp_path: Path) -> Iterator[StrictOrder]:
    made = StrictOrder(tmp_path / "order")
    yield made
    made.close()


def test_the_same_instant_is_never_given_twice(order: StrictOrder, now: datetime) -> None:
    assert [order(now) for _ in range(3)] == [now, now + _US, now + 2 * _US]
    assert order(now + timedelta(seconds=1)) == now + timedelta(seconds=1)


def test_a_thread_that_is_late_is_moved_on(order: StrictOrder, now: datetime) -> None:
    order(now)
    assert order(now - timedelta(milliseconds=99)) == now + _US


def test_a_clock_that_is_further_back_is_not_ordered_but_refused(
    order: StrictOrder, now: datetime
) -> None:
    order(now)
    with pytest.raises(TimeNotAvailable):
        order(now - timedelta(milliseconds=101))
    assert order(now) == now + _US


def test_a_restart_does_not_forget(order: StrictOrder, now: datetime, tmp_path: Path) -> None:
    order(now)
    again = StrictOrder(tmp_path / "order")
    assert again(now) == now + _US
    again.close()
    assert (tmp_path / "order").stat().st_mode & 0o777 == 0o600


def test_threads_and_processes_share_one_order(
    order: StrictOrder, now: datetime, tmp_path: Path
) -> None:
    program = (
        "import sys; from datetime import datetime; from pathlib import Path\n"
        "from keystore.time.order import StrictOrder\n"
        "order = StrictOrder(Path(sys.argv[1]))\n"
        "now = datetime.fromisoformat(sys.argv[2])\n"
        "print(*(order(now).isoformat() for _ in range(500)))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "order"), now.isoformat()]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    with ThreadPoolExecutor(4) as threads:
        given = list(threads.map(lambda _: order(now), range(1000)))
    for other in others:
        out, _ = other.communicate(timeout=600)
        theirs = [datetime.fromisoformat(one) for one in out.split()]
        assert theirs == sorted(theirs)
        given += theirs
    assert len(set(given)) == 2000
    assert max(given) == now + 1999 * _US
