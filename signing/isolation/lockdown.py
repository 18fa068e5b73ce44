"""How a process shuts itself in.

What lives here: no descriptors but its socket, limits, namespaces of its own (where the host lets
it), an empty root, no capabilities, no new privileges, and last the filter of system calls, which
is tried at once: a filter that lets a file be opened is none.
Source: unshare(2), chroot(2), capabilities(7), prctl(2), seccomp(2).
Not here: which calls the filter lets through (`calls`); memory and size of files, which the service
sets for every job from outside.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWCGROUP: Final = 0x02000000
_CLONE_NEWUTS: Final = 0x04000000
_CLONE_NEWIPC: Final = 0x08000000
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_SET_PARENT_DEATH_SIGNAL: Final = 1
_SET_DUMPABLE: Final = 4
_SET_NO_NEW_PRIVILEGES: Final = 38
_CAPABILITY_VERSION_3: Final = 0x20080522
_MOST_FILES: Final = 128
_FIRST: Final = 3
_EMPTY: Final = "/proc/self/fdinfo"
ALL_WALLS: Final = ("namespaces", "root", "privileges", "filter")


class NoFilter(Exception):
    """System calls cannot be filtered here."""


def end_with_parent(parent: int) -> None:
    """Be killed when whoever started this is gone.

    NOTE: Linux looks at the thread that started it; the pool starts children from one that stays.
    """
    if sys.platform == "linux":
        _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def take_place(fd: int) -> int:
    """Let the socket be the first file behind the standard ones; its new number."""
    if fd == _FIRST:
        return fd
    os.dup2(fd, _FIRST, inheritable=False)
    os.close(fd)
    return _FIRST


def close_other_files(kept: int) -> None:
    """Leave open only the socket, and nothing in place of the standard files."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd, inheritable=False)
    os.closerange(3, kept)
    os.closerange(kept + 1, max(nothing, 65_536) + 1)


def virtual_bytes() -> int:
    """How much address space is taken; 0 where nobody says."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0


def find_filter() -> Callable[[], None] | str:
    """What loads the filter, or why there is none."""
    try:
        load: Callable[[], None] = importlib.import_module("signing.isolation.calls").load_filter
    except (ImportError, RuntimeError, OSError) as failure:  # no library, or not for this system
        return str(failure) or type(failure).__name__
    return load


def lock_process(filtering: Callable[[], None] | str, *, is_filter_needed: bool) -> tuple[str, ...]:
    """Shut everything.

    Takes   filtering: what `find_filter` found.
    Returns the walls that stand, of `ALL_WALLS`.
    Raises  NoFilter when it is needed and cannot be had, or does not hold.
    """
    walls = []
    for which, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
    ):
        resource.setrlimit(which, (limit, limit))
    if sys.platform == "linux":
        walls += _linux_walls()
    try:
        if isinstance(filtering, str):
            raise NoFilter(filtering)
        try:
            filtering()
        except (OSError, RuntimeError, ValueError) as failure:
            raise NoFilter(str(failure)) from failure
        _try_the_door()
        walls.append("filter")
    except NoFilter:
        if is_filter_needed:
            raise
    return tuple(walls)


def _linux_walls() -> list[str]:
    walls = []
    libc = ctypes.CDLL(None, use_errno=True)
    spaces = _CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS
    if libc.unshare(spaces | _CLONE_NEWNS | _CLONE_NEWCGROUP) == 0:
        walls.append("namespaces")
    try:
        os.chroot(_EMPTY)
        os.chdir("/")
        walls.append("root")
    except OSError:  # it takes a privilege that only namespaces of its own give
        os.chdir("/")
    head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if libc.capset(head, (ctypes.c_uint32 * 6)()) == 0:
        walls.append("privileges")
    _prctl(_SET_DUMPABLE, 0)
    _prctl(_SET_NO_NEW_PRIVILEGES, 1)
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)  # other privileges may have cleared it
    return walls


def _try_the_door() -> None:
    attempts: tuple[Callable[[], object], ...] = (
        lambda: os.open("/", os.O_RDONLY),
        socket.socket,
        os.fork,
    )
    for attempt in attempts:
        try:
            attempt()
        except PermissionError:
            continue
        raise NoFilter("not_effective")


def _prctl(option: int, value: int) -> None:
    call = ctypes.CDLL(None, use_errno=True).prctl
    call.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    if call(option, value, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "prctl")
