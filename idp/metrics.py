"""The numbers an operator watches, in the words of Prometheus.

What lives here: every metric with its labels, for `antin serve` and `antin work`.  Labels take
their values from lists of ours (route templates, methods, codes of errors): their number is bounded
and nothing that a client or a person sent is among them.  Processes of one command count in files
of one folder, which the process that holds the metrics' port reads together.
Not here: who may read them (`idp/web/listener.py`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from idp.errors import SettingsInvalid, StorageUnavailable
from idp.storage.breaches import count_breaches
from idp.storage.data_requests import count_data_requests
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.outbox import find_backlog

_FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})
_OTHER: Final = "other"


def share_between_processes(folder: Path) -> None:
    """Let the processes that this one starts count together in `folder`, which is emptied.

    For the one process that holds the metrics' port; it counts nothing itself, because the library
    chose where to count when it was imported.
    Raises  SettingsInvalid when the folder cannot be written.
    """
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as problem:
        raise SettingsInvalid("ANTIN_VAR", reason="metrics cannot be written there") from problem
    os.environ[_FOLDER_VARIABLE] = str(folder.absolute())


def render_metrics(folder: Path, *, stores: Collector) -> bytes:
    """The numbers of every process that shares the folder, and those of the stores."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]  # the library has no types there
    registry.register(stores)
    return generate_latest(registry)


class Metrics:
    """What is counted while requests are answered and deferred work is done.

    Takes   registry: where the metrics are listed; one of its own unless told otherwise.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()

        def counter(name: str, said: str, *labels: str) -> Counter:
            return Counter(name, said, labels, registry=self.registry)

        self._requests = counter(
            "antin_requests", "Requests answered.", "route", "method", "status"
        )
        self._seconds = Histogram(
            "antin_request_seconds",
            "Time to answer a request.",
            ("route",),
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._factors = counter(
            "antin_factors", "Passwords and one-time codes tried.", "factor", "outcome"
        )
        self._tokens = counter("antin_token_responses", "Token responses sent.", "grant_type")
        self._refusals = counter(
            "antin_refusals", "Requests refused, by the code of the error.", "route", "code"
        )
        self._jobs = counter("antin_jobs", "Rows of the outbox tried.", "kind", "outcome")
        self._messages = counter(
            "antin_messages",
            "Messages handed to a gateway: sent, or why not.",
            "gateway",
            "outcome",
        )
        self._duties = counter("antin_duties", "Periodic duties done.", "duty", "outcome")
        # finding a child by its labels costs more than counting
        self._known: dict[
            tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]
        ] = {}

    def request_answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is a template of ours."""
        key = (route, method if method in _METHODS else _OTHER, status // 100)
        known = self._known.get(key)
        if known is None:
            counted = self._requests.labels(key[0], key[1], f"{key[2]}xx")
            known = self._known[key] = (counted.inc, self._seconds.labels(route).observe)
        known[0]()
        known[1](seconds)

    def factor_tried(self, factor: str, *, outcome: str) -> None:
        """A password or a one-time code was tried."""
        self._factors.labels(factor, outcome).inc()

    def tokens_issued(self, grant_type: str) -> None:
        """A token response was sent."""
        self._tokens.labels(grant_type).inc()

    def refused(self, *, route: str, code: str) -> None:
        """A request was refused with this code."""
        self._refusals.labels(route, code).inc()

    def job_tried(self, kind: str, *, outcome: str) -> None:
        """A row of the outbox was tried."""
        self._jobs.labels(kind, outcome).inc()

    def message_tried(self, gateway: str, outcome: str) -> None:
        """A gateway was asked to take a message."""
        self._messages.labels(gateway, outcome).inc()

    def duty_done(self, duty: str, *, outcome: str) -> None:
        """A periodic duty was done, or failed."""
        self._duties.labels(duty, outcome).inc()


class StoreNumbers(Collector):
    """Whether the stores answer, and what waits in the outbox: asked when somebody reads."""

    def __init__(
        self, database: Database, *, ephemeral: EphemeralStore, time: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._ephemeral = ephemeral
        self._time = time

    def collect(self) -> Iterator[Metric]:
        """The gauges of this moment; without a database there is no backlog to tell."""
        up = GaugeMetricFamily("antin_store_up", "Whether a store answers.", labels=("store",))
        up.add_metric(("ephemeral",), float(self._ephemeral.is_up()))
        try:
            with self._database.read() as connection:
                now = self._time()
                backlog = find_backlog(connection, now=now)
                waiting = count_data_requests(connection, now=now)
                breaches, late_breaches = count_breaches(connection, now=now)
        except StorageUnavailable:
            up.add_metric(("database",), 0.0)
            yield up
            return
        up.add_metric(("database",), 1.0)
        yield up
        rows = GaugeMetricFamily("antin_outbox_rows", "Rows of the outbox.", labels=("state",))
        rows.add_metric(("waiting",), backlog.waiting)
        rows.add_metric(("failed",), backlog.failed)
        yield rows
        yield GaugeMetricFamily(
            "antin_outbox_oldest_seconds",
            "Age of the oldest row that waits.",
            value=backlog.oldest_age_s,
        )

        asked = GaugeMetricFamily(
            "antin_data_requests",
            "Requests of people about their data that wait for an answer.",
            labels=("state",),
        )
        asked.add_metric(("open",), waiting.open)
        asked.add_metric(("overdue",), waiting.overdue)
        yield asked
        broken = GaugeMetricFamily(
            "antin_breaches", "Open files of breaches of personal data.", labels=("state",)
        )
        broken.add_metric(("open",), breaches)
        broken.add_metric(("overdue",), late_breaches)
        yield broken

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not ask the stores."""
        return iter(())
