"""Times that are never the same and never go back, for all processes of one host.

What lives here: one number in a file that they share: the last time that was given out.  With it a
timestamp authority may say that its tokens are ordered by their times, whatever the accuracy.  It
is one file of one host, so it promises nothing where an authority has several hosts.
Source: RFC 3161 §2.4.2 (ordering).  Not here: whether the time is right
(`keystore/time/trusted_clock.py`).
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from keystore.time.errors import TimeNotAvailable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LAST: Final = struct.Struct("<q")
_MODE: Final = 0o600


class StrictOrder:
    """Makes instants of one host strictly later than all before, by microseconds.

    Takes   file: on a disk of this host, made if it is not there; ahead: how far behind the last
            time a clock may be and still be moved on.
    """

    def __init__(self, file: Path, *, ahead: timedelta = timedelta(milliseconds=100)) -> None:
        self._ahead_us = ahead // _MICROSECOND
        self._lock = threading.Lock()
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # two that start together make one file
        if os.fstat(self._file).st_size < _LAST.size:
            os.ftruncate(self._file, _LAST.size)
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._shared = mmap.mmap(self._file, _LAST.size)

    def __call__(self, now: datetime) -> datetime:
        """`now`, or the first instant after the last one that was given out.

        Raises  TimeNotAvailable (stopped): the clock is further back than threads can be late.
        """
        now_us = (now - _EPOCH) // _MICROSECOND
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                (last_us,) = _LAST.unpack_from(self._shared)
                if last_us - now_us > self._ahead_us:
                    raise TimeNotAvailable("stopped")
                given_us = max(now_us, last_us + 1)
                _LAST.pack_into(self._shared, 0, given_us)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        return _EPOCH + timedelta(microseconds=given_us)

    def close(self) -> None:
        """Let go of the file; what was given out stays in it."""
        self._shared.close()
        os.close(self._file)
