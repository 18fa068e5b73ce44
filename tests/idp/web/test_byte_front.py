"""A server of endpoints alone: health, the endpoints, nothing else, and no word of what failed."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest

from idp.web.byte_front import ByteFront
from idp.web.endpoints import ByteEndpoints
from idp.web.health import Health
from keystore.web.answer import WebAnswer, WebRequest

_NOW = datetime(2026, 11, 21, tzinfo=UTC)


class _Echo:
    max_body_bytes = 10

    def answer(self, request: WebRequest, *, now: datetime) -> WebAnswer:
        if request.body == b"fail":
            raise RuntimeError("a private detail")
        return WebAnswer(200, "text/plain", request.body, (("X-At", now.isoformat()),))


class _Client:
    def __init__(self) -> None:
        self.is_up = True
        self.front = ByteFront(
            ByteEndpoints({"tsa": _Echo()}),
            health=Health({"clock": lambda: self.is_up}, is_draining=lambda: False),
            time=lambda: _NOW,
        )

    def ask(self, path: str, *, method: str = "GET", body: bytes = b"") -> tuple[str, bytes, dict]:
        said: list = []
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
        answer = self.front(environ, lambda status, headers: said.extend((status, headers)))
        return said[0], b"".join(answer), dict(said[1])


@pytest.fixture
def client() -> _Client:
    return _Client()


def test_an_endpoint_is_asked_with_the_time(client: _Client) -> None:
    status, body, headers = client.ask("/tsa", method="POST", body=b"hello")
    assert (status, body) == ("200 OK", b"hello")
    assert headers["X-At"] == _NOW.isoformat()
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_body_that_is_too_long_is_refused_before(client: _Client) -> None:
    assert client.ask("/tsa", method="POST", body=b"x" * 11)[0].startswith("413 ")


def test_alive_and_ready_are_two_things(client: _Client) -> None:
    assert client.ask("/healthz")[:2] == ("200 OK", b"ok\n")
    assert client.ask("/readyz")[:2] == ("200 OK", b"ready\n")
    down = _Client()
    down.is_up = False
    assert down.ask("/healthz")[0] == "200 OK"
    assert down.ask("/readyz")[0].startswith("503 ")


def test_there_is_nothing_else(client: _Client) -> None:
    assert client.ask("/")[0].startswith("404 ")


def test_head_has_no_body(client: _Client) -> None:
    assert client.ask("/healthz", method="HEAD")[:2] == ("200 OK", b"")


def test_what_failed_is_not_said(client: _Client) -> None:
    status, body, _ = client.ask("/tsa", method="POST", body=b"fail")
    assert (status, body) == ("500 Internal Server Error", b"error\n")
