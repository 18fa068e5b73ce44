"""`antin work` as a real process: what it does is counted, what it says are lines of JSON."""

from __future__ import annotations

import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

from click.testing import CliRunner

from idp.cli.work import work
from idp.errors import SettingsInvalid
from tests.support.pii_alarm import PiiAlarm
from tests.support.ports import free_port
from tests.support.servers import wait_until
from tests.support.serving import environment, prepare


def _metrics(port: int) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def test_worker_does_its_duties_counts_them_and_ends_when_told(tmp_path: Path, pii_alarm: PiiAlarm):
    port = free_port()
    settings = {**prepare(tmp_path), "ANTIN_WORK_METRICS_PORT": str(port)}
    log = tmp_path / "work.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("antin")), "work"],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        done = 'antin_duties_total{duty="purge",outcome="done"} 1.0'
        wait_until(lambda: done in _metrics(port), what="the first purge", timeout_s=300)
        page = _metrics(port)
        assert 'antin_store_up{store="database"} 1.0' in page
        assert "antin_outbox_oldest_seconds 0.0" in page
        pii_alarm.watch(page, "metrics")
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
    said = log.read_text()
    pii_alarm.watch(said, "log of antin work")
    assert '"level": "error"' not in said


def test_worker_refuses_a_gateway_whose_password_others_can_read(tmp_path: Path):
    password = tmp_path / "mail-password"
    password.write_text("mat-khau")
    password.chmod(0o644)
    gateway = {
        "ANTIN_SMTP_HOST": "mail.example",
        "ANTIN_SMTP_FROM": "khong-tra-loi@id.example",
        "ANTIN_SMTP_USER": "antin",
        "ANTIN_SMTP_PASSWORD_FILE": str(password),
    }
    ended = CliRunner().invoke(work, env=environment({**gateway, "ANTIN_VAR": str(tmp_path)}))
    assert isinstance(ended.exception, SettingsInvalid)
    assert ended.exception.name == "ANTIN_SMTP_PASSWORD_FILE"


def test_worker_refuses_a_database_of_another_kind(tmp_path: Path):
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("antin")), "work"],
        env=environment({**prepare(tmp_path), "ANTIN_SANDBOX": "1"}),
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"antin: ANTIN_DATABASE_URL: is not a sandbox's")
