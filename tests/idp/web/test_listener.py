"""The operator's listener: metrics and details, and nothing else."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from idp.errors import SettingsInvalid
from idp.web.health import Health
from idp.web.listener import Listener


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener("127.0.0.1", port=0, setting="ANTIN_METRICS_PORT")
    health = Health({"database": lambda: True, "ephemeral": lambda: False}, is_draining=bool)
    made.start(metrics=lambda: b"antin_requests_total 1\n", health=health)
    yield made
    made.stop()


def _ask(listener: Listener, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{listener.port}{path}", timeout=120
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def test_metrics_are_told(listener):
    assert _ask(listener, "/metrics?x=y") == (200, b"antin_requests_total 1\n")


def test_details_name_the_store_that_does_not_answer(listener):
    status, body = _ask(listener, "/readyz")
    assert status == 503
    assert json.loads(body) == {
        "ready": False,
        "draining": False,
        "stores": {"database": True, "ephemeral": False},
    }


def test_anything_else_is_not_there(listener):
    assert _ask(listener, "/token")[0] == 404
    assert _ask(listener, "/healthz") == (200, b"ok\n")


def test_port_that_is_taken_is_refused_by_the_name_of_its_setting(listener):
    with pytest.raises(SettingsInvalid, match="ANTIN_WORK_METRICS_PORT"):
        Listener("127.0.0.1", port=listener.port, setting="ANTIN_WORK_METRICS_PORT")
