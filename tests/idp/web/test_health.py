"""Liveness asks nobody; readiness asks the stores, but not for every caller."""

from __future__ import annotations

import threading

from idp.web.health import Health
from tests.support.servers import wait_until


def test_process_is_ready_while_every_store_answers():
    health = Health({"a": lambda: True, "b": lambda: True}, is_draining=lambda: False)
    assert health.is_ready()
    assert not Health({"a": lambda: True, "b": lambda: False}, is_draining=bool).is_ready()


def test_process_that_drains_is_not_ready():
    assert not Health({"a": lambda: True}, is_draining=lambda: True).is_ready()


def test_stores_are_asked_once_for_many_callers():
    asked = iter(range(20))
    health = Health({"a": lambda: next(asked) == 0}, is_draining=bool)
    assert all(health.is_ready() for _ in range(20))
    assert next(asked) == 1


def test_store_that_hangs_holds_one_caller_and_not_the_others():
    came, go_on = threading.Event(), threading.Event()

    def hang() -> bool:
        came.set()
        go_on.wait(120)
        return False

    health = Health({"a": hang}, is_draining=bool)
    health._details = {"a": True}
    first = threading.Thread(target=health.is_ready)
    first.start()
    try:
        assert came.wait(120)
        assert health.is_ready()
    finally:
        go_on.set()
        first.join()
    wait_until(lambda: not health.is_ready(), what="the news")


def test_public_answers_say_one_word(worker):
    assert worker.get("/healthz").get_data() == b"ok\n"
    assert worker.get("/readyz").get_data() == b"ready\n"
    worker.is_draining = True
    answer = worker.get("/readyz")
    assert (answer.status_code, answer.get_data()) == (503, b"unavailable\n")
    assert worker.get("/healthz").status_code == 200
    assert worker.get("/help").status_code == 200


def test_metrics_are_not_on_the_public_port(worker):
    assert worker.get("/metrics").status_code == 404
