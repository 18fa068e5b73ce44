"""Marks by which tests are chosen: one that no test carries chooses nothing, and looks as if."""

from __future__ import annotations

import tomllib

from tests.support.tree import ROOT, python_files


def test_every_declared_mark_is_on_a_test() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = settings["tool"]["pytest"]["ini_options"].get("markers", [])
    text = "".join(file.read_text(encoding="utf-8") for file in python_files("tests"))
    unused = [
        name for line in declared for name in [line.split(":")[0]] if f"mark.{name}" not in text
    ]
    assert not unused
