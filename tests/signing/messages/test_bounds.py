"""What comes back is bounded before it is decoded: an answer of nothing is still memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from signing.errors import ParsingFailed
from signing.isolation import wire
from signing.isolation.child_process import _read
from signing.isolation.table import MESSAGES, _modules
from signing.isolation.task import Task
from signing.messages.pdf_intake import PageShape, PdfFacts

_TASKS = {
    found.function: found
    for module in _modules(MESSAGES)
    for found in vars(module).values()
    if isinstance(found, Task)
}


def _unbounded(kind: inspect.Type, place: str, depth: int = 0) -> Iterator[str]:
    """Every text, octets and tuple inside that may be of any length."""
    assert depth < 20
    if isinstance(kind, inspect.StructType):
        for one in kind.fields:
            yield from _unbounded(one.type, f"{place}.{one.name}", depth + 1)
    elif isinstance(kind, inspect.TupleType):
        for part in kind.item_types:
            yield from _unbounded(part, place, depth + 1)
    elif isinstance(kind, inspect.UnionType):
        for part in kind.types:
            yield from _unbounded(part, place, depth + 1)
    elif isinstance(kind, inspect.StrType | inspect.BytesType | inspect.VarTupleType):
        if kind.max_length is None:
            yield place
        if isinstance(kind, inspect.VarTupleType):
            yield from _unbounded(kind.item_type, place, depth + 1)
    else:
        assert isinstance(
            kind, inspect.BoolType | inspect.IntType | inspect.FloatType | inspect.NoneType
        )


@pytest.mark.parametrize("name", sorted(_TASKS))
def test_nothing_in_an_answer_may_be_of_any_length(name: str) -> None:
    answered: Any = _TASKS[name].answered
    assert list(_unbounded(inspect.type_info(answered), answered.__name__)) == []


def test_an_answer_of_too_many_things_is_not_built() -> None:
    shape = PageShape(0, 0, 1, 1, 0, 1.0)
    facts = PdfFacts("1.7", "", 1, (shape,) * 10_001, (), (), "", "", False, False, False)
    body = wire.encode(wire.Answered(msgspec.Raw(wire.encode(facts))))
    with pytest.raises(ParsingFailed, match="contradiction"):
        _read(body, PdfFacts)
