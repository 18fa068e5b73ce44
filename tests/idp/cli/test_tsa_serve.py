"""`antin tsa serve` as a real process of its own: it gives timestamps and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from idp.clock import utc_now
from idp.keks import open_service_ring
from idp.keyrings import open_keyrings
from idp.pki import build_pki, pki_deployment
from idp.settings_loading import load_settings
from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.pki.timestamp_requests import MAX_REQUEST_BYTES, Failure
from keystore.pki.timestamp_tokens import rejected
from keystore.sealing import Sealer
from keystore.time.latch import Stop, release_clock, stop_clock
from tests.support.clocks import NtpServer
from tests.support.servers import wait_until
from tests.support.serving import Serving, environment, prepare, serving
from tests.support.stores import create_all_tables
from tests.support.timestamps import openssl_query

_ANTIN = Path(sys.executable).with_name("antin")
_QUERY = {"Content-Type": "application/timestamp-query"}
_SETTINGS = {
    "ANTIN_TSA_ENABLED": "true",
    "ANTIN_TSA_POLICIES": "1.3.6.1.4.1.99999.4.1",
    "ANTIN_TIME_SOURCES": "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3",
    "ANTIN_PKI_BASE_URL": "http://pki.antin.vn",
    "ANTIN_PKI_ORGANISATION": "Cơ quan Thử nghiệm",
    "ANTIN_PKI_ORGANISATION_IDENTIFIER": "GOVVN-H00.99",
    "ANTIN_PKI_POLICY_ARC": "1.3.6.1.4.1.99999.1",
}


class _Host:
    """A host with an authority, sources of time, and the server on it."""

    def __init__(self, folder: Path, *, stack: ExitStack) -> None:
        self.sources = [stack.enter_context(NtpServer()) for _ in range(3)]
        names = ",".join(one.name for one in self.sources)
        self.settings = {**prepare(folder), **_SETTINGS, "ANTIN_TIME_SOURCES": names}
        create_all_tables(self.settings["ANTIN_DATABASE_URL"])
        settings = load_settings(self.settings)
        self.database = Database(settings.effective_database_url, pool_size=2)
        stack.callback(self.database.close)
        now = utc_now() - timedelta(seconds=5)
        sealer = Sealer.open(self.database, kek=open_service_ring(settings), now=now)
        self.log = LogWriter(sealer, writer_id="test")
        deployment = pki_deployment(settings, is_sandbox=False)
        assert deployment is not None
        keyrings = open_keyrings(settings, database=self.database, sealer=sealer, log=self.log)
        pki = build_pki(deployment, keyrings=keyrings)
        root = pki.ceremony.make_root("root-1", now=now)
        pki.ceremony.add_root(root, now=now)
        pki.ceremony.add_issuing("issuing-1", root_id="root-1", root_key=root.key, now=now)
        pki.timestamp_certificates.renew_due(now)
        pem = pki.authorities.get("root-1").parsed.public_bytes(Encoding.PEM)
        (folder / "root.pem").write_bytes(pem)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[_Host]:
    with ExitStack() as stack:
        yield _Host(tmp_path, stack=stack)


def _ask(served: Serving, query: bytes) -> bytes:
    status, body = served.ask("/tsa", method="POST", body=query, headers=_QUERY)
    assert status == 200
    return body


def _is_given(served: Serving, query: bytes) -> bool:
    """Whether every worker gives timestamps, as far as twenty requests can tell."""
    no_time = rejected(Failure.TIME_NOT_AVAILABLE)
    return all(_ask(served, query) != no_time for _ in range(20))


def test_it_gives_timestamps_that_openssl_accepts_and_stops_everywhere(
    host: _Host, tmp_path: Path
) -> None:
    query = openssl_query(b"a document", "-sha256", "-cert", folder=tmp_path)
    settings = host.settings | {"ANTIN_WORKERS": "2"}
    with serving(settings, folder=tmp_path, command=("tsa", "serve")) as served:
        wait_until(lambda: served.ask("/readyz")[0] == 200, what="a check of the clock")
        no_time = rejected(Failure.TIME_NOT_AVAILABLE)
        wait_until(lambda: _is_given(served, query), what="both workers")
        (tmp_path / "answer").write_bytes(_ask(served, query))
        command = ["openssl", "ts", "-verify", "-in", "answer", "-data", "data"]
        done = subprocess.run(
            [*command, "-CAfile", "root.pem"], capture_output=True, check=False, cwd=tmp_path
        )
        assert b"Verification: OK" in done.stdout, done.stderr
        for path in ("/", "/login", "/token", "/jwks", "/tsa/more"):
            assert served.ask(path)[0] == 404
        assert served.ask("/tsa")[0] == 405
        too_long = served.ask(
            "/tsa", method="POST", body=bytes(MAX_REQUEST_BYTES + 1), headers=_QUERY
        )
        assert too_long[0] == 413
        stop_clock(host.database, Stop("drift"), host="web-9", log=host.log, now=utc_now())
        wait_until(lambda: _ask(served, query) == no_time, what="the stop")
        wait_until(lambda: served.ask("/readyz")[0] == 503, what="unreadiness")
        release_clock(host.database, log=host.log, now=utc_now())
        wait_until(lambda: _is_given(served, query), what="the release in both workers")
    assert not [line for line in served.lines() if line["level"] == "error"]


def test_it_does_not_start_without_what_it_needs(tmp_path: Path) -> None:
    prepared = prepare(tmp_path) | _SETTINGS
    for changed in (
        {"ANTIN_TSA_ENABLED": "false"},
        {"ANTIN_TIME_SOURCES": ""},
        {"ANTIN_PKI_ORGANISATION": ""},
    ):
        done = subprocess.run(
            [str(_ANTIN), "tsa", "serve"],
            env=environment(prepared | changed),
            capture_output=True,
            check=False,
            timeout=600,
        )
        (name,) = changed
        assert done.returncode == 1
        assert done.stderr.startswith(f"antin: {name}: ".encode())
