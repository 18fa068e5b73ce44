"""What was missing before is missing; what is asked for later is noticed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import pytest

from signing.isolation.late_imports import ImportGate


@pytest.fixture
def gate() -> Iterator[ImportGate]:
    """A gate that is shut, and open again after the test."""
    finders = list(sys.meta_path)
    gate = ImportGate()
    gate.stand()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("missing_from_the_start")
    gate.shut()
    yield gate
    sys.meta_path[:] = finders
    sys.modules.pop("this", None)
    sys.modules.pop("made_up_later", None)


def test_a_module_that_is_there_is_no_late_one(gate: ImportGate) -> None:
    importlib.import_module("json")
    assert gate.late() is None


def test_a_module_that_was_missing_stays_so(gate: ImportGate) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("missing_from_the_start")
    assert gate.late() is None


def test_a_module_that_is_asked_for_late_is_named(gate: ImportGate) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("this")
    assert gate.late() == "this"


def test_a_module_that_came_past_the_gate_is_named(gate: ImportGate) -> None:
    sys.modules["made_up_later"] = sys
    assert gate.late() == "made_up_later"
