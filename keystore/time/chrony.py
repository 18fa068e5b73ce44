"""Asking the chrony of this host, which can authenticate its sources (NTS).

What lives here: three reports of `chronyc` and what follows from them.  chronyd has already found
the majority among its sources; here it is only believed if there are three or more, or if those it
follows are authenticated.  `authdata` is for root and the user of chrony alone: where it is refused
nothing counts as authenticated.
Source: chronyc(1), reports `tracking`, `sources`, `authdata` with `-c -n`; RFC 8915 (NTS).
Not here: setting the clock, which is chronyd's.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from keystore.time.errors import NoMajority, SourcesUnsynchronised, SourceUnavailable
from keystore.time.majority import Leap, Measurement
from keystore.time.ntp import FEWEST_SOURCES

_NAME: Final = "chrony"
_TIMEOUT_S: Final = 5
_MICROSECONDS: Final = 1_000_000
_FOLLOWED: Final = frozenset("*+")
_AGREEING: Final = frozenset("*+-")
"""Selected, combined, and right but not needed; the rest is unreachable, wrong or unsteady."""
_LEAPS: Final = {"Normal": Leap.NONE, "Insert second": Leap.INSERT, "Delete second": Leap.DELETE}


@dataclass(frozen=True, slots=True)
class Chrony:
    """Takes   program: absolute path of `chronyc`."""

    program: Path

    def measure(self) -> Measurement:
        """How far the clock of this host is off, as chronyd sees it.

        Raises  SourceUnavailable: no chronyd, or a report that is not what it should be;
                SourcesUnsynchronised: it follows nobody;
                NoMajority: fewer than three sources, or no majority, and no NTS.
        """
        tracking = self._report("tracking")
        sources = [row[1:3] for row in self._report("sources") if len(row) > 2]  # state, name
        try:
            (row,) = tracking
            offset, delay, dispersion = (_microseconds(row[at]) for at in (4, 10, 11))
            leap = _LEAPS.get(row[13])
        except (ValueError, IndexError, InvalidOperation) as failure:
            raise SourceUnavailable(_NAME, reason="malformed") from failure
        asked = len(sources)
        if leap is None:
            raise SourcesUnsynchronised(alarms=asked, asked=asked)
        agreeing = sum(state in _AGREEING for state, _ in sources)
        is_authenticated = self._is_authenticated(
            {name for state, name in sources if state in _FOLLOWED}
        )
        if not is_authenticated and not (asked >= FEWEST_SOURCES and 2 * agreeing > asked):
            raise NoMajority(agreeing=agreeing, asked=asked)
        distance = delay // 2 + dispersion
        return Measurement(
            offset - distance,
            offset + distance,
            agreeing=agreeing,
            asked=asked,
            leap=leap,
            is_authenticated=is_authenticated,
        )

    def _is_authenticated(self, followed: set[str]) -> bool:
        try:
            rows = self._report("authdata")
        except SourceUnavailable:
            return False
        by_nts = {row[0] for row in rows if len(row) > 1 and row[1] == "NTS"}
        return bool(followed) and followed <= by_nts

    def _report(self, name: str) -> list[list[str]]:
        try:
            done = subprocess.run(
                [self.program, "-c", "-n", name],
                capture_output=True,
                check=True,
                env={"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                text=True,
                timeout=_TIMEOUT_S,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as failure:
            raise SourceUnavailable(_NAME, reason="no_answer") from failure
        return [line.split(",") for line in done.stdout.splitlines()]


def _microseconds(seconds: str) -> int:
    return int(Decimal(seconds) * _MICROSECONDS)
