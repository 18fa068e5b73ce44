"""The first page of a sandbox, and that of everybody else."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from werkzeug.test import Client

from idp.app import create_app
from idp.sandbox.home import sandbox_page
from tests.support.provider import ISSUER, Provider

_FACTS = {
    "issuer": "https://localhost:9000",
    "portals": [{"name": "Cổng thử", "url": "http://localhost:9001", "client_id": "x"}],
    "people": [
        {
            "identifier": "003091000017",
            "password": "mot-cau-thu",
            "name": "Người Thử Nghiệm",
            "account_level": 2,
            "totp_secret": "AAAA",
            "organizations": [{"name": "Công ty Thử"}],
            "duties": ["proofing", "helpdesk"],
        }
    ],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """What a sandbox writes."""
    path = tmp_path / "sandbox.json"
    path.write_text(json.dumps(_FACTS), encoding="utf-8")
    return path


def test_page_says_who_can_be_signed_in_and_where(provider: Provider, file: Path) -> None:
    app = create_app(provider.services, home=partial(sandbox_page, file))
    answer = Client(app).get("/", base_url=ISSUER).get_data(as_text=True)
    for word in (
        *("003091000017", "http://localhost:9001", "antin otp 003091000017", "Công ty Thử"),
        *('href="/counter"', 'href="/helpdesk"'),
    ):
        assert word in answer


def test_ordinary_page_stands_there_while_a_sandbox_is_set_up(
    provider: Provider, file: Path
) -> None:
    ordinary = provider.http.get("/", base_url=ISSUER).get_data(as_text=True)
    assert "003091000017" not in ordinary
    app = create_app(provider.services, home=partial(sandbox_page, file))
    for unfinished in (lambda: file.write_text("{"), file.unlink):
        unfinished()
        assert Client(app).get("/", base_url=ISSUER).get_data(as_text=True) == ordinary


def test_production_knows_no_page_of_a_sandbox(provider: Provider, file: Path) -> None:
    """Whatever lies in its folder: people whose passwords are on a page are for play alone."""
    target = provider.services.settings.var / "sandbox.json"
    target.write_bytes(file.read_bytes())
    assert "003091000017" not in provider.http.get("/", base_url=ISSUER).get_data(as_text=True)
