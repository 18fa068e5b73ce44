"""The egress door against real servers: what it does not believe, and how much it takes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence

import pytest

from idp.egress import EgressFailed
from idp.egress.door import MOST_BYTES
from tests.support.egress import CLIENT, OK, answer_with, drip, reason_of

_AT_ONCE_S = 60  # whoever is kept is kept for ever; a machine may be slow

# --- what it does not believe


def test_a_redirect_is_an_answer_and_not_a_direction(start_server, make_egress) -> None:
    elsewhere = start_server(answer_with(OK))
    moved = (
        f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere.url()}\r\n"
        "Content-Length: 0\r\n\r\n"
    )
    server = start_server(answer_with(moved.encode()))
    egress = make_egress()
    assert egress.post_form(server.url(), {}, client_id=CLIENT).status == 307
    url = server.url()
    assert reason_of(lambda: egress.get_json(url, client_id=CLIENT)) == "answer_refused"
    assert elsewhere.connections == 0


def test_a_certificate_of_an_unknown_authority_is_refused(
    start_server, make_egress, stranger
) -> None:
    server = start_server(answer_with(OK), certificate=stranger)
    url = server.url()
    reason = reason_of(lambda: make_egress().post_form(url, {"a": "b"}, client_id=CLIENT))
    assert reason == "certificate_refused"
    assert server.requests == []


def test_a_certificate_of_another_name_is_refused(start_server, make_egress) -> None:
    server = start_server(answer_with(OK))
    url = server.url(host="other.example")
    reason = reason_of(lambda: make_egress().post_form(url, {"a": "b"}, client_id=CLIENT))
    assert reason == "certificate_refused"
    assert server.requests == []


def test_a_server_without_tls_is_not_told_anything(start_server, make_egress) -> None:
    server = start_server(answer_with(OK), is_tls=False)
    url = server.url(scheme="https")
    reason = reason_of(
        lambda: make_egress().post_form(url, {"a": "b"}, client_id=CLIENT, timeout_s=2)
    )
    assert reason in {"tls_failed", "timed_out"}
    assert server.requests == []


@pytest.mark.parametrize(
    "raw_answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n",
     b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
     b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"],
)  # fmt: skip
def test_an_answer_that_is_no_answer_fails(start_server, make_egress, raw_answer: bytes) -> None:
    server = start_server(answer_with(raw_answer))
    url = server.url()
    reason = reason_of(lambda: make_egress().get_json(url, client_id=CLIENT))
    assert reason in {"answer_malformed", "unreachable", "answer_refused"}


@pytest.mark.parametrize("status", [201, 204, 301, 400, 401, 404, 429, 500, 503])
def test_only_200_brings_a_document(start_server, make_egress, status: int) -> None:
    server = start_server(answer_with(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status))
    url = server.url()
    assert reason_of(lambda: make_egress().get_json(url, client_id=CLIENT)) == "answer_refused"


def test_nothing_of_the_answer_is_in_the_error(start_server, make_egress) -> None:
    server = start_server(answer_with(b"HTTP/1.1 500 Echoed\r\nContent-Length: 6\r\n\r\nEchoed"))
    with pytest.raises(EgressFailed) as caught:
        make_egress().get_json(server.url(), client_id=CLIENT)
    assert "Echoed" not in repr(caught.value)


# --- how long and how much


def test_a_document_of_exactly_a_mebibyte_is_taken(start_server, make_egress) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % MOST_BYTES
    server = start_server(answer_with(head + b"x" * MOST_BYTES))
    assert len(make_egress().get_json(server.url(), client_id=CLIENT)) == MOST_BYTES


def test_a_larger_document_is_refused_by_its_announced_length(start_server, make_egress) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MOST_BYTES + 1)
    server = start_server(answer_with(head))
    url = server.url()
    assert reason_of(lambda: make_egress().get_json(url, client_id=CLIENT)) == "answer_too_large"


@pytest.mark.parametrize("how", ["until_closed", "chunked"])
def test_a_larger_document_is_refused_where_no_length_was_announced(
    start_server, make_egress, how: str
) -> None:
    size = MOST_BYTES + 1
    if how == "chunked":
        raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % size
        raw += b"x" * size + b"\r\n0\r\n\r\n"
    else:
        raw = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * size
    server = start_server(answer_with(raw))
    url = server.url()
    assert reason_of(lambda: make_egress().get_json(url, client_id=CLIENT)) == "answer_too_large"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b""),  # says nothing
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y"),  # one header for ever
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),  # interim answers for ever
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["silent", "headers", "interim", "body", "chunks"],
)
@pytest.mark.parametrize("is_tls", [True, False])
def test_the_deadline_holds_however_slowly_the_other_side_drips(
    start_server, make_egress, start: bytes, piece: bytes, is_tls: bool
) -> None:
    server = start_server(drip(start, piece), is_tls=is_tls)
    egress = make_egress(allow_insecure=not is_tls)
    url = server.url()
    begun = time.monotonic()
    reason = reason_of(lambda: egress.get_json(url, client_id=CLIENT, timeout_s=0.6))
    assert reason == "timed_out"
    assert 0.5 < time.monotonic() - begun < _AT_ONCE_S


def test_the_deadline_holds_while_a_large_form_is_not_read(start_server, make_egress) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    egress = make_egress(allow_insecure=True)
    url = f"http://portal.example:{listener.getsockname()[1]}/"
    begun = time.monotonic()
    form = {"a": "x" * 30_000_000}
    with listener:
        reason = reason_of(lambda: egress.post_form(url, form, client_id=CLIENT, timeout_s=0.5))
    assert reason == "timed_out"
    assert time.monotonic() - begun < _AT_ONCE_S


def test_the_deadline_holds_during_the_handshake(make_egress) -> None:
    listener = socket.create_server(("127.0.0.1", 0))  # accepts, and never says a word of TLS
    url = f"https://portal.example:{listener.getsockname()[1]}/"
    begun = time.monotonic()
    with listener:
        reason = reason_of(
            lambda: make_egress().post_form(url, {}, client_id=CLIENT, timeout_s=0.5)
        )
    assert reason == "timed_out"
    assert time.monotonic() - begun < _AT_ONCE_S


def test_the_deadline_holds_while_a_name_is_looked_up(make_egress) -> None:
    released = threading.Event()

    def never(_host: str, _port: int) -> Sequence[str]:
        released.wait()
        return ()

    egress = make_egress(resolve=never)
    begun = time.monotonic()
    reasons = {
        reason_of(
            lambda: egress.post_form(
                "https://portal.example/", {}, client_id=CLIENT, timeout_s=0.05
            )
        )
        for _ in range(20)  # more than there are threads for look-ups
    }
    released.set()
    assert reasons == {"timed_out"}
    assert time.monotonic() - begun < _AT_ONCE_S


def test_a_name_that_does_not_exist_is_unresolved(make_egress) -> None:
    def nowhere(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror

    egress = make_egress(resolve=nowhere)
    url = "https://portal.example/"
    assert reason_of(lambda: egress.post_form(url, {}, client_id=CLIENT)) == "unresolved"
    nothing = make_egress(resolve=lambda _host, _port: ())
    assert reason_of(lambda: nothing.post_form(url, {}, client_id=CLIENT)) == "unresolved"


def test_a_port_where_nobody_listens_is_unreachable(make_egress, start_server) -> None:
    server = start_server(answer_with(OK))
    url = server.url()
    egress = make_egress("127.0.0.9")
    assert reason_of(lambda: egress.post_form(url, {}, client_id=CLIENT)) == "unreachable"


def test_a_proxy_of_the_environment_is_not_asked(start_server, make_egress, monkeypatch) -> None:
    proxy = start_server(answer_with(OK), is_tls=False)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    server = start_server(answer_with(OK))
    assert make_egress().post_form(server.url(), {}, client_id=CLIENT).status == 200
    assert proxy.connections == 0
