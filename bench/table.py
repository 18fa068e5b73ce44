"""From measurements to one Markdown table that the README can show.

What lives here: medians, ratios taken pair by pair within a round, targets, and the lines.
A machine that is slow for a while is slow for all of a round, so ratios hold where rates do not.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bench.load import Sample

_NONE: Final = "–"
_GROWTH: Final = 1.2


class Yardstick(StrEnum):
    """What a rate is compared with."""

    EMPTY = "empty"
    PEER = "peer"
    ARGON2ID = "argon2id alone"


@dataclass(frozen=True, slots=True)
class Target:
    """The least ratio to a yardstick that the design asks for."""

    ratio: float
    of: Yardstick


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured of one operation, one after the other; None where there is no such side."""

    ours: Sample
    empty: Sample
    peer: Sample | None = None
    argon2id: float | None = None

    def ratio(self, yardstick: Yardstick) -> float | None:
        """Our rate as a part of another one."""
        match yardstick:
            case Yardstick.EMPTY:
                other: float | None = self.empty.rate
            case Yardstick.PEER:
                other = None if self.peer is None else self.peer.rate
            case Yardstick.ARGON2ID:
                other = self.argon2id
        return None if other is None else self.ours.rate / other


@dataclass(frozen=True, slots=True)
class Row:
    """One operation over all rounds."""

    operation: str
    rounds: tuple[Round, ...]
    target: Target | None = None

    def ratio(self, yardstick: Yardstick) -> float | None:
        """The median of the rounds' ratios; None where a side is missing."""
        found = [one.ratio(yardstick) for one in self.rounds]
        known = [ratio for ratio in found if ratio is not None]
        return statistics.median(known) if known else None

    def is_met(self) -> bool | None:
        """Whether the target is reached; None without target or without its yardstick."""
        measured = None if self.target is None else self.ratio(self.target.of)
        return None if measured is None or self.target is None else measured >= self.target.ratio


@dataclass(frozen=True, slots=True)
class Growth:
    """One operation over a small and a large register, round by round."""

    operation: str
    rounds: tuple[tuple[Sample, Sample], ...]

    def ratio(self, what: Callable[[Sample], float]) -> float:
        """The median of the rounds: the large register's part of the small one's."""
        return statistics.median(what(large) / what(small) for small, large in self.rounds)


def make_growth_table(rows: Sequence[Growth], *, small: int, large: int) -> str:
    """One line per operation: what it costs over both registers, and the ratios."""
    head = (
        "operation", f"CPU ms, {small:,}", f"CPU ms, {large:,}", "CPU, ratio",
        "time for one, ratio (≤ 1.2)", "",
    )  # fmt: skip
    lines = [head, ("---", *["--:"] * 4, "---")]
    for row in rows:
        both = [_costs([one[which] for one in row.rounds]) for which in (0, 1)]
        slower = 1 / row.ratio(lambda sample: sample.rate)
        verdict = "met" if slower <= _GROWTH else "missed"
        cpu = row.ratio(lambda sample: sample.cpu_ms)
        lines.append((row.operation, both[0][3], both[1][3], _ratio(cpu), _ratio(slower), verdict))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def make_table(rows: Sequence[Row]) -> str:
    """The table, one line per operation and one for the empty route."""
    head = (
        "operation", "requests/s", "p50 ms", "p99 ms", "CPU ms", "of empty", "peer: requests/s",
        "CPU ms", "of peer", "target", "",
    )  # fmt: skip
    empties = [one.empty for row in rows for one in row.rounds]
    lines = [head, ("---", *["--:"] * 8, "---", "---"), _empty_line(empties)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [*lines, *map(_line, rows)]) + "\n"


def _empty_line(samples: Sequence[Sample]) -> tuple[str, ...]:
    return ("*empty Flask route*", *_costs(samples), "1", _NONE, _NONE, _NONE, "", "")


def _costs(samples: Sequence[Sample]) -> tuple[str, str, str, str]:
    """Medians: requests in a second, p50, p99, processor time."""

    def median(what: Callable[[Sample], float]) -> float:
        return statistics.median(what(sample) for sample in samples)

    return (
        _rate(median(lambda sample: sample.rate)),
        _ms(median(lambda sample: sample.p50_ms)),
        _ms(median(lambda sample: sample.p99_ms)),
        f"{median(lambda sample: sample.cpu_ms):.2f}",
    )


def _line(row: Row) -> tuple[str, ...]:
    peers = [one.peer for one in row.rounds if one.peer is not None]
    peer_rate, _, _, peer_cpu = _costs(peers) if peers else (_NONE,) * 4
    return (
        row.operation,
        *_costs([one.ours for one in row.rounds]),
        _ratio(row.ratio(Yardstick.EMPTY)),
        peer_rate,
        peer_cpu,
        _ratio(row.ratio(Yardstick.PEER)),
        _target(row),
        {True: "met", False: "missed", None: ""}[row.is_met()],
    )


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    said = f"≥ {row.target.ratio:g} of {row.target.of}"
    if row.target.of is Yardstick.ARGON2ID:
        measured = row.ratio(Yardstick.ARGON2ID)
        alone = statistics.median(one.argon2id or 0 for one in row.rounds)
        said += f" ({_rate(alone)}/s): {_ratio(measured)}"
    return said


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _ms(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _ratio(value: float | None) -> str:
    return _NONE if value is None else f"{value:.2f}"
