"""The clock: its wire carries short strings, and losing a hint is nobody's failure."""

from __future__ import annotations

import json
import pickle  # noqa: TID251  to show that it is refused
from collections.abc import Iterator
from pathlib import Path

import pytest
from huey.exceptions import HueyException

from idp.work import Clock, open_clock
from idp.work.clock import WireSerializer
from tests.support.ports import free_port
from tests.support.servers import RedisServer


@pytest.fixture(params=["sqlite", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clock]:
    if request.param == "sqlite":
        clock = open_clock(f"sqlite:///{tmp_path / 'queue.db'}")
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        server.flush()
        clock = open_clock(server.url)
    yield clock
    clock.close()


def _run_all(clock: Clock) -> None:
    while (task := clock.huey.dequeue()) is not None:
        clock.huey.execute(task)


def test_hints_arrive_with_their_ids(opened: Clock) -> None:
    heard: list[tuple[str, ...]] = []
    opened.answer(
        wake=lambda *ids: heard.append(("wake", *ids)),
        sweep=lambda: heard.append(("sweep",)),
        duty=lambda name: heard.append(("duty", name)),
    )
    opened.wake(["job_a", "job_b"])
    opened.sweep()
    opened.start_duty("purge")
    assert opened.count_waiting() == 3
    _run_all(opened)
    assert heard == [("wake", "job_a", "job_b"), ("sweep",), ("duty", "purge")]


def test_many_ids_are_several_hints(opened: Clock) -> None:
    heard: list[str] = []
    opened.answer(wake=lambda *ids: heard.extend(ids), sweep=list, duty=str)
    ids = [f"job_{number:032x}" for number in range(250)]
    opened.wake(ids)
    assert opened.count_waiting() == 3
    _run_all(opened)
    assert heard == ids


def test_the_wire_is_json(opened: Clock) -> None:
    opened.wake(["job_a"])
    [raw] = opened.huey.storage.enqueued_items()
    name, _message_id, arguments = json.loads(bytes(raw))
    assert (name, arguments) == ("wake", ["job_a"])


@pytest.mark.parametrize(
    "raw",
    [
        pickle.dumps(["wake", "id", []]),
        b"",
        b"null",
        b"{}",
        b'["wake", "id"]',
        b'["unknown", "id", []]',
        b'["wake", 1, []]',
        b'["wake", "id", [1]]',
        b'["wake", "id", {"a": "b"}]',
        b'["wake", "id", ["with space"]]',
        b'["wake", "id", [["nested"]]]',
        b'["wake", "id", ["' + b"a" * 81 + b'"]]',
        b'["wake", "id", []]' + b" " * 20_000,
        b"\xff",
    ],
    ids=str,
)
def test_anything_else_on_the_wire_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"message|JSON|Expecting|Extra|decode|utf"):
        WireSerializer().deserialize(raw)


def test_what_is_refused_is_dropped_and_what_follows_is_heard(opened: Clock) -> None:
    heard: list[str] = []
    opened.answer(wake=lambda *ids: heard.extend(ids), sweep=list, duty=str)
    opened.huey.storage.enqueue(pickle.dumps("code"))
    opened.wake(["job_a"])
    with pytest.raises(ValueError, match=r"JSON|Expecting|decode|utf"):
        opened.huey.dequeue()
    _run_all(opened)
    assert heard == ["job_a"]


def test_a_task_of_another_name_does_not_leave(opened: Clock) -> None:
    def other() -> None:
        """Not one of ours."""

    task = opened.huey.task(name="other")(other)
    with pytest.raises((ValueError, HueyException)):
        task()


def test_an_act_does_not_fail_because_the_clock_is_away() -> None:
    clock = open_clock(f"redis://127.0.0.1:{free_port()}/0")
    clock.wake(["job_a"])
    clock.sweep()
    clock.start_duty("purge")
    clock.close()


def test_a_clock_whose_server_was_restarted_works_again(own_redis: RedisServer) -> None:
    clock = open_clock(own_redis.url)
    clock.wake(["job_a"])
    own_redis.stop()
    clock.wake(["job_b"])
    own_redis.start()
    clock.wake(["job_c"])
    assert clock.count_waiting() == 1
    clock.close()


def test_results_are_kept_nowhere(opened: Clock) -> None:
    opened.answer(wake=lambda *ids: "result", sweep=list, duty=str)
    opened.wake(["job_a"])
    _run_all(opened)
    assert opened.huey.storage.result_store_size() == 0
