"""In which order the tests run: at random, but the slow ones first, and beside what they share.

What lives here: one hook.  Several workers each begin with one kind of test: those over the
sandbox, those of the outside suites, those that kill processes, those that start commands, and the
longest that reckon.  What such a kind shares is then started in one worker instead of in all of
them; half a minute that one of them waits passes beside the others; and no long test comes last,
when the other workers have nothing left to do.  Everything else stays in the order that was drawn.
Not here: drawing it (pytest-randomly), handing tests out (pytest-xdist, which gives each worker an
equal part of the list and lets whoever is ready take from the end of another's).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, Protocol, TypeVar

import pytest


class Named(Protocol):
    """A test, as far as its order goes."""

    @property
    def nodeid(self) -> str:
        """Its file and name."""


_Test = TypeVar("_Test", bound=Named)


def _needs(fixture: str) -> Callable[[Named], bool]:
    return lambda item: fixture in getattr(item, "fixturenames", ())


def _is_in(*folders: str) -> Callable[[Named], bool]:
    places = tuple(f"tests/{folder}" for folder in folders)
    return lambda item: item.nodeid.startswith(places)


_FIRST: Final[Sequence[Callable[[Named], bool]]] = (
    _is_in("conformance/", "interop/", "relying_party/"),
    _needs("running_sandbox"),
    _is_in("resilience/", "journeys/", "browser/test_journey"),
    _is_in("browser/", "idp/cli/", "keystore/backends/test_token", "keystore/signer/"),
    # one worker more has something to reckon while these wait
    _is_in(
        "signing/formats/test_pades_programs", "vectors/test_verdicts", "idp/storage/test_upgrade"
    ),
)
_LONG: Final = _is_in(
    "browser/test_pages_rules",
    "journeys/test_restart",
    "resilience/test_k",
    "resilience/test_rolling_restart",
    "resilience/test_signing_killed",
)
"""Tests of half a minute and more: one that comes last keeps everybody waiting."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each worker's part of the list its beginning."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = ordered(items, workers=workers)


def _when(item: Named) -> tuple[bool, bool]:
    """Within its kind: what waits last, what is long first."""
    return _needs("waiting")(item), not _LONG(item)


def ordered(items: Sequence[_Test], *, workers: int) -> list[_Test]:
    """The same tests for so many workers, of whom each gets an equal part in one piece."""
    beginnings: list[list[_Test]] = [[] for _ in range(workers)]
    kinds: list[list[_Test]] = [[] for _ in _FIRST]
    others: list[_Test] = []
    for item in items:
        found = next((kind for kind, is_one in enumerate(_FIRST) if is_one(item)), None)
        (others if found is None else kinds[found]).append(item)
    for number, kind in enumerate(kinds):
        # a module that waits begins its wait with the first of its kind and looks at the end
        beginnings[number % workers] += sorted(kind, key=_when)
    made: list[_Test] = []
    rest = iter(others)
    for number, beginning in enumerate(beginnings, start=1):
        made += beginning
        made += islice(rest, max(0, number * len(items) // workers - len(made)))
    return [*made, *rest]
