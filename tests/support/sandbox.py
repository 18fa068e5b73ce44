"""`antin sandbox` as anybody starts it: provider, worker and both portals as processes.

What lives here: starting and stopping it on free ports, and handing what its processes wrote to the
alarm.  Source: architecture, "Contracts" (commands, `var/sandbox.json`).
Not here: clients of outside suites (`tests/relying_party/providers.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import pytest

from idp.services import Services, build_services
from idp.settings_loading import load_settings
from keystore.second_factor.client import VerifierClient
from tests.support.invented import Invented, Inventor
from tests.support.pii_alarm import PiiAlarm
from tests.support.ports import free_port, three_free_ports
from tests.support.servers import wait_until

_START_TIMEOUT_S: Final = 180
_PRINTED: Final = re.compile(r"people \(number.*?all of it", re.DOTALL)
"""What the sandbox says on its terminal on purpose."""
BOTH_ORGANISATIONS: Final = ("9900000016", "9900000023")


@dataclass(slots=True)
class Sandbox:
    """A running sandbox; `services` are those of this process over the same state."""

    issuer: str
    citizen: str
    business: str
    facts: Mapping[str, Any]
    folder: Path
    log: Path
    settings: Mapping[str, str]
    services: Services
    inventor: Inventor
    _read: int = 0

    def printed_person(self, name: str) -> Invented:
        """One of the people that the sandbox prints, by name."""
        for one in self.facts["people"]:
            if one["name"] == name:
                return Invented(
                    one["identifier"], one["password"], name, totp_secret=one["totp_secret"]
                )
        raise LookupError(name)

    def signer(self) -> Invented:
        """Somebody whose codes confirm signatures: her authenticator is the verifier's."""
        address = self.services.settings.effective_verifier_address
        client = VerifierClient(address, patience_s=60, answer_s=120)
        try:
            return self.inventor.person(verifier=client)
        finally:
            client.close()

    def metrics(self) -> str:
        """What the operators' listener counts."""
        port = int(self.settings["ANTIN_METRICS_PORT"])
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=120) as answer:
            return str(answer.read().decode())

    def new_log(self) -> str:
        """What the processes wrote since the last call, without the list of printed people."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        new, self._read = text[self._read :], len(text)
        return _PRINTED.sub("", new)


@contextmanager
def start_sandbox(
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    tls: bool = False,
    port: int | None = None,
) -> Iterator[Sandbox]:
    """Start the sandbox with its portals in `folder`; everything it starts ends with it."""
    if port is None:
        # pictures for the documentation show the addresses that a reader will have
        port = 8000 if os.environ.get("ANTIN_PICTURES") else three_free_ports()
    var, log = folder / "var", folder / "sandbox.log"
    environ = process_environ(folder) | {"ANTIN_VAR": str(var), "PORT": str(port)}
    environ |= settings or {}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("antin")), "sandbox", *(["--tls"] if tls else [])],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: _is_up(process, var / "sandbox.json", port=port, log=log),
            what="the sandbox",
            timeout_s=_START_TIMEOUT_S,
        )
        facts = json.loads((var / "sandbox.json").read_text(encoding="utf-8"))
        given = {"ANTIN_VAR": str(var), "ANTIN_ISSUER": facts["issuer"], **(settings or {})}
        services = build_services(load_settings(given), is_sandbox=True)
        try:
            yield Sandbox(
                issuer=facts["issuer"],
                citizen=facts["portals"][0]["url"],
                business=facts["portals"][1]["url"],
                facts=facts,
                folder=folder,
                log=log,
                settings=settings or {},
                services=services,
                inventor=Inventor(services),
            )
        finally:
            services.close()
    finally:
        stop_group(process)


def process_environ(folder: Path) -> dict[str, str]:
    """The environment of processes under test.

    What sets the tests up must not set up the provider as well.  Where Python may leave no bytecode
    beside the sources it leaves it beside `folder`: every start would compile everything again.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ANTIN_")}
    if environ.pop("PYTHONDONTWRITEBYTECODE", None):
        environ["PYTHONPYCACHEPREFIX"] = str(folder.parent / "bytecode")
    return environ | {"PYTHONUNBUFFERED": "1"}


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session of its own, and whatever it left behind."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _is_up(process: subprocess.Popen[bytes], file: Path, *, port: int, log: Path) -> bool:
    if process.poll() is not None:
        pytest.fail(f"the sandbox ended: {log.read_text(errors='replace')[-3000:]}")
    if not file.is_file() or file.stat().st_size == 0:
        return False
    return all(_answers(one) for one in (port, port + 1, port + 2))


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox of this test process, as talkative as it can be."""
    settings = {"ANTIN_LOG_LEVEL": "DEBUG", "ANTIN_METRICS_PORT": str(free_port())}
    with start_sandbox(tmp_path_factory.mktemp("sandbox"), settings=settings) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox, pii_alarm: PiiAlarm) -> Iterator[Sandbox]:
    """The sandbox; what its processes write and count during the test goes to the alarm."""
    running_sandbox.new_log()
    yield running_sandbox
    pii_alarm.watch(running_sandbox.new_log(), "log of the sandbox")
    pii_alarm.watch(running_sandbox.metrics(), "a metric")
