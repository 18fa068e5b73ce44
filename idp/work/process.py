"""The process of `antin work`, and the parent that starts it again when it dies.

What lives here: Huey's consumer with our tick in its scheduler, and `Supervisor`.  Huey's consumer
sets signal handlers and a restart of its own re-executes the command line, so it has a child
process to itself: TERM lets it finish what is under way, and what it cannot finish in time is taken
by another when the lease ends.  Not here: what the work is (`worker`).
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any, Final

import structlog
from huey.consumer import Consumer, Scheduler

from idp.work.worker import Worker

_POLL_S: Final = 0.05
_LONGEST_POLL_S: Final = 0.5
_GRACE_S: Final = 15
"""How long TERM waits: three receivers that take their five seconds each."""
_FIRST_RESTART_S: Final = 0.2
_LONGEST_RESTART_S: Final = 10.0
_LIVED_WELL_S: Final = 60.0
_LOG_PAUSE_S: Final = 30.0

_log = structlog.get_logger("antin.work")


class _TickingScheduler(Scheduler):  # type: ignore[misc]  # Huey has no types
    """Huey's scheduler, which comes by once a second; we use it for nothing but that."""

    def __init__(self, *, tick: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._tick = tick

    def loop(self, now: Any = None) -> None:
        try:
            self._tick()
        except Exception as failure:  # noqa: BLE001  a second later it may work
            _log.error("work_tick_failed", reason=type(failure).__name__)
        super().loop(now)


class _Consumer(Consumer):  # type: ignore[misc]  # Huey has no types
    """A consumer whose scheduler ticks and whose end the worker hears of."""

    def __init__(self, worker: Worker, *, parent: int | None) -> None:
        self._worker = worker
        self._parent = parent
        super().__init__(
            worker.clock.huey,
            workers=worker.threads,
            periodic=False,
            initial_delay=_POLL_S,
            max_delay=_LONGEST_POLL_S,
            scheduler_interval=1,
            flush_locks=True,
            shutdown_timeout=_GRACE_S,
            graceful_signal="TERM",
        )

    def _create_scheduler(self) -> Scheduler:
        return _TickingScheduler(
            tick=self._worker.tick,
            huey=self.huey,
            stop_flag=self.stop_flag,
            interval=self.scheduler_interval,
            periodic=self.periodic,
        )

    def stop(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002  Huey's signature
        self._worker.stop()
        super().stop(graceful=graceful)

    def loop(self, health_check_ts: Any = None) -> Any:
        if self._parent not in {None, os.getppid()}:
            self.stop(graceful=True)  # whoever started us is gone and cannot stop us any more
        return super().loop(health_check_ts)


class _OncePerWhile(logging.Filter):
    """Huey logs a whole traceback, several times a second, while its queue is away."""

    def __init__(self) -> None:
        super().__init__()
        self._silent_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        now_s = time.monotonic()
        is_due = now_s >= self._silent_until
        if is_due:
            self._silent_until = now_s + _LOG_PAUSE_S
        return is_due


def run_worker(worker: Worker, *, parent: int | None = None) -> None:
    """Work until TERM (finishing what is under way) or INT (at once); in the main thread only.

    Takes   parent: process id of the one process that may stop this one; ends when it is gone.
    """
    logging.getLogger("huey").setLevel(logging.WARNING)  # at INFO it logs every hint
    logging.getLogger("huey.consumer.Worker").addFilter(_OncePerWhile())
    _Consumer(worker, parent=parent).run()


def _run_child(make_worker: Callable[[], Worker], parent: int) -> None:
    run_worker(make_worker(), parent=parent)


class Supervisor:
    """Keeps one worker process alive.

    Takes   make_worker: builds the worker inside the new process; it must be picklable, such as
            `functools.partial(build_worker, settings)`, since nothing is inherited (`spawn`).
    """

    def __init__(self, make_worker: Callable[[], Worker]) -> None:
        self._make_worker = make_worker
        self._context = multiprocessing.get_context("spawn")
        self._child: BaseProcess | None = None
        self._stopping = threading.Event()

    @property
    def pid(self) -> int | None:
        """Process id of the worker that runs now."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the worker and come back at once."""
        self._child = self._context.Process(
            target=_run_child, args=(self._make_worker, os.getpid()), name="antin-work", daemon=True
        )
        self._child.start()

    def watch(self) -> None:
        """Start the worker whenever it has ended, until `stop`; then let it finish and come back.

        `stop` is called by another thread or by a signal handler.
        """
        pause_s, started_s = 0.0, time.monotonic()
        while not self._stopping.is_set():
            if self._child is None:
                started_s = time.monotonic()
                self.start()
            child = self._child
            if child is None:
                continue
            child.join(_LONGEST_POLL_S)
            if child.is_alive():
                continue
            self._child = None
            if not self._stopping.is_set():
                _log.error("work_process_died", exit_code=child.exitcode)
                pause_s = pause_before_restart(pause_s, lived_s=time.monotonic() - started_s)
                self._stopping.wait(pause_s)
        self.finish()

    def stop(self) -> None:
        """Let `watch` end; safe to call from a signal handler."""
        self._stopping.set()

    def finish(self) -> None:
        """Stop the worker: TERM, and KILL when it does not end within its grace."""
        child = self._child
        if child is None:
            return
        child.terminate()
        child.join(_GRACE_S + 1)
        if child.is_alive():
            child.kill()
            child.join()
        self._child = None


def pause_before_restart(last_s: float, *, lived_s: float) -> float:
    """Seconds until a worker that died is started again; doubled while they die young.

    Takes   last_s: the pause before the one that died, 0 at first; lived_s: how long that one ran.
    """
    if last_s == 0 or lived_s > _LIVED_WELL_S:
        return _FIRST_RESTART_S
    return min(_LONGEST_RESTART_S, last_s * 2)
