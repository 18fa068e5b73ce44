"""Files of pages: kept for a year under the digest of their content, and nothing else served."""

from __future__ import annotations

import gzip
import re

import pytest

from tests.support.pages import make_gallery


@pytest.fixture
def client():
    return make_gallery().test_client()


@pytest.fixture
def addresses(client) -> list[str]:
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get("/page/login").text)


def test_files_of_a_page_may_be_kept_for_good(client, addresses):
    """RFC 8246 §2: immutable content under an address of its own."""
    assert {address.rpartition("/")[2] for address in addresses} == {
        "antin.css",
        "bootstrap.min.css",
        "seal.svg",
        "show_password.js",
        "submit_once.js",
    }
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Vary"] == "Accept-Encoding"


def test_address_of_another_release_gets_the_present_file_unkept(client, addresses):
    present = client.get(addresses[0])
    other = client.get(re.sub(r"/static/\w+/", "/static/0123456789abcdef/", addresses[0]))
    assert other.data == present.data
    assert other.headers["Cache-Control"] == "no-cache"


def test_packed_file_is_the_same_file(client, addresses):
    for address in addresses:
        packed = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == client.get(address).data
    refused = client.get(addresses[0], headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


@pytest.mark.parametrize("name", ["messages.po", "..%2Fassets.py", "antin.css.map", "%00"])
def test_nothing_else_is_served(client, name):
    assert client.get(f"/static/0123456789abcdef/{name}").status_code == 404


def test_favicon_is_the_mark(client):
    answer = client.get("/favicon.ico")
    assert answer.mimetype == "image/svg+xml"
    assert b"<svg" in answer.data
