"""Names of devices: a few plain words out of a header that can hold anything."""

from __future__ import annotations

import pytest
from flask import Flask

from idp.web.devices import device_name, device_of
from idp.web.i18n import install_languages

_OWN = "Mozilla/5.0"


@pytest.mark.parametrize(
    ("said", "device", "vietnamese"),
    [
        (
            f"{_OWN} (Linux; Android 14; SM-A546E) Chrome/126.0 Mobile Safari/537.36",
            "android chrome",
            "Chrome trên thiết bị Android",
        ),
        (
            f"{_OWN} (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1",
            "iphone safari",
            "Safari trên iPhone",
        ),
        (
            f"{_OWN} (Windows NT 10.0) coc_coc_browser/128 Chrome/122 Safari/537.36",
            "windows coccoc",
            "Cốc Cốc trên máy tính Windows",
        ),
        (f"{_OWN} (Linux; Android 13) Chrome/120 Zalo android", "android zalo", None),
        (f"{_OWN} (Macintosh; Intel Mac OS X 10.15; rv:127) Firefox/127", "macos firefox", None),
        (f"{_OWN} (Windows NT 10.0) Chrome/126 Safari/537 Edg/126", "windows edge", None),
        (f"{_OWN} (X11; Linux x86_64)", "linux unknown", "Trình duyệt trên máy tính Linux"),
        ("Firefox", "unknown firefox", "Firefox"),
        ("", "", "Thiết bị không rõ"),
        ("<script>" * 4000, "", None),
        ("x" * 600 + "Firefox", "", None),
    ],
)
def test_a_header_becomes_two_words_of_ours(said: str, device: str, vietnamese: str | None) -> None:
    assert device_of(said) == device
    if vietnamese is not None:
        app = Flask("x")
        install_languages(app, is_secure=False)
        with app.test_request_context("/?lang=vi"):
            assert device_name(device) == vietnamese


def test_what_was_kept_by_another_version_still_has_a_name() -> None:
    app = Flask("x")
    install_languages(app, is_secure=False)
    with app.test_request_context("/"):
        assert device_name("fuchsia lynx") == "Thiết bị không rõ"
