"""One run: every operation, in rounds, the sides in turn.

What lives here: which operations there are with their targets, how many codes a measurement needs,
and the order: the empty route, ours, the peer, again and again, so that all see the same machine.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.load import Job, Sample, ValuesRanOut, make_request, measure
from bench.machine import ROOT, pinned
from bench.processes import Running
from bench.provider import Provider
from bench.side import TOKENS, Operation, Side
from bench.sign_in import measure_sign_ins
from bench.table import Round, Row, Target, Yardstick

TARGETS: Final = {
    Operation.DISCOVERY: Target(0.9, Yardstick.EMPTY),
    Operation.JWKS: Target(0.9, Yardstick.EMPTY),
    Operation.CLIENT_CREDENTIALS: Target(1.0, Yardstick.PEER),
    Operation.CODE_EXCHANGE: Target(0.5, Yardstick.PEER),
    Operation.REFRESH: Target(0.5, Yardstick.PEER),
    Operation.USERINFO: Target(0.3, Yardstick.EMPTY),
    Operation.INTROSPECTION: Target(0.3, Yardstick.EMPTY),
    Operation.SIGN_IN: Target(0.8, Yardstick.ARGON2ID),
    Operation.TIMESTAMP: Target(0.3, Yardstick.EMPTY),
    Operation.STATUS: Target(0.6, Yardstick.EMPTY),
}
_OURS_ALONE: Final = frozenset({Operation.TIMESTAMP, Operation.STATUS})
_WARM_UP_S: Final = 1.0
_WARM_UP_CODES: Final = 6_000
_SPARE: Final = 1.6
"""Codes prepared in proportion to those that the warm-up's rate would need."""
_PATIENCE: Final = 3
"""How often twice as many codes are prepared."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how wide; `browsers` sign in at once."""

    rounds: int
    seconds: float
    connections: int
    browsers: int


@dataclass(frozen=True, slots=True)
class Sides:
    """Everything that is running."""

    ours: Provider
    empty: Running
    peer: Side | None
    core: int


def measure_all(
    sides: Sides, plan: Plan, *, operations: Sequence[Operation], say: Callable[[str], None]
) -> list[Row]:
    """Measure operations one after the other, each in all its rounds."""
    rows = []
    for operation in operations:
        say(operation.value)
        take = _sign_ins if operation is Operation.SIGN_IN else _requests
        rows.append(Row(operation.value, take(sides, plan, operation), TARGETS[operation]))
    return rows


def load_empty(empty: Running, plan: Plan) -> Sample:
    """Measure the empty route."""
    job = Job(empty, make_request("GET", "/"), ("",), "")
    return measure(job, seconds=plan.seconds, connections=plan.connections)


def measure_argon2id(core: int, *, seconds: float) -> float:
    """Passwords checked in a second by a process alone on the server's core."""
    command = [*pinned(core), sys.executable, "-m", "bench.argon2id", str(seconds)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return float(ran.stdout)


class Load:
    """Measurements of one operation at one side, the first one being the warm-up."""

    def __init__(
        self, side: Side, operation: Operation, plan: Plan, *, tokens: int = TOKENS
    ) -> None:
        self._side = side
        self._tokens = tokens
        self._operation = operation
        self._plan = plan
        warm = self._run(_WARM_UP_S, codes=_WARM_UP_CODES)
        self._codes = int(warm.rate * plan.seconds * _SPARE) + 500

    def __call__(self) -> Sample:
        """One measurement; with more codes again when the warm-up was slower than usual."""
        if self._operation is Operation.CODE_EXCHANGE:
            for _ in range(_PATIENCE):
                try:
                    return self._run(self._plan.seconds, codes=self._codes)
                except ValuesRanOut:
                    self._codes *= 2
        return self._run(self._plan.seconds, codes=self._codes)

    def _run(self, seconds: float, *, codes: int) -> Sample:
        job = self._side.job(self._operation, codes=codes, tokens=self._tokens)
        return measure(job, seconds=seconds, connections=self._plan.connections)


def _requests(sides: Sides, plan: Plan, operation: Operation) -> tuple[Round, ...]:
    ours = Load(sides.ours.side, operation, plan)
    other = None if operation in _OURS_ALONE else sides.peer
    peer = None if other is None else Load(other, operation, plan)
    rounds = []
    for _ in range(plan.rounds):
        empty = load_empty(sides.empty, plan)
        rounds.append(Round(ours(), empty, None if peer is None else peer()))
    return tuple(rounds)


def _sign_ins(sides: Sides, plan: Plan, _operation: Operation) -> tuple[Round, ...]:
    def take(seconds: float) -> Sample:
        return measure_sign_ins(
            sides.ours.side, sides.ours.people, seconds=seconds, browsers=plan.browsers
        )

    take(_WARM_UP_S)
    rounds = []
    for _ in range(plan.rounds):
        empty = load_empty(sides.empty, plan)
        alone = measure_argon2id(sides.core, seconds=plan.seconds)
        rounds.append(Round(take(plan.seconds), empty, argon2id=alone))
    return tuple(rounds)
