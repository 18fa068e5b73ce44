"""The system's Chromium, and the gallery of pages served to it.

Fixtures: `chromium` (one per worker), `gallery_url`, `open_page`; `walker` for whole journeys.
ANTIN_CHROMIUM names another browser than the first one found.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from werkzeug.serving import make_server

from tests.support.pages import make_gallery
from tests.support.pii_alarm import PiiAlarm
from tests.support.walk import Walker, make_walker

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

Opener = Callable[..., AbstractContextManager[Page]]


def _executable() -> str:
    named = os.environ.get("ANTIN_CHROMIUM")
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return named or next((path for path in found if path), "/usr/bin/chromium")


@pytest.fixture(scope="session")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(_playwright: Playwright) -> Iterator[Browser]:
    """The browser; contexts are made per test."""
    browser = _playwright.chromium.launch(executable_path=_executable(), args=list(_FLAGS))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def gallery_url() -> Iterator[str]:
    """The address of the gallery, on a free port."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, make_gallery(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def open_page(chromium: Browser, gallery_url: str) -> Opener:
    """Opens a fresh window as a context; what its console complains of fails the test."""

    @contextmanager
    def opened(*, width: int = 1280, height: int = 800, **options: Any) -> Iterator[Page]:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            base_url=gallery_url,
            locale="vi-VN",
            **options,
        )
        context.set_default_timeout(90_000)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        try:
            yield page
        finally:
            context.close()
        assert complaints == []

    return opened


@pytest.fixture
def walker(chromium: Browser, pii_alarm: PiiAlarm, request: pytest.FixtureRequest) -> Walker:
    """Opens a walk through pages of the sandbox, as a context."""
    name = "".join(sign if sign.isalnum() else "-" for sign in request.node.name)
    return make_walker(chromium, alarm=pii_alarm, name=name)
