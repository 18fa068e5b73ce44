"""A rule about source text: secrets are compared in constant time.

What lives here: the search for `==` and `!=` between values that are named like secrets.
Conditions in SQL pass: an index finds the row, no byte-by-byte loop of ours does.
Not here: the run over the project (`tests/house/test_comparisons.py`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

_SECRET: Final = re.compile(
    r"^(?!needs_|has_|is_)(.*_)?"
    r"(secret|password|token|hash|mac|otp|signature|verifier|challenge|csrf)$"
)
"""`digest` is not among them: most digests are public, and timing does not give away the others."""


def find_unsafe_comparisons(source: str) -> list[int]:
    """Line numbers at which `hmac.compare_digest` should stand instead of `==` or `!=`."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        if not all(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Constant) or _is_sql(side) for side in sides):
            continue
        if any(_SECRET.match(name) for side in sides for name in _last_name(side)):
            lines.append(node.lineno)
    return sorted(lines)


def _last_name(side: ast.expr) -> Iterator[str]:
    if isinstance(side, ast.Name):
        yield side.id
    elif isinstance(side, ast.Attribute):
        yield side.attr


def _is_sql(side: ast.expr) -> bool:
    """`table.c.column` and `bindparam(…)`."""
    if isinstance(side, ast.Attribute):
        return isinstance(side.value, ast.Attribute) and side.value.attr == "c"
    return (
        isinstance(side, ast.Call)
        and isinstance(side.func, ast.Name)
        and side.func.id == "bindparam"
    )
