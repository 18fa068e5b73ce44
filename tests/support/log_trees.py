"""A log with trees for tests: keys that need no keyring, rows of many kinds, a witness process.

What lives here: `RawLogKeys`, the `LogKeys` of a test; `write_rows`; `WitnessProcess`, which is the
real command on a real port with a folder of its own, and `LoopbackTransport`, which asks it.
Not here: fixtures (`tests/keystore/log/conftest.py`).
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from idp.storage.database import Database
from keystore.log.entries import Tree
from keystore.log.errors import WitnessUnreachable
from keystore.log.events import Event, EventType
from keystore.log.note_keys import KeyKind, NoteSigner, NoteVerifier
from keystore.log.record import LogWriter
from keystore.log.witness import Witness
from keystore.log.witness_folder import WitnessFolder
from keystore.log.witness_server import WitnessServer
from keystore.log.witnessing import WitnessConfig, WitnessReply
from tests.support.tree import ROOT

ORIGINS: Final[Mapping[Tree, str]] = {tree: f"log.example/{tree}" for tree in Tree}
PRIVATE_EVENT: Final = Event(EventType.SESSION_STARTED, client_id="portal", facts={"n": 1})
PUBLIC_EVENT: Final = Event(EventType.CERTIFICATE_ISSUED, facts={"serial": "0a1b"})


class RawLogKeys:
    """Keys of a log in the hands of a test, and of an attacker who has stolen them."""

    def __init__(self) -> None:
        self._ed25519 = Ed25519PrivateKey.generate()
        self._mldsa = MLDSA44PrivateKey.generate()

    def signers(self, origin: str, *, now: datetime) -> tuple[NoteSigner, ...]:
        """See `LogKeys.signers`."""
        classic = NoteVerifier(
            origin, KeyKind.ED25519, self._ed25519.public_key().public_bytes_raw()
        )
        quantum = NoteVerifier(
            origin, KeyKind.MLDSA44_COSIGNATURE, self._mldsa.public_key().public_bytes_raw()
        )
        return NoteSigner(classic, self._ed25519.sign), NoteSigner(quantum, self._mldsa.sign)

    def verifiers(self, origin: str, *, now: datetime) -> tuple[NoteVerifier, ...]:
        """See `LogKeys.verifiers`."""
        return tuple(one.verifier for one in self.signers(origin, now=now))

    def by_tree(self, now: datetime) -> dict[Tree, tuple[NoteVerifier, ...]]:
        """What `verify_log` takes."""
        return {tree: self.verifiers(origin, now=now) for tree, origin in ORIGINS.items()}


def write_rows(
    database: Database,
    log: LogWriter,
    now: datetime,
    *,
    private: int = 0,
    public: int = 0,
) -> None:
    """Record events of both trees, in one transaction."""
    with database.transaction() as transaction:
        for number in range(private + public):
            event = PRIVATE_EVENT if number < private else PUBLIC_EVENT
            log.record(transaction, event, data_key=None, now=now)


class WitnessProcess:
    """`antin witness serve` on a free port; `stop` and `start` as often as one likes."""

    def __init__(self, folder: Path, *, name: str, logs: tuple[NoteVerifier, ...]) -> None:
        self.folder = WitnessFolder(folder)
        self._name = name
        self._keys = self.folder.create(name=name)
        self.folder.add_logs([key.vkey for key in logs])
        self._process: subprocess.Popen[str] | None = None
        self.config = WitnessConfig(name, "", self._keys)
        self.start()

    def start(self) -> None:
        """Serve, and wait for the address."""
        self._process = subprocess.Popen(
            (*_ANTIN, "witness", "serve", str(self.folder.path), "--port", "0"),
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=_environment(),
        )
        assert self._process.stdout is not None
        url = self._process.stdout.readline().strip()
        if not url.startswith("http://"):
            self.stop()
            pytest.fail("the witness did not start")
        self.config = WitnessConfig(self._name, url, self._keys)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; returns its exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        status = self._process.wait(120)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return status


class WitnessThread:
    """The same server in this process, for tests of who asks: it starts at once."""

    def __init__(self, folder: Path, *, name: str, logs: tuple[NoteVerifier, ...]) -> None:
        self.folder = WitnessFolder(folder)
        keys = self.folder.create(name=name)
        self.folder.add_logs([key.vkey for key in logs])
        judge = Witness(
            self.folder, signers=self.folder.read_signers(), logs=self.folder.read_logs()
        )
        self._server = WitnessServer(
            ("127.0.0.1", 0), witness=judge, time=lambda: datetime.now(UTC)
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()
        self.config = WitnessConfig(name, f"http://127.0.0.1:{self._server.server_port}", keys)
        self.setting = " ".join((self.config.url, *(key.vkey for key in keys)))

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join(120)
        self._server.server_close()


class LoopbackTransport:
    """Asks a witness on this machine."""

    def post(self, url: str, *, body: bytes) -> WitnessReply:
        """See `WitnessTransport.post`."""
        return self._call("POST", url, body=body)

    def get(self, url: str) -> WitnessReply:
        """See `WitnessTransport.get`."""
        return self._call("GET", url, body=None)

    def _call(self, method: str, url: str, *, body: bytes | None) -> WitnessReply:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        try:
            connection.request(method, parts.path, body=body)
            response = connection.getresponse()
            content_type = response.headers.get("Content-Type", "")
            return WitnessReply(response.status, content_type, response.read())
        except OSError as failure:
            raise WitnessUnreachable from failure
        finally:
            connection.close()


_ANTIN: Final = (sys.executable, "-m", "idp.cli")


def _environment() -> dict[str, str]:
    """Without settings of the service: a witness needs none."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ANTIN_")}
