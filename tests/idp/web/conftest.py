"""The application as a worker holds it, with everything that stands before Flask.

Fixtures: `make_worker`, `worker`.  Source: `tests/idp/conftest.py` for what is behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from werkzeug.test import Client, TestResponse

from idp.metrics import Metrics
from idp.web.front import Front, make_health
from tests.support.pii_alarm import PiiAlarm
from tests.support.provider import ISSUER, Provider


class Worker:
    """One worker's application, and what it counts."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.is_draining = False
        self.registry = CollectorRegistry()
        self.front = Front(
            provider.app,
            services=provider.services,
            metrics=Metrics(self.registry),
            health=make_health(provider.services, is_draining=lambda: self.is_draining),
        )
        self.http = Client(self.front, use_cookies=False)
        provider.http = self.http

    def get(self, path: str, **options: Any) -> TestResponse:
        """A GET under the issuer."""
        return self.http.get(path, base_url=ISSUER, **options)

    def number(self, name: str, **labels: str) -> float:
        """The value of a metric; 0 when nothing was counted."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def metrics(self) -> str:
        """The page of the metrics."""
        return generate_latest(self.registry).decode()


MakeWorker = Callable[..., Worker]


@pytest.fixture
def make_worker(
    make_provider: Callable[..., Provider], request: pytest.FixtureRequest, pii_alarm: PiiAlarm
) -> MakeWorker:
    """Makes workers over fresh stores; the alarm sees what they counted."""

    def make(kind: str = "sqlite+sql", **settings: Any) -> Worker:
        made = Worker(make_provider(kind, **settings))
        request.addfinalizer(lambda: pii_alarm.watch(made.metrics(), "metrics"))
        return made

    return make


@pytest.fixture
def worker(make_worker: MakeWorker) -> Worker:
    """A worker over what comes out of the box."""
    return make_worker()
