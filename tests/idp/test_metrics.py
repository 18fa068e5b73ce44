"""Numbers of several processes are one page; their labels are words of ours."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from idp.errors import SettingsInvalid
from idp.metrics import Metrics, StoreNumbers, render_metrics, share_between_processes
from idp.storage import outbox
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.work.counting import count_duties, count_handlers
from idp.work.model import Done, Duty, GiveUp, Job, Outcome, Retry

_NOW: Final = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
_COUNT: Final = """
from idp.metrics import Metrics
metrics = Metrics()
for _ in range(3):
    metrics.request_answered(route="/token", method="POST", status=200, seconds=0.002)
"""


def _page(registry: CollectorRegistry) -> str:
    return generate_latest(registry).decode()


def test_processes_that_share_a_folder_are_added_up(
    database: Database, ephemeral: EphemeralStore, tmp_path: Path, monkeypatch
):
    folder = tmp_path / "metrics" / "serve-1"
    folder.mkdir(parents=True)
    (folder / "counter_1.db").write_bytes(b"of the last start")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    share_between_processes(folder)
    for _ in range(2):
        subprocess.run([sys.executable, "-c", _COUNT], check=True, cwd=Path(__file__).parents[2])
    stores = StoreNumbers(database, ephemeral=ephemeral, time=lambda: _NOW)
    page = render_metrics(folder, stores=stores).decode()
    assert 'antin_requests_total{method="POST",route="/token",status="2xx"} 6.0' in page
    assert 'antin_request_seconds_bucket{le="0.0025",route="/token"} 6.0' in page
    assert 'antin_store_up{store="database"} 1.0' in page


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsInvalid, match="ANTIN_VAR"):
        share_between_processes(tmp_path / "file" / "metrics")


def test_messages_are_counted_by_gateway_and_outcome():
    metrics = Metrics()
    metrics.message_tried("sms", "timed_out")
    for _ in range(2):
        metrics.message_tried("sms2", "sent")
    page = _page(metrics.registry)
    assert 'antin_messages_total{gateway="sms",outcome="timed_out"} 1.0' in page
    assert 'antin_messages_total{gateway="sms2",outcome="sent"} 2.0' in page


def test_backlog_of_the_outbox_is_told(database: Database, ephemeral: EphemeralStore):
    for number in range(3):
        with database.transaction() as tx:
            outbox.add(
                tx,
                "backchannel_logout",
                {"n": number},
                now=_NOW - timedelta(seconds=90),
                expires=_NOW + timedelta(hours=1),
            )
    registry = CollectorRegistry()
    registry.register(StoreNumbers(database, ephemeral=ephemeral, time=lambda: _NOW))
    page = _page(registry)
    assert 'antin_outbox_rows{state="waiting"} 3.0' in page
    assert "antin_outbox_oldest_seconds 90.0" in page


def test_store_that_is_gone_is_told_instead_of_failing(ephemeral: EphemeralStore):
    gone = Database("postgresql+psycopg://antin@127.0.0.1:1/none", pool_size=1)
    registry = CollectorRegistry()
    registry.register(StoreNumbers(gone, ephemeral=ephemeral, time=lambda: _NOW))
    page = _page(registry)
    assert 'antin_store_up{store="database"} 0.0' in page
    assert 'antin_store_up{store="ephemeral"} 1.0' in page
    assert "antin_outbox" not in page
    gone.close()


def test_method_that_a_client_made_up_is_no_label():
    metrics = Metrics()
    for method in ("BREW", "STEEP", "POUR"):
        metrics.request_answered(route="none", method=method, status=405, seconds=0.001)
    page = _page(metrics.registry)
    assert 'antin_requests_total{method="other",route="none",status="4xx"} 3.0' in page
    assert "BREW" not in page


def test_what_a_worker_does_is_counted_by_its_outcome():
    metrics = Metrics()
    outcomes: list[Outcome] = [Done(), GiveUp("gone"), Retry("away")]

    def handle(job: Job, *, now: datetime) -> Outcome:
        return outcomes.pop()

    def fail(_now: datetime) -> None:
        raise RuntimeError

    handler = count_handlers({"logout": handle}, metrics=metrics)["logout"]
    job = Job(outbox.OutboxId("job_1"), "logout", "", {}, 1, _NOW, _NOW)
    for _ in range(3):
        handler(job, now=_NOW)
    with pytest.raises(IndexError):
        handler(job, now=_NOW)
    duties = (Duty("purge", timedelta(1), lambda now: now), Duty("rotate", timedelta(1), fail))
    purge, rotate = count_duties(duties, metrics=metrics)
    purge.act(_NOW)
    with pytest.raises(RuntimeError):
        rotate.act(_NOW)
    page = _page(metrics.registry)
    for outcome in ("done", "given_up", "retried", "failed"):
        assert f'antin_jobs_total{{kind="logout",outcome="{outcome}"}} 1.0' in page
    assert 'antin_duties_total{duty="purge",outcome="done"} 1.0' in page
    assert 'antin_duties_total{duty="rotate",outcome="failed"} 1.0' in page
