"""No module is imported once documents are near: such an import is a fault, never a degradation.

What lives here: `ImportGate`, the last of Python's finders while everything is warmed up, and the
only one afterwards.  A library that asks for a module late finds nothing to open behind the walls;
most then go on with less and answer wrongly.  What was missing already before is missing rightly.
Source: Python, `importlib.abc.MetaPathFinder`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class ImportGate:
    """Remembers what is not there, then lets nothing else in."""

    def __init__(self) -> None:
        self._missing: set[str] = set()
        self._late: list[str] = []
        self._known: frozenset[str] = frozenset()
        self._is_shut = False

    def stand(self) -> None:
        """Take a place behind the other finders."""
        sys.meta_path.append(self)

    def shut(self) -> None:
        """From now on every module is there or is not."""
        sys.meta_path[:] = [self]
        self._known = frozenset(sys.modules)
        self._is_shut = True

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Nothing; see `importlib.abc.MetaPathFinder`."""
        if not self._is_shut:
            self._missing.add(name)
        elif name not in self._missing:
            self._late.append(name)
        return None

    def late(self) -> str | None:
        """The first module that was asked for, or that appeared, since the gate was shut."""
        if self._late:
            return self._late[0]
        if len(sys.modules) == len(self._known):
            return None
        return next(iter(sorted(set(sys.modules) ^ self._known)), None)
