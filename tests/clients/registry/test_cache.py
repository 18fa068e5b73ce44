"""Lookups from memory: never older than allowed, never more than allowed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from clients.registry.cache import TimedCache

_AGE = timedelta(seconds=5)


class Source:
    """What lies behind the cache, and how often it was asked."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.asked = 0

    def __call__(self, key: str) -> str | None:
        self.asked += 1
        return self.values.get(key)


@pytest.fixture
def source() -> Source:
    return Source()


def test_a_value_is_read_once_and_again_when_it_is_old(source: Source, now: datetime) -> None:
    cache: TimedCache[str] = TimedCache(max_age=_AGE)
    source.values["a"] = "one"
    assert cache.get("a", source, now=now) == "one"
    source.values["a"] = "two"
    assert cache.get("a", source, now=now + _AGE - timedelta(microseconds=1)) == "one"
    assert source.asked == 1
    assert cache.get("a", source, now=now + _AGE) == "two"


def test_what_was_not_there_is_asked_for_again_when_that_is_old(
    source: Source, now: datetime
) -> None:
    cache: TimedCache[str] = TimedCache(max_age=_AGE)
    assert cache.get("a", source, now=now) is None
    source.values["a"] = "one"
    assert cache.get("a", source, now=now) is None
    assert source.asked == 1
    assert cache.get("a", source, now=now + _AGE) == "one"


def test_a_clock_that_steps_back_does_not_prolong_a_value(source: Source, now: datetime) -> None:
    cache: TimedCache[str] = TimedCache(max_age=_AGE)
    source.values["a"] = "one"
    cache.get("a", source, now=now)
    cache.get("b", source, now=now)
    source.values.update(a="two", b="two")
    earlier = now - timedelta(hours=1)
    assert cache.get("a", source, now=earlier) == "two"
    assert cache.get("b", source, now=earlier) == "two"


def test_invented_keys_fill_neither_memory_nor_the_room_of_real_ones(
    source: Source, now: datetime
) -> None:
    cache: TimedCache[str] = TimedCache(max_age=_AGE, most_absent=10)
    source.values["real"] = "one"
    cache.get("real", source, now=now)
    for number in range(1000):
        assert cache.get(f"invented {number}", source, now=now) is None
    assert len(cache) == 11
    asked = source.asked
    assert cache.get("real", source, now=now) == "one"
    assert source.asked == asked


def test_real_keys_are_bounded_too(source: Source, now: datetime) -> None:
    cache: TimedCache[str] = TimedCache(max_age=_AGE, most_entries=10)
    for number in range(50):
        source.values[str(number)] = "x"
        cache.get(str(number), source, now=now)
    assert len(cache) == 10


def test_a_change_that_commits_while_the_old_value_is_read_is_not_hidden(
    source: Source, now: datetime
) -> None:
    cache: TimedCache[str] = TimedCache(max_age=_AGE)
    source.values["a"] = "old"

    def read_while_it_changes(key: str) -> str | None:
        value = source(key)
        source.values["a"] = "new"
        cache.drop_all()
        return value

    assert cache.get("a", read_while_it_changes, now=now) == "old"
    assert cache.get("a", source, now=now) == "new"


def test_many_threads_read_and_change_at_once(now: datetime) -> None:
    cache: TimedCache[str] = TimedCache(max_age=_AGE, most_absent=5, most_entries=5)
    failures: list[Exception] = []

    def in_thread(act: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                for _ in range(300):
                    act()
            except Exception as failure:  # noqa: BLE001 - handed to the test
                failures.append(failure)

        return threading.Thread(target=run)

    def read() -> None:
        for key in range(10):
            found = cache.get(str(key), lambda key: key if int(key) % 2 else None, now=now)
            assert found == (str(key) if key % 2 else None)

    threads = [in_thread(read) for _ in range(4)] + [in_thread(cache.drop_all)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
