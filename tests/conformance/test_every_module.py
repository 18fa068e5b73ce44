"""The tests beside this file are the modules of the official plans, no more and no fewer."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_BASIC: Final = "oidcc-basic-certification-test-plan"


def _modules_tested() -> dict[str, tuple[bool, str]]:
    """Module name → whether it also runs with form_post, and the test's docstring."""
    found: dict[str, tuple[bool, str]] = {}
    for file in sorted(_HERE.glob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            for mark in getattr(node, "decorator_list", []):
                if isinstance(node, ast.FunctionDef) and isinstance(mark, ast.Call):
                    name = ast.literal_eval(mark.args[0])
                    form_post = any(word.arg == "form_post" for word in mark.keywords)
                    assert name not in found, f"{name} is tested twice"
                    found[name] = (form_post, ast.get_docstring(node) or "")
    return found


def _modules_listed() -> dict[str, str]:
    """Module name → plan, as the certification programme lists them."""
    lines = (_HERE / "modules.tsv").read_text(encoding="utf-8").splitlines()[1:]
    pairs = [line.split("\t") for line in lines]
    return {module: plan for plan, module in pairs}


def test_every_official_module_is_a_test_of_that_name() -> None:
    """None is left out and none is invented; the basic plan runs with form_post as well."""
    tested, listed = _modules_tested(), _modules_listed()
    assert set(tested) == set(listed)
    for name, (form_post, _) in tested.items():
        assert form_post == (listed[name] == _BASIC), name


def test_every_module_names_the_section_it_tests() -> None:
    """The docstrings are the list of what is held."""
    for name, (_, docstring) in _modules_tested().items():
        assert "§" in docstring, name
