"""Fixtures of the portals' tests: each portal with a browser, at a provider in memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from clients.portals import PortalSettings, create_business_portal, create_citizen_portal
from tests.clients.sdk.provider import CLIENT_ID, ISSUER, FakeProvider
from tests.clients.sdk.signing_api import FakeSigning
from tests.support.pii_alarm import SEEDED


def settings_of(base_url: str) -> PortalSettings:
    return PortalSettings(
        issuer=ISSUER,
        base_url=base_url,
        client_id=CLIENT_ID,
        client_secret=SEEDED.client_secret,
    )


@dataclass
class PortalBrowser:
    """A browser with cookies of its own at one portal."""

    app: Flask
    provider: FakeProvider
    base_url: str
    http: Client

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.http.get(path, base_url=self.base_url, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.http.post(path, base_url=self.base_url, **options)

    def to_provider(self) -> dict[str, str]:
        """Press the button; returns what the provider will bring back."""
        response = self.get("/login")
        assert response.status_code == 303
        return self.provider.authorize(response.headers["Location"])

    def sign_in(self) -> TestResponse:
        """The whole way; returns the home page."""
        response = self.get("/callback", query_string=self.to_provider())
        assert response.status_code == 303, response.text
        return self.get(urlsplit(response.headers["Location"]).path)

    def sign_out(self) -> TestResponse:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/").text)
        assert token
        return self.post("/logout", data={"csrf_token": token[1]})

    def is_signed_in(self) -> bool:
        return 'id="logout"' in self.get("/").text

    def another(self) -> PortalBrowser:
        """The same portal in another browser."""
        return PortalBrowser(self.app, self.provider, self.base_url, self.app.test_client())


def rows(page: TestResponse, list_id: str) -> dict[str, str]:
    """The rows of a list, by `data-claim`."""
    inside = re.search(rf'<ul id="{list_id}".*?</ul>', page.text, re.DOTALL)
    assert inside, page.text
    found = re.findall(r'data-claim="(\w+)"><b>.*?</b><span>(.*?)</span>', inside[0], re.DOTALL)
    return {name: unescape(value) for name, value in found}


@pytest.fixture
def provider(clock) -> FakeProvider:
    return FakeSigning(clock)


@pytest.fixture
def citizen(provider: FakeProvider) -> PortalBrowser:
    base_url = "http://localhost:8001"
    app = create_citizen_portal(settings_of(base_url), transport=provider, now=provider.clock)
    return PortalBrowser(app, provider, base_url, app.test_client())


@pytest.fixture
def secure_citizen(provider: FakeProvider) -> PortalBrowser:
    base_url = "https://cong.example"
    app = create_citizen_portal(settings_of(base_url), transport=provider, now=provider.clock)
    return PortalBrowser(app, provider, base_url, app.test_client())


@pytest.fixture
def business(provider: FakeProvider) -> PortalBrowser:
    base_url = "http://localhost:8002"
    app = create_business_portal(settings_of(base_url), transport=provider, now=provider.clock)
    return PortalBrowser(app, provider, base_url, app.test_client())


@pytest.fixture
def rows_of() -> Callable[[TestResponse, str], dict[str, str]]:
    return rows
