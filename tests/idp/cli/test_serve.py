"""`antin serve` as real processes: starting, refusing to start, draining, being killed."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idp.sandbox.certificate import make_certificate
from tests.support.pii_alarm import PiiAlarm
from tests.support.servers import wait_until
from tests.support.serving import KEK, environment, is_listening, prepare, serving

FORM = "grant_type=client_credentials&client_id=nobody&client_secret=nothing"


def _half_a_request(port: int) -> socket.socket:
    """A token request whose body is not whole yet: it is being answered, and waits."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=120)
    head = (
        "POST /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(FORM)}\r\n\r\n"
    )
    connection.sendall(head.encode() + FORM[:20].encode())
    return connection


def _rest(connection: socket.socket) -> bytes:
    connection.sendall(FORM[20:].encode())
    answer = b""
    while part := connection.recv(65_536):
        answer += part
    connection.close()
    return answer


def test_stop_drains_first_and_lets_a_running_request_finish(tmp_path: Path):
    """/readyz says 503 while new requests are still served; then the running ones end.

    A second signal ends the grace period, which is longer than any machine is slow.
    """
    settings = {**prepare(tmp_path), "ANTIN_DRAIN_S": "600", "ANTIN_FINISH_S": "300"}
    with serving(settings, folder=tmp_path) as served:
        assert served.ask("/readyz") == (200, b"ready\n")
        slow = _half_a_request(served.port)
        served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: served.ask("/readyz")[0] == 503, what="draining", timeout_s=300)
        assert served.ask("/healthz")[0] == 200
        assert served.ask("/token", method="POST", body=FORM)[0] == 400
        status, details = served.ask_operator("/readyz")
        assert (status, b'"draining": true' in details) == (503, True)
        served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_listening(served.port), what="the end of the grace period")
        assert served.process.poll() is None
        answer = _rest(slow)
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b'"invalid_client"' in answer
        assert served.process.wait(120) == 0


def test_the_grace_period_ends_by_itself_and_not_before(tmp_path: Path):
    settings = {**prepare(tmp_path), "ANTIN_DRAIN_S": "1"}
    with serving(settings, folder=tmp_path) as served:
        began_s = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(120) == 0
        assert time.monotonic() - began_s >= 1


def test_several_workers_over_tls_outlive_one_that_is_killed(
    tmp_path: Path, pii_alarm: PiiAlarm, monkeypatch
):
    """Their numbers are one page, their lines JSON, and their environment knows no key.

    How strong the walls around whoever reads documents are is said before they are there.
    """
    monkeypatch.setenv("HTTP_AUTHORIZATION", "Bearer of-the-process")
    certificate, key = make_certificate(tmp_path, now=datetime.now(UTC))
    settings = prepare(tmp_path) | {
        "ANTIN_WORKERS": "2",
        "ANTIN_TLS_CERTIFICATE": str(certificate),
        "ANTIN_TLS_KEY": str(key),
        "ANTIN_ACCESS_LOG": "true",
    }
    context = ssl.create_default_context(cafile=str(certificate))
    with serving(settings, folder=tmp_path, context=context) as served:
        wait_until(lambda: len(served.worker_pids()) == 2, what="both workers")
        pids = served.worker_pids()
        for pid in pids:
            known = Path(f"/proc/{pid}/environ").read_bytes()
            assert b"ANTIN_KEK" not in known
            assert KEK.encode() not in known
        for _ in range(20):
            assert served.ask("/userinfo")[0] == 401  # the process's variable is no header
        killed = pids.pop()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: killed not in served.worker_pids(), what="the kill")
        wait_until(served.answers, what="the other worker")
        wait_until(lambda: len(served.worker_pids()) == 2, what="a new worker")
        page = served.ask_operator("/metrics")[1].decode()
        assert 'antin_requests_total{method="GET",route="/userinfo",status="4xx"} 20.0' in page
        pii_alarm.watch(page, "metrics")
        version = ssl.create_default_context(cafile=str(certificate))
        version.maximum_version = ssl.TLSVersion.TLSv1_2
        served.context = version
        with pytest.raises(ssl.SSLError):
            served.ask("/healthz")
        make_certificate(tmp_path, now=datetime.now(UTC))
        served.context = ssl.create_default_context(cafile=str(certificate))
        with pytest.raises(ssl.SSLCertVerificationError):
            served.ask("/healthz")
        served.process.send_signal(signal.SIGHUP)
        wait_until(served.answers, what="the new certificate")
    (told,) = [line for line in served.lines() if line["event"] == "isolation"]
    assert "filter" in told["walls"].split(",")
    requests = [line for line in served.lines() if line["event"] == "request"]
    assert len([line for line in requests if line["route"] == "/userinfo"]) == 20
    assert len({line["request_id"] for line in requests}) == len(requests)
    pii_alarm.watch(served.log.read_text(), "log of antin serve")


def test_workers_end_with_the_process_that_started_them(tmp_path: Path):
    """They would go on holding the port, and nobody could stop them."""
    with serving(prepare(tmp_path), folder=tmp_path) as served:
        served.process.kill()
        served.process.wait()
        wait_until(lambda: not is_listening(served.port), what="the workers' end")


def test_server_does_not_join_another_on_its_port(tmp_path: Path):
    """It would start without an error, and share the other's traffic."""
    settings = prepare(tmp_path)
    with serving(settings, folder=tmp_path) as served:
        again = _start({**settings, "ANTIN_PORT": str(served.port)})
        assert again.returncode == 1
        assert again.stderr.startswith(b"antin: ANTIN_PORT: ")
        assert served.answers()


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"ANTIN_ISSUER": "http://localhost:8000"}, b"antin: ANTIN_ISSUER: must be https"),
        ({"ANTIN_TLS_CERTIFICATE": "/no", "ANTIN_TLS_KEY": "/no"}, b"antin: ANTIN_TLS_CERTIFICATE"),
        ({"ANTIN_DATABASE_URL": "sqlite:///empty.db"}, b"antin: ANTIN_DATABASE_URL: the tables"),
    ],
)
def test_refusal_to_start_is_one_line(tmp_path: Path, changed, refusal):
    ended = _start({**prepare(tmp_path), **changed}, folder=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith(refusal)
    assert ended.stderr.count(b"\n") == 1


def _start(
    settings: dict[str, str], folder: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("antin")), "serve"],
        env=environment(settings),
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=600,
    )
