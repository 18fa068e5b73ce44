"""The door to the network, against real servers on the loopback interface."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler

import pytest

from clients.sdk import HttpRequest, ProviderUnavailable, Urllib3Transport
from tests.support.quiet_server import QuietServer


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # the base class names it so
            answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = QuietServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fetch(url: str, *, patience_s: float = 0, limit: int = 1 << 20, **settings: float):
    transport = Urllib3Transport(**settings)
    request = HttpRequest(
        where="jwks", method="GET", url=url, patience_s=patience_s, answer_limit_bytes=limit
    )
    try:
        return transport.send(request)
    finally:
        transport.close()


def reply(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        # whoever has read enough hangs up
        with suppress(ConnectionError):
            handler.wfile.write(body)

    return answer


def test_an_answer_comes_back_as_it_is() -> None:
    with serving(reply(418, b"{}", ETag="x", **{"Content-Type": "Application/JSON; a=b"})) as url:
        answer = fetch(url)
    assert (answer.status, answer.body, answer.headers["etag"]) == (418, b"{}", "x")
    assert answer.media_type == "application/json"


def test_a_redirect_is_not_followed() -> None:
    """RFC 9700 §4.12: the back channel goes where the metadata says."""
    seen: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.path)
        reply(302, b"", Location="/elsewhere")(handler)

    with serving(answer) as url:
        assert fetch(url).status == 302
    assert seen == ["/"]


def test_an_answer_without_end_is_cut() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        try:
            for _ in range(40):
                handler.wfile.write(b" " * 65_536)
        except OSError:
            pass

    with serving(answer) as url, pytest.raises(ProviderUnavailable) as caught:
        fetch(url)
    assert caught.value.reason == "answer_too_large"


def test_a_body_that_drips_does_not_hold_the_portal_for_ever() -> None:
    is_over = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        try:
            while not is_over.wait(0.02):
                handler.wfile.write(b" ")
        except OSError:
            pass

    with serving(answer) as url:
        try:
            with pytest.raises(ProviderUnavailable) as caught:
                fetch(url, total_s=2)
        finally:
            is_over.set()
    assert caught.value.reason == "answer_too_slow"


def test_a_request_may_have_more_patience_and_take_more() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        threading.Event().wait(0.3)
        reply(200, b" " * (2 << 20))(handler)

    with serving(answer) as url:
        assert len(fetch(url, total_s=0.1, patience_s=60, limit=2 << 20).body) == 2 << 20
        with pytest.raises(ProviderUnavailable):
            fetch(url, total_s=0.1)


def test_a_compressed_answer_is_not_unpacked() -> None:
    with serving(reply(200, b"\x1f\x8b", **{"Content-Encoding": "gzip"})) as url:
        assert fetch(url).body == b"\x1f\x8b"


def test_nobody_there_is_an_outage() -> None:
    with serving(reply(200, b"")) as url:
        pass
    with pytest.raises(ProviderUnavailable) as caught:
        fetch(url, total_s=2)
    assert (caught.value.where, caught.value.reason) == ("jwks", "no_answer")


def test_an_answer_that_breaks_off_is_an_outage() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    with serving(answer) as url, pytest.raises(ProviderUnavailable):
        fetch(url)


def test_a_connection_is_used_again() -> None:
    ports: set[int] = set()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address[1])
        reply(200, b"{}")(handler)

    with serving(answer) as url:
        transport = Urllib3Transport()
        for _ in range(3):
            transport.send(HttpRequest(where="jwks", method="GET", url=url))
        transport.close()
    assert len(ports) == 1
