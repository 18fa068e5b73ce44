"""Counting what a worker does, around its handlers and duties.

What lives here: two wrappers.  A worker that is not watched goes without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from idp.metrics import Metrics
from idp.work.model import Done, Duty, GiveUp, Handler, Job, Outcome


def count_handlers(handlers: Mapping[str, Handler], *, metrics: Metrics) -> dict[str, Handler]:
    """The same handlers, each of whose outcomes is counted."""
    return {kind: _CountedHandler(kind, handler, metrics) for kind, handler in handlers.items()}


def count_duties(duties: Sequence[Duty], *, metrics: Metrics) -> tuple[Duty, ...]:
    """The same duties, counted when they are done and when they fail."""
    return tuple(replace(duty, act=_CountedAct(duty, metrics)) for duty in duties)


class _CountedHandler:
    def __init__(self, kind: str, inner: Handler, metrics: Metrics) -> None:
        self._kind = kind
        self._inner = inner
        self._metrics = metrics

    def __call__(self, job: Job, *, now: datetime) -> Outcome:
        outcome = "failed"
        try:
            answer = self._inner(job, now=now)
            outcome = {Done: "done", GiveUp: "given_up"}.get(type(answer), "retried")
        finally:
            self._metrics.job_tried(self._kind, outcome=outcome)
        return answer


class _CountedAct:
    def __init__(self, duty: Duty, metrics: Metrics) -> None:
        self._duty = duty
        self._metrics = metrics

    def __call__(self, now: datetime) -> object:
        outcome = "failed"
        try:
            answer = self._duty.act(now)
            outcome = "done"
        finally:
            self._metrics.duty_done(self._duty.name, outcome=outcome)
        return answer
