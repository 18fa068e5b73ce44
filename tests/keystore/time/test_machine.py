"""Two clocks are read together, or as nearly so as a busy machine allows."""

from __future__ import annotations

from collections.abc import Iterator

from keystore.time.machine import MachineClock, Sample

_MS = 1_000_000


def _clock(ticks: Iterator[int]) -> tuple[MachineClock, list[int]]:
    asked: list[int] = []

    def wall() -> int:
        asked.append(1)
        return len(asked) * 1000

    return MachineClock(wall, lambda: next(ticks)), asked


def test_a_reading_that_was_not_disturbed_is_taken() -> None:
    clock, asked = _clock(iter([10, 20]))
    assert clock.sample() == Sample(1000, ticks_ns=15, spread_ns=10)
    assert len(asked) == 1


def test_a_thread_that_was_put_aside_reads_again() -> None:
    clock, asked = _clock(iter([0, 9 * _MS, 10 * _MS, 10 * _MS + 4]))
    assert clock.sample() == Sample(2000, ticks_ns=10 * _MS + 2, spread_ns=4)
    assert len(asked) == 2


def test_of_readings_that_were_all_disturbed_the_best_is_taken() -> None:
    places = [0, 9 * _MS, 20 * _MS, 23 * _MS, 30 * _MS, 38 * _MS]
    clock, _ = _clock(iter([*places, *(place * _MS for place in range(40, 90, 7))]))
    assert clock.sample().spread_ns == 3 * _MS


def test_the_machines_own_clocks_go_on() -> None:
    clock = MachineClock()
    first, second = clock.sample(), clock.sample()
    assert second.ticks_ns >= first.ticks_ns
    assert first.instant.tzinfo is not None
