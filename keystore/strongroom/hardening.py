"""The wall: what a process that keeps a secret denies to every other process of its host.

What lives here: no core dumps, no look into its memory by a debugger or through /proc for anybody
but root, no new privileges; and an end together with the parent.  Linux alone; elsewhere only core
dumps are refused.  Source: prctl(2), ptrace(2), setrlimit(2).
Not here: the user that it runs as, which is the operator's choice and the better half.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import Final

_SET_PARENT_DEATH_SIGNAL: Final = 1
_SET_DUMPABLE: Final = 4
_SET_NO_NEW_PRIVILEGES: Final = 38


def harden_process() -> None:
    """Close this process to all others but root's."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _prctl(_SET_DUMPABLE, 0)
        _prctl(_SET_NO_NEW_PRIVILEGES, 1)


def end_with_parent(parent: int) -> None:
    """Let this process be told to end (SIGTERM) when the one that started it is gone.

    Takes   parent: its process id.  NOTE: Linux looks at the thread that started us; start children
            from a thread that lives as long as the process.
    """
    if sys.platform != "linux":
        return
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before we asked to hear of it
        os.kill(os.getpid(), signal.SIGTERM)


def _prctl(option: int, value: int) -> int:
    call = ctypes.CDLL(None, use_errno=True).prctl
    call.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    result: int = call(option, value, 0, 0, 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "prctl")
    return result
