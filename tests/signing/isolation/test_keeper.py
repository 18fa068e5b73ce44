"""A thread that does what it is told, and tidies up in between."""

from __future__ import annotations

import threading

import pytest

from signing.isolation.keeper import Keeper


def test_everything_is_done_by_one_thread_that_stays() -> None:
    keeper = Keeper(lambda: None, every_s=60)
    names = {keeper.call(threading.get_ident) for _ in range(3)}
    assert len(names) == 1
    assert threading.get_ident() not in names
    keeper.close()


def test_what_goes_wrong_is_told_to_who_ordered_it_and_the_thread_goes_on() -> None:
    keeper = Keeper(lambda: None, every_s=60)
    with pytest.raises(ZeroDivisionError):
        keeper.call(lambda: 1 // 0)
    assert keeper.call(lambda: 1) == 1
    keeper.close()


def test_it_tidies_up_again_and_again_even_after_a_failure() -> None:
    tidied = threading.Semaphore(0)

    def tidy() -> None:
        tidied.release()
        raise OSError

    keeper = Keeper(tidy, every_s=0.001)
    assert tidied.acquire(timeout=60)
    assert tidied.acquire(timeout=60)
    keeper.close()


def test_nobody_waits_for_a_thread_that_has_ended() -> None:
    keeper = Keeper(lambda: None, every_s=60)
    keeper.close()
    with pytest.raises(RuntimeError):
        keeper.call(lambda: 1)
