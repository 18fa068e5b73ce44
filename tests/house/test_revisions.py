"""No revision keeps people from signing in: what takes long is built beside those who write.

What lives here: what revisions must not do to tables with rows.  Released ones are as they were.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.house.test_migrations import RELEASED, VERSIONS

_SCANS: Final[Mapping[str, str]] = {
    "create_index": "name it in INDEXES and call make_indexes",
    "create_unique_constraint": "name a unique index in INDEXES",
    "create_foreign_key": "add it NOT VALID, then validate it in a revision of its own",
    "create_check_constraint": "add it NOT VALID, then validate it in a revision of its own",
    "create_exclude_constraint": "there is no way beside those who write",
    "create_primary_key": "there is no way beside those who write",
}
"""What goes through every row while nobody may write, and what to do instead."""

_OWN: Final = sorted(file for file in VERSIONS.glob("[0-9]*.py") if file.name not in RELEASED)


@pytest.mark.parametrize("file", _OWN, ids=lambda file: str(file.stem))
def test_no_revision_locks_a_table_with_rows_for_long(file: Path) -> None:
    assert list(_found(file.read_text())) == []


@pytest.mark.parametrize("file", _OWN, ids=lambda file: str(file.stem))
def test_each_revision_says_what_it_needs(file: Path) -> None:
    said = ast.get_docstring(ast.parse(file.read_text())) or ""
    assert "\nNeeds: " in said
    assert "version before" in said.replace("\n", " ")


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("op.create_index('i', 'log_event', ['at_ms'])", 1),
        ("op.create_index('i', table_name='log_event', columns=['at_ms'])", 1),
        ("with op.batch_alter_table('log_event') as one:\n  one.create_index('i', ['a'])", 1),
        ("op.execute('CREATE UNIQUE INDEX i ON log_event (at_ms)')", 1),
        ("op.get_bind().exec_driver_sql('create  index i on log_event (at_ms)')", 1),
        ("op.create_foreign_key('f', 'mandate', 'account', ['a'], ['b'])", 1),
        ("op.add_column('account', sa.Column('a', sa.String(3), index=True))", 1),
        ("op.add_column('account', sa.Column('a', sa.String(3), unique=True))", 1),
        ("op.alter_column('account', 'a', nullable=False)", 1),
        ("op.alter_column('account', 'a', type_=sa.Text())", 1),
        ("op.create_table('new')\nop.create_index('i', 'new', ['a'])", 0),
        ("op.add_column('account', sa.Column('a', sa.String(3)))", 0),
        ("op.alter_column('account', 'a', server_default=None)", 0),
        ("make_indexes(INDEXES)", 0),
    ],
)  # fmt: skip
def test_what_locks_is_recognized(body: str, count: int) -> None:
    assert len(list(_found(body))) == count


def _found(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)]
    new = {_text(one.args[0]) for one in calls if _called(one) == "create_table"}
    batched = dict(_batched(tree))
    for call in calls:
        name = _called(call)
        table = batched.get(call) or _table(call, at=0 if name in _AT_FIRST else 1)
        if name in _SCANS and table not in new:
            yield f"line {call.lineno}, {name} on {table}: {_SCANS[name]}"
        if name == "add_column" and table not in new and _has_keys(call):
            yield f"line {call.lineno}: its index is named in INDEXES of a later revision"
        if name == "alter_column" and {"nullable", "type_"} & _keywords(call):
            yield f"line {call.lineno}: every row is read or written anew while nobody may write"
    for text in (one.value for one in ast.walk(tree) if isinstance(one, ast.Constant)):
        words = text.upper().split() if isinstance(text, str) else []
        if words[:1] == ["CREATE"] and "INDEX" in words[1:3]:
            yield f"{text!r}: {_SCANS['create_index']}"


_AT_FIRST: Final = frozenset({"add_column", "alter_column"})
"""Whose first argument is the table; of the others it is the second."""


def _batched(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Each node inside of `with op.batch_alter_table(…)`, and the table."""
    for one in ast.walk(tree):
        if isinstance(one, ast.With):
            for item in one.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and _called(call) == "batch_alter_table":
                    yield from ((node, _text(call.args[0])) for node in ast.walk(one))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _table(call: ast.Call, *, at: int) -> str:
    named = next((one.value for one in call.keywords if one.arg == "table_name"), None)
    found = named or (call.args[at] if len(call.args) > at else None)
    return "" if found is None else _text(found)


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _keywords(call: ast.Call) -> set[str]:
    return {str(one.arg) for one in call.keywords}


def _has_keys(call: ast.Call) -> bool:
    columns = [one for one in ast.walk(call) if isinstance(one, ast.Call) and one is not call]
    return any({"index", "unique", "primary_key"} & _keywords(one) for one in columns)
