"""Deferred work: `antin work` does what acts have left in the outbox, and the periodic duties.

The outbox row (`idp.storage.outbox`) is the record; Huey is only the clock that wakes a worker,
because it loses what it runs when its process is killed.

    outbox.py    what a use case calls: write the duty with the act, wake a worker after the commit
    clock.py     Huey behind a serializer of our own
    model.py     what a handler answers, what a periodic duty is
    worker.py    takes rows, calls handlers, retries, rests what is down
    process.py   the process around it, and the parent that starts it again
"""

from __future__ import annotations

from idp.work.clock import Clock, open_clock
from idp.work.model import Done, Duty, GiveUp, Handler, Job, Outcome, Retry
from idp.work.outbox import Outbox
from idp.work.process import Supervisor, run_worker
from idp.work.worker import Worker

__all__ = [
    "Clock",
    "Done",
    "Duty",
    "GiveUp",
    "Handler",
    "Job",
    "Outbox",
    "Outcome",
    "Retry",
    "Supervisor",
    "Worker",
    "open_clock",
    "run_worker",
]
