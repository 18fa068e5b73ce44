"""The table of settings in the operator's guide, made from the settings themselves.

What lives here: reading the docstring below each attribute, and the table between two marks of
`docs/guides/operator.md`.  `python -m tests.support.settings_table` writes it; a test compares.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from pathlib import Path
from typing import Any, Final

import msgspec

from idp.settings import Settings
from tests.support.tree import ROOT

GUIDE: Final = ROOT / "docs" / "guides" / "operator.md"
_MARKED: Final = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)


def said_of_settings() -> dict[str, str]:
    """Attribute → its docstring on one line, in the order of the classes."""
    said: dict[str, str] = {}
    for part in Settings.__mro__:
        if part.__module__.startswith("idp."):
            said.update(_said_of(part))
    return said


def _said_of(part: type) -> dict[str, str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(part)))
    (declared,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    said: dict[str, str] = {}
    for one, below in zip(declared.body, [*declared.body[1:], None], strict=True):
        if not isinstance(one, ast.AnnAssign) or not isinstance(one.target, ast.Name):
            continue
        text = ""
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            text = " ".join(str(below.value.value).split())
        said[one.target.id] = text
    return said


def settings_table() -> str:
    """The table, one row for each setting."""
    defaults = {field.name: _default(field) for field in msgspec.structs.fields(Settings)}
    rows = ["| variable | default | what it sets |", "|---|---|---|"]
    for name, text in said_of_settings().items():
        shown = f"`{defaults[name]}`" if defaults[name] else ""
        rows.append(f"| `ANTIN_{name.upper()}` | {shown} | {text} |")
    return "\n".join(rows) + "\n"


def _default(field: Any) -> str:
    value = field.default
    if value is msgspec.NODEFAULT or value is None or value in {"", ()}:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.as_posix() if isinstance(value, Path) else str(value)


def with_table(guide: str) -> str:
    """The guide with the table of now."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{settings_table()}\n{found[2]}", guide)


def main() -> int:
    """Rewrite the guide."""
    GUIDE.write_text(with_table(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
