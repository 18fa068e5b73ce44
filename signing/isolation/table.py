"""Which functions there are behind the walls.

What lives here: the table from a task's name to its function, made once from the modules that
declare tasks, before any document is near.  A name that is not in it is not looked for.
Not here: tasks themselves (`signing/messages`).
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, BinaryIO, Final

import msgspec

from signing.isolation.task import Task

MESSAGES: Final = "signing.messages"
"""The package whose modules declare the tasks of the product."""

Function = Callable[[Any, Sequence[memoryview], BinaryIO], msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Entry:
    """A task's function, and how its argument is read."""

    function: Function
    decode: Callable[[bytes], Any]
    answered: type[msgspec.Struct]


def load_table(names: Sequence[str]) -> Mapping[str, Entry]:
    """Import every module that declares tasks, and every function of these.

    Takes   names: modules, or packages with all their modules.
    Whatever these import or open late has to be there before nothing can be opened any more: each
    module with a function, and the module `warm_up` beside it, may have a function `warm_up()`,
    which is called.
    """
    tasks = {
        found.function: found
        for name in names
        for module in _modules(name)
        for found in vars(module).values()
        if isinstance(found, Task)
    }
    table: dict[str, Entry] = {}
    warming: dict[str, Callable[[], None]] = {}
    for task in tasks.values():
        place, _, name = task.function.partition(":")
        module = importlib.import_module(place)
        decode = msgspec.msgpack.Decoder(task.asked).decode
        table[task.function] = Entry(getattr(module, name), decode, task.answered)
        beside = f"{place.rpartition('.')[0]}.warm_up"
        for one in (place, beside):
            if one not in warming and importlib.util.find_spec(one) is not None:
                warming[one] = getattr(importlib.import_module(one), "warm_up", _nothing)
    for warm_up in warming.values():
        warm_up()
    return table


def _nothing() -> None:
    """What a module needs that has nothing to warm up."""


def _modules(name: str) -> Iterator[ModuleType]:
    module = importlib.import_module(name)
    yield module
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}."):
        yield importlib.import_module(found.name)
