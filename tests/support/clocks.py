"""Clocks and time servers for tests: a machine whose clock is set at will, NTP servers that lie.

What lives here: `MovableMachine`, `Saying` (a reference that says what it is told), `NtpServer` (a
real one, over UDP on this machine).  Not here: anything that the product imports.
"""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from keystore.time.machine import MachineClock
from keystore.time.majority import Leap, Measurement
from keystore.time.ntp import NtpSource

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FROM_1900_S = 2_208_988_800
_addresses = itertools.count()
_PACKET = struct.Struct("!BBbbII4s8s8s8s8s")


class MovableMachine:
    """Two clocks that go on together, until somebody sets the first."""

    def __init__(self, now: datetime) -> None:
        self.wall_ns = (now - _EPOCH) // timedelta(microseconds=1) * 1000
        self.ticks_ns = 5_000_000_000
        self.clock = MachineClock(lambda: self.wall_ns, lambda: self.ticks_ns)

    @property
    def now(self) -> datetime:
        """What the clock of the calendar shows."""
        return self.clock.sample().instant

    def pass_time(self, duration: timedelta) -> None:
        """Both go on."""
        nanoseconds = duration // timedelta(microseconds=1) * 1000
        self.wall_ns += nanoseconds
        self.ticks_ns += nanoseconds

    def set_by(self, difference: timedelta) -> None:
        """The first is set."""
        self.wall_ns += difference // timedelta(microseconds=1) * 1000


@dataclass(slots=True)
class Saying:
    """A reference that says what it is told."""

    says: Measurement | Exception
    times_asked: int = 0

    def measure(self) -> Measurement:
        """What it was told to say."""
        self.times_asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def off_by(offset: timedelta, *, leap: Leap = Leap.NONE, around_ms: int = 5) -> Measurement:
    """Three of three sources say that our clock is behind by `offset`."""
    offset_us = offset // timedelta(microseconds=1)
    around_us = around_ms * 1000
    return Measurement(offset_us - around_us, offset_us + around_us, agreeing=3, asked=3, leap=leap)


@dataclass
class NtpServer:
    """One server on a loopback address of its own, as wrong as one wants it.

    `spoil` may replace the whole answer, by one or by several packets; `set_at`: the instant at
    which it set its clock last, 8 bytes, otherwise that of each answer.
    """

    offset: timedelta = timedelta(0)
    leap: Leap = Leap.NONE
    stratum: int = 2
    mode: int = 4
    root_dispersion_s: float = 0.001
    spoil: Callable[[bytes], list[bytes]] | None = None
    set_at: bytes | None = None
    address: str = field(default_factory=lambda: f"127.0.9.{1 + next(_addresses) % 250}")
    asked: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.address, 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def name(self) -> str:
        """As settings name it."""
        return f"{self.address}:{self.port}"

    def source(self, *, timeout_s: float = 60.0) -> NtpSource:
        """The source that asks it."""
        return NtpSource(self.address, self.port, timeout_s=timeout_s)

    def _serve(self) -> None:
        while True:
            question, address = self._socket.recvfrom(512)
            if not question:
                return
            self.asked.append(question)
            answer = self._answer(question)
            for packet in [answer] if self.spoil is None else self.spoil(answer):
                self._socket.sendto(packet, address)

    def _answer(self, question: bytes) -> bytes:
        now = _timestamp(time.time_ns() + self.offset // timedelta(microseconds=1) * 1000)
        return _PACKET.pack(
            (self.leap << 6) | (4 << 3) | self.mode,
            self.stratum,
            6,
            -20,
            int(0.002 * 65536),
            int(self.root_dispersion_s * 65536),
            b"\x7f\x00\x00\x01",
            self.set_at or now,
            question[40:48],
            now,
            now,
        )


def _timestamp(epoch_ns: int) -> bytes:
    seconds, rest = divmod(epoch_ns, 1_000_000_000)
    return struct.pack("!II", (seconds + _FROM_1900_S) % (1 << 32), (rest << 32) // 1_000_000_000)
