"""The machine of a run: which cores it has, what it is called, which versions run on it.

What lives here: giving the server under test a core of its own, and the facts that the table names.
Not here: host names and paths, which say nothing to a reader.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_PACKAGES: Final = ("granian", "flask", "sqlalchemy", "cryptography")


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the servers under test, and those of everything else."""

    server: int
    others: frozenset[int]

    @property
    def are_apart(self) -> bool:
        """Whether load generator and databases stay off the server's core."""
        return self.server not in self.others


def divide_cores() -> Cores:
    """The last core for the server, the others for load generator, PostgreSQL and Redis."""
    available = sorted(os.sched_getaffinity(0))
    return Cores(available[-1], frozenset(available[:-1] or available))


def stay_on(cores: frozenset[int]) -> None:
    """Move this process, and all that it starts without further words, to these cores."""
    os.sched_setaffinity(0, cores)


@contextmanager
def only_on(core: int) -> Iterator[None]:
    """Keep this thread, and what it starts meanwhile, on one core; afterwards where it was."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pinned(core: int) -> tuple[str, ...]:
    """The beginning of a command line that runs on one core only."""
    return ("taskset", "--cpu-list", str(core))


def node() -> str | None:
    """Where Node is, if the peer can run."""
    found = shutil.which("node")
    return found if found and _peer_package().exists() else None


def describe(cores: Cores, *, postgresql: str, redis: str) -> str:
    """One line for the reader of a table: processor, cores, versions."""
    parts = [
        f"{_processor()}, {os.cpu_count()} cores",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in _PACKAGES),
        f"PostgreSQL {postgresql}",
        f"Redis {redis}",
    ]
    program = node()
    if program is not None:
        text = subprocess.run((program, "--version"), check=True, capture_output=True).stdout
        peer = json.loads(_peer_package().read_text(encoding="utf-8"))["version"]
        parts.append(f"Node {text.decode().strip().lstrip('v')}, oidc-provider {peer}")
    if not cores.are_apart:
        parts.append("ONE core for server and load generator: ratios only")
    return "; ".join(parts)


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _peer_package() -> Path:
    return ROOT / "tests" / "node" / "node_modules" / "oidc-provider" / "package.json"
