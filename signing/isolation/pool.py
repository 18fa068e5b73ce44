"""`Isolation` with walls: a few processes that parse, used by all threads of a service.

What lives here: `Walls`, the choices, and `IsolationPool`.  A process is started when it is needed,
used again and again for one tenant, ended after so many jobs, after any fault, when nobody has
needed it for a while, and when another tenant needs its place; the one that follows is started at
once, beside the work.
Not here: one process (`child_process`), its keeper's thread (`keeper`).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from signing.errors import DocumentRefused, ParsingFailed
from signing.isolation import wire
from signing.isolation.blob import Blob, open_memory_file
from signing.isolation.child_process import ChildProcess, Limits
from signing.isolation.keeper import Keeper
from signing.isolation.table import MESSAGES
from signing.isolation.task import Answered, Asked, Isolation, Task

_MIB: Final = 1 << 20
_LEAST_OUTPUT: Final = 64 * _MIB
_ATTEMPTS: Final = 4
_AHEAD: Final = 128
"""So many jobs before its last one, whoever follows is started."""

_log = logging.getLogger("antin.isolation")


@dataclass(frozen=True, slots=True)
class Walls:
    """How those who parse are held.

    Takes   processes: at work, for all threads together; kept: alive, those at work and those that
            wait for more documents of their tenants; seconds, memory_bytes: for one job, memory
            at least that and three times its inputs; jobs: until a process is replaced; idle_s:
            until one that nobody needs is ended; start_s: for a start; wait_s: for a free one;
            is_unlocked_allowed: work without a filter where there is none;
            modules: those that declare the tasks.
    """

    processes: int = 2
    kept: int = 6
    seconds: float = 10.0
    memory_bytes: int = 512 * _MIB
    jobs: int = 2_000
    idle_s: float = 300.0
    start_s: float = 30.0
    wait_s: float = 30.0
    is_unlocked_allowed: bool = False
    modules: tuple[str, ...] = (MESSAGES,)

    def limits(self, size: int, *, answer_bytes: int = wire.MAX_ANSWER_BYTES) -> Limits:
        """For a job whose inputs have `size` bytes together."""
        most = max(self.memory_bytes, 3 * size)
        return Limits(most, max(_LEAST_OUTPUT, 3 * size), self.seconds, answer_bytes)


class IsolationPool:
    """See `Isolation`; close it, or use it in a `with`."""

    def __init__(self, walls: Walls | None = None) -> None:
        self._walls = walls or Walls()
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(self._walls.processes)
        self._idle: deque[ChildProcess] = deque()
        self._all: set[ChildProcess] = set()
        self._keeper: Keeper | None = None
        self._is_closed = False

    def start(self) -> tuple[str, ...]:
        """Start one process now, so that a host without walls is noticed before a document comes.

        Returns the walls that stand.
        Raises  WallsMissing; ParsingFailed.
        """
        self._take_place()
        try:
            child = self._take("")
            try:
                walls = child.greet(within_s=self._walls.start_s)
            except BaseException:
                self._lose(child)
                raise
            child.tenant = None  # it has read nothing
            self._keep_or_end(child)
        finally:
            self._free.release()
        return walls

    def for_tenant(self, tenant: str) -> Isolation:
        """See `Separating`."""
        return _OfTenant(self, tenant)

    def run(
        self,
        task: Task[Asked, Answered],
        asked: Asked,
        *,
        inputs: Sequence[Blob] = (),
        tenant: str = "",
    ) -> tuple[Answered, Blob]:
        """See `Isolation`; documents of the service itself are nobody's, and a tenant too."""
        if len(inputs) > wire.MOST_INPUTS:
            raise ValueError("inputs")
        job = wire.encode(wire.Job(task.function, msgspec.Raw(wire.encode(asked))))
        if len(job) > wire.MAX_JOB_BYTES:
            raise ParsingFailed("too_large")
        output = Blob(open_memory_file())
        try:
            fds = (output.fd, *(one.fd for one in inputs))
            limits = self._walls.limits(
                sum(one.size for one in inputs),
                answer_bytes=min(task.most_answer_bytes, wire.MAX_ANSWER_BYTES),
            )
            answered: Answered = self._have_done(
                job, fds, limits, task.answered, output, tenant=tenant
            )
        except BaseException:
            output.close()
            raise
        return answered, output

    def close(self) -> None:
        """End all processes; jobs under way fail."""
        with self._lock:
            self._is_closed = True
            children, keeper = list(self._all), self._keeper
            self._all.clear()
            self._idle.clear()
            self._keeper = None
        for child in children:
            child.kill()
        if keeper is not None:
            keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _have_done(
        self,
        job: bytes,
        fds: Sequence[int],
        limits: Limits,
        answered: type[Any],
        output: Blob,
        *,
        tenant: str,
    ) -> Any:
        self._take_place()
        is_one_missing = False
        try:
            for _ in range(_ATTEMPTS):
                child = self._take(tenant)
                try:
                    child.greet(within_s=self._walls.start_s)
                    answer = child.ask(job, fds=fds, limits=limits, answered=answered)
                    _seal(output)
                except wire.Closed:  # it ended while it had nothing to do; the job never began
                    self._lose(child)
                    continue
                except DocumentRefused:
                    try:
                        output.empty()  # whoever kept it to write has nothing to write to
                    except OSError:
                        is_one_missing = self._lose(child, ParsingFailed("contradiction"))
                    else:
                        is_one_missing = self._keep_or_end(child)
                    raise
                except BaseException as failure:
                    is_one_missing = self._lose(child, failure)
                    raise
                is_one_missing = self._keep_or_end(child)
                return answer
            raise ParsingFailed("not_started")
        finally:
            if is_one_missing:
                self._replace()
            self._free.release()

    def _take_place(self) -> None:
        if os.getpid() != self._pid:  # a fork: the processes are the other one's
            for child in self._all:
                child.leave()
            self._begin()
        if not self._free.acquire(timeout=self._walls.wait_s):
            raise ParsingFailed("busy")

    def _take(self, tenant: str) -> ChildProcess:
        """One of the tenant's own, one that is nobody's yet, or a new one."""
        left: list[ChildProcess] = []
        with self._lock:
            if self._is_closed:
                raise ParsingFailed("not_started")
            for wanted in (tenant, None):
                child = next((one for one in reversed(self._idle) if one.tenant == wanted), None)
                if child is not None:
                    self._idle.remove(child)
                    child.tenant = tenant
                    return child
            while self._idle and len(self._all) >= self._most_alive:
                left.append(self._idle.popleft())  # who waits the longest
                self._all.discard(left[-1])
        for one in left:
            one.kill()
        child = self._start_one()
        child.tenant = tenant
        return child

    @property
    def _most_alive(self) -> int:
        return max(self._walls.kept, self._walls.processes)

    def _start_one(self) -> ChildProcess:
        walls = self._walls
        with self._lock:
            if self._is_closed:
                raise ParsingFailed("not_started")
            if self._keeper is None:
                self._keeper = Keeper(self._end_idle, every_s=max(walls.idle_s / 4, 0.05))
            keeper = self._keeper
        try:
            child = keeper.call(
                lambda: ChildProcess.start(
                    walls.modules, is_unlocked_allowed=walls.is_unlocked_allowed
                )
            )
        except (OSError, RuntimeError) as failure:  # no memory for it; closed meanwhile
            raise ParsingFailed("not_started") from failure
        with self._lock:
            is_late = self._is_closed
            if not is_late:
                self._all.add(child)
        if is_late:
            child.kill()
            raise ParsingFailed("not_started")
        return child

    def _keep_or_end(self, child: ChildProcess) -> bool:
        """Whether another has to be started to take its place, now or soon."""
        jobs = self._walls.jobs
        if child.jobs_done < jobs:
            with self._lock:
                if child in self._all:
                    self._idle.append(child)
        else:
            self._lose(child)
        return child.jobs_done == jobs - min(_AHEAD, jobs // 8)

    def _lose(self, child: ChildProcess, failure: BaseException | None = None) -> bool:
        with self._lock:
            self._all.discard(child)
        ended = child.kill()
        if isinstance(failure, ParsingFailed):
            _log.warning("parsing_failed reason=%s status=%d", failure.reason, ended)
            return failure.reason != "not_started"
        return False

    def _replace(self) -> None:
        """Start one that nobody waits for: it warms up beside the work."""
        with suppress(Exception):  # the next job tries again, and says what is wrong
            child = self._start_one()
            with self._lock:
                if child in self._all:
                    self._idle.appendleft(child)

    def _end_idle(self) -> None:
        """Called by the keeper, again and again."""
        before_s = time.monotonic() - self._walls.idle_s
        with self._lock:
            ended = [child for child in self._idle if child.used_s < before_s]
            for child in ended:
                self._idle.remove(child)
                self._all.discard(child)
        for child in ended:
            child.kill()


@dataclass(frozen=True, slots=True)
class _OfTenant:
    """The pool as one tenant has it."""

    pool: IsolationPool
    tenant: str

    def run(
        self, task: Task[Asked, Answered], asked: Asked, *, inputs: Sequence[Blob] = ()
    ) -> tuple[Answered, Blob]:
        """See `Isolation`."""
        return self.pool.run(task, asked, inputs=inputs, tenant=self.tenant)

    def for_tenant(self, tenant: str) -> Isolation:
        """See `Separating`."""
        return self.pool.for_tenant(tenant)


def _seal(output: Blob) -> None:
    """Nobody changes it any more; who still holds it to write is up to something."""
    try:
        output.seal()
    except OSError as failure:
        raise ParsingFailed("contradiction") from failure
