"""One process that parses, as the service sees it.

What lives here: `ChildProcess`: starting it with nothing but a socket, the limits of each job, the
wait with its end, and what becomes of an answer that is none.  After any `ParsingFailed` it is to
be killed: whether it still is what was started, nobody knows.
Source: prlimit(2), unix(7).
Not here: who uses which (`pool`), what happens inside (`child`).
"""

from __future__ import annotations

import logging
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from os import getpid
from typing import Any, Final, Self

import msgspec

from signing.errors import DocumentRefused, ParsingFailed, WallsMissing
from signing.isolation import wire

_PROGRAM: Final = "signing.isolation.child"
_DIES_IN_S: Final = 5.0
_REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_PLACE: Final = re.compile(r"[\w .:<>]{0,200}\Z")
_LIMITED: Final = (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
_OWN_FILES: Final = 8
"""The standard ones, the socket, and a few that a library may open twice."""
_FAULTS: Final = frozenset({"fault", "too_large"})

_log = logging.getLogger("antin.isolation")


@cache
def _decoder(answer: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(answer)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may take.

    Takes   memory_bytes: beside what the process has before its first job; output_bytes: that it
            may write; seconds: by the clock on the wall; answer_bytes: of its answer.
    """

    memory_bytes: int
    output_bytes: int
    seconds: float
    answer_bytes: int = wire.MAX_ANSWER_BYTES


class ChildProcess:
    """A process that parses; one job at a time."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        self._process = process
        self._connection = connection
        self._greeting: wire.Ready | None = None
        self._limits: tuple[int, int, int] | None = None
        self.tenant: str | None = None
        """Whose documents it has read; nobody's yet."""
        self.jobs_done = 0
        self.used_s = time.monotonic()

    @classmethod
    def start(cls, modules: Sequence[str], *, is_unlocked_allowed: bool) -> Self:
        """Start one, without waiting for it: no environment, no file but its socket.

        It is killed when the thread that calls this ends.
        """
        ours, its = socket.socketpair()
        command = [sys.executable, "-I", "-m", _PROGRAM, str(its.fileno()), str(getpid())]
        command += ["--unlocked"] * is_unlocked_allowed
        try:
            with its:
                process = subprocess.Popen(
                    [*command, *modules],
                    env={},
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(its.fileno(),),
                    start_new_session=True,
                )
        except BaseException:
            ours.close()
            raise
        return cls(process, ours)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def greet(self, *, within_s: float) -> tuple[str, ...]:
        """Wait until it is ready, once; the walls that stand.

        Raises  WallsMissing; ParsingFailed("not_started").
        """
        if self._greeting is not None:
            return self._greeting.walls
        try:
            body = wire.read_frame(
                self._connection, most=wire.MAX_ANSWER_BYTES, until_s=time.monotonic() + within_s
            )
            greeting: wire.Ready | wire.Stopped = _decoder(wire.Greeting).decode(body)
        except (wire.Broken, wire.Closed, OSError, msgspec.MsgspecError) as failure:
            raise ParsingFailed("not_started") from failure
        if isinstance(greeting, wire.Stopped):
            # nothing of a document: none was near
            _log.error("parser_not_started reason=%s detail=%s", greeting.reason, greeting.detail)
            if greeting.reason == "no_filter":
                raise WallsMissing(greeting.reason)
            raise ParsingFailed("not_started")
        self._greeting = greeting
        return greeting.walls

    def ask(self, job: bytes, *, fds: Sequence[int], limits: Limits, answered: type[Any]) -> Any:
        """Have a job done.

        Takes   job: a `wire.Job`; fds: the output, then the inputs; answered: the answer's struct.
        Raises  DocumentRefused; ParsingFailed; wire.Closed when it was gone before it was asked, or
                had something to say already.
        """
        self._limit(limits, files=len(fds))
        wire.expect_silence(self._connection)
        until_s = time.monotonic() + limits.seconds
        try:
            self._connection.settimeout(limits.seconds)
            wire.send_frame(self._connection, job, fds=fds)
            try:
                body = wire.read_frame(
                    self._connection,
                    most=limits.answer_bytes + wire.AROUND_ANSWER_BYTES,
                    until_s=until_s,
                )
            except wire.Unread:
                raise
            except wire.Closed as failure:
                raise ParsingFailed("crashed") from failure
        except TimeoutError as failure:
            raise ParsingFailed("too_slow") from failure
        except wire.Broken as failure:
            raise ParsingFailed("contradiction") from failure
        except OSError as failure:  # closed by another thread
            raise ParsingFailed("crashed") from failure
        self.jobs_done += 1
        self.used_s = time.monotonic()
        return _read(body, answered)

    def leave(self) -> None:
        """Let it be, after a fork: it is the other one's."""
        self._connection.close()

    def kill(self) -> int:
        """End it now; it has nothing to put in order.

        Returns how it ended: a negative number is a signal.
        """
        self._connection.close()
        self._process.kill()
        return self._process.wait(_DIES_IN_S)

    def _limit(self, limits: Limits, *, files: int) -> None:
        """Set from outside what it cannot change inside; only when it differs from before.

        Files that it keeps from one job to the next stay in memory: few more fit than a job needs.
        """
        if self._greeting is None or sys.platform != "linux":
            return
        wanted = (
            limits.memory_bytes + self._greeting.virtual_bytes,
            limits.output_bytes,
            _OWN_FILES + 2 * files,
        )
        if wanted == self._limits:
            return
        for which, most in zip(_LIMITED, wanted, strict=True):
            try:
                _, hard = resource.prlimit(self.pid, which)
                soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.prlimit(self.pid, which, (soft, hard))
            except ProcessLookupError as failure:
                raise wire.Closed from failure
        self._limits = wanted


def _read(body: bytes, answered: type[Any]) -> Any:
    try:
        said = _decoder(wire.Answer).decode(body)
        if isinstance(said, wire.Answered):
            return _decoder(answered).decode(said.answer)  # type: ignore[arg-type]  # a class is hashable
    except (msgspec.MsgspecError, ValueError, RecursionError) as failure:
        raise ParsingFailed("contradiction") from failure
    if isinstance(said, wire.Refused) and _REASON.match(said.reason):
        raise DocumentRefused(said.reason)
    if isinstance(said, wire.Fault) and said.reason in _FAULTS:
        if _PLACE.match(said.where):
            _log.warning("parser_fault reason=%s where=%s", said.reason, said.where)
        raise ParsingFailed(said.reason)
    raise ParsingFailed("contradiction")
