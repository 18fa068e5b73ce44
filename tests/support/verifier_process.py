"""`antin verifier` as an operator starts it, beside a database of the provider.

What lives here: the real processes over a real socket; killing them.  The verifier inside of a test
is in `verifier.py`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from keystore.second_factor.client import VerifierClient
from keystore.second_factor.errors import VerifierUnavailable
from tests.support.prepared import prepare_database
from tests.support.sandbox import process_environ
from tests.support.servers import wait_until
from tests.support.signer import SIGNER

_START_TIMEOUT_S: Final = 60


@dataclass(slots=True)
class VerifierProcess:
    """One `antin verifier` with its folder, database and clients."""

    folder: Path
    database_url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        """Prepare what an operator prepares."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        prepare_database(self.database_url, is_sandbox=False)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"unix:{self.folder / 'verifier.sock'}"

    @property
    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "verifier.log").read_text(errors="replace")

    def environ(self) -> dict[str, str]:
        """The settings of the process; the service's root key is not among them."""
        return {
            **process_environ(self.folder),
            "ANTIN_ISSUER": SIGNER,
            "ANTIN_VAR": str(self.folder),
            "ANTIN_DATABASE_URL": self.database_url,
            "ANTIN_VERIFIER_ADDRESS": self.address,
            **self.settings,
        }

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """The command, to its end."""
        return subprocess.run(
            [str(Path(sys.executable).with_name("antin")), "verifier", *arguments],
            env=self.environ() | changes,
            capture_output=True,
            text=True,
            timeout=_START_TIMEOUT_S,
            check=False,
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "verifier.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name("antin")), "verifier"],
                env=self.environ(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.is_up, what="antin verifier", timeout_s=_START_TIMEOUT_S)

    def is_up(self) -> bool:
        """Whether it answers; fails the test when it has ended."""
        if self.process is not None and self.process.poll() is not None:
            pytest.fail(f"antin verifier ended: {self.log}")
        client = self.client(patience_s=0.1)
        try:
            return bool(client.kek_ids())
        except VerifierUnavailable:
            return False
        finally:
            client.close()

    def client(self, **options: Any) -> VerifierClient:
        """A client as a web worker has it, with patience for a child that has to start.

        The test's user is a keeper.
        """
        return VerifierClient(self.address, **{"answer_s": 120, **options})

    def kill_children(self) -> None:
        """`kill -9` for the processes that hold secrets, not for their parent."""
        assert self.process is not None
        pid = self.process.pid
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in found:
            with suppress(OSError):  # it went while we looked
                if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes():
                    os.kill(int(one), signal.SIGKILL)

    def stop(self) -> int:
        """As an operator stops it; the exit status."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(120)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return -1


@contextmanager
def running_verifier(folder: Path, database_url: str, **settings: str) -> Iterator[VerifierProcess]:
    """A running verifier, stopped afterwards."""
    verifier = VerifierProcess(folder, database_url, settings)
    verifier.start()
    try:
        yield verifier
    finally:
        verifier.stop()
