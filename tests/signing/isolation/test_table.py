"""Only what a module declares can be asked for, and all of it is ready before."""

from __future__ import annotations

import msgspec
import pytest

from signing.isolation.table import load_table
from signing.isolation.task import Task
from tests.support import hostile_tasks


def test_the_tasks_of_a_module_are_the_table() -> None:
    table = load_table(["tests.support.hostile_tasks"])
    declared = {one.function for one in vars(hostile_tasks).values() if isinstance(one, Task)}
    assert set(table) == declared
    entry = table[hostile_tasks.COUNT.function]
    assert entry.function is hostile_tasks.count
    assert entry.answered is hostile_tasks.Happened
    asked = hostile_tasks.Try("look", 3)
    assert entry.decode(msgspec.msgpack.encode(asked)) == asked


def test_every_task_of_the_product_has_its_function_where_parsers_are() -> None:
    table = load_table(["signing.messages"])
    assert len(table) >= 4
    assert {name.partition(":")[0].rpartition(".")[0] for name in table} == {"signing.parsing"}


def test_a_module_that_is_not_there_is_not_passed_over() -> None:
    with pytest.raises(ModuleNotFoundError):
        load_table(["signing.messages", "signing.no_such_messages"])
