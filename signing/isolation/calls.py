"""The system calls that remain to a process that parses.

What lives here: the list, and the filter made of it.  Whatever is not in it fails as forbidden:
opening, making or finding files, processes, sockets, other processes' memory, changing signals,
limits or the filter.  Memory that can be executed is not had either.
Source: seccomp(2), libseccomp through pyseccomp.
Not here: everything else that shuts a process in (`lockdown`).
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from typing import Final

import pyseccomp

_ALLOWED: Final = (
    # files that are open: the socket, and what came through it
    *("read", "readv", "pread64", "write", "writev", "pwrite64", "lseek", "ftruncate", "close"),
    *("fstat", "dup", "recvfrom", "recvmsg", "sendto", "sendmsg", "poll", "ppoll"),
    # memory
    *("brk", "munmap", "mremap", "madvise", "sysinfo", "futex", "membarrier", "rseq"),
    # time, chance, and what a process may know of itself
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time"),
    *("getrandom", "getpid", "gettid", "getrusage", "sched_yield", "restart_syscall"),
    # ending
    *("exit", "exit_group", "rt_sigreturn", "rt_sigprocmask", "sigaltstack"),
)
_AT_EMPTY_PATH: Final = 0x1000
_OF_FILES: Final = (
    fcntl.F_GETFD,
    fcntl.F_SETFD,
    fcntl.F_GETFL,
    fcntl.F_DUPFD,
    fcntl.F_DUPFD_CLOEXEC,
)


def load_filter() -> None:
    """Let this process, and whatever it becomes, do no more than that; there is no way back.

    Raises  OSError, RuntimeError.
    """
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ERRNO(errno.EPERM))
    for name in _ALLOWED:
        rules.add_rule(pyseccomp.ALLOW, name)
    not_executable = pyseccomp.Arg(2, pyseccomp.MASKED_EQ, mmap.PROT_EXEC, 0)
    for name in ("mmap", "mprotect"):
        rules.add_rule(pyseccomp.ALLOW, name, not_executable)
    # how libc asks about a file that is open; with a path it would tell which files there are
    only_open = pyseccomp.Arg(3, pyseccomp.EQ, _AT_EMPTY_PATH)
    rules.add_rule(pyseccomp.ALLOW, "newfstatat", only_open)
    for command in _OF_FILES:
        rules.add_rule(pyseccomp.ALLOW, "fcntl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    # abort() sends itself its signal; nobody else is sent one
    rules.add_rule(pyseccomp.ALLOW, "tgkill", pyseccomp.Arg(0, pyseccomp.EQ, os.getpid()))
    rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    rules.load()
