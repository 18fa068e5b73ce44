"""Views say what is to happen; when it is written, and what with, is decided behind them."""

from __future__ import annotations

import ast

from tests.support.tree import name_of, python_files

_OF_A_DATABASE = frozenset({"read", "statement", "transaction"})


def _openings(source: str) -> list[int]:
    """The lines with `….database.read` or one of its like, or any `.transaction`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in _OF_A_DATABASE:
            owner = node.value
            named = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if node.attr == "transaction" or named.strip("_") == "database":
                found.append(node.lineno)
    return found


def test_no_view_opens_a_transaction_or_reads_the_database() -> None:
    """What one act writes must be seen in one place to be one transaction."""
    found = [
        f"{name_of(file)}:{line}"
        for file in python_files("idp/web")
        for line in _openings(file.read_text(encoding="utf-8"))
    ]
    assert not found, "a use case does this"


def test_the_test_before_sees_what_it_looks_for() -> None:
    for source in ("services.database.read()", "self._database.statement()", "x.transaction()"):
        assert _openings(source)
    assert not _openings("body.read(5)")
