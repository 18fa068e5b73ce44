"""The egress door against real servers: what works, and where it does not go."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from urllib.parse import parse_qs

import pytest

from idp.egress import Egress, EgressAnswer
from idp.errors import SettingsInvalid
from tests.support.egress import CLIENT, OK, answer_with, reason_of

# --- what works


def test_a_form_is_posted_over_tls_to_the_name_of_the_url(start_server, make_egress) -> None:
    server = start_server(answer_with(OK))
    form = {"logout_token": "a.b-c_d.e", "and": "dấu & ="}
    answer = make_egress().post_form(server.url("/bc?x=1"), form, client_id=CLIENT)
    assert answer == EgressAnswer(200)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /bc?x=1 HTTP/1.1"
    assert f"Host: portal.example:{server.port}" in lines
    assert "Content-Type: application/x-www-form-urlencoded" in lines
    assert "Accept-Encoding: identity" in lines
    assert {name: values[0] for name, values in parse_qs(body.decode()).items()} == form


def test_a_document_comes_back_as_it_was_sent(start_server, make_egress) -> None:
    server = start_server(answer_with(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"keys":[]}'))
    assert make_egress().get_json(server.url("/jwks"), client_id=CLIENT) == b'{"keys":[]}'


def test_a_chunked_document_is_put_together(start_server, make_egress) -> None:
    chunks = b'5\r\n{"key\r\n6\r\ns":[]}\r\n0\r\n\r\n'
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = start_server(answer_with(head + chunks))
    assert make_egress().get_json(server.url(), client_id=CLIENT) == b'{"keys":[]}'


def test_a_compressed_document_is_not_unpacked(start_server, make_egress) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
    server = start_server(answer_with(head + b"bomb"))
    assert make_egress().get_json(server.url(), client_id=CLIENT) == b"bomb"


def test_a_portal_reached_by_ipv6_is_reached(start_server, make_egress) -> None:
    server = start_server(answer_with(OK), host="::1")
    assert make_egress("::1").post_form(server.url(), {}, client_id=CLIENT).status == 200


def test_an_address_that_refuses_does_not_keep_us_from_the_next(start_server, make_egress) -> None:
    server = start_server(answer_with(OK))
    egress = make_egress("::1", "127.0.0.1")
    assert egress.post_form(server.url(), {}, client_id=CLIENT).status == 200


def test_the_system_resolves_when_nobody_else_does(start_server, make_egress) -> None:
    server = start_server(answer_with(OK), is_tls=False)
    egress = make_egress(resolve=None, networks=(), allow_insecure=True)
    url = server.url(host="localhost")
    assert egress.post_form(url, {}, client_id=CLIENT).status == 200


# --- where it does not go


@pytest.mark.parametrize(
    "url",
    [
        "https://user@portal.example/",
        "https://user:secret@portal.example/",
        "https://@portal.example/",
        "https://portal.example:0/",
        "https://portal.example:65536/",
        "https://portal.example:-1/",
        "https://portal.example:1e3/",
        "https://portal.example/#fragment",
        "https://portal.example/#",
        "https:///path",
        "https://",
        "https:portal.example",
        "https://portal.example\\@inside/",
        "https://portal.example/ with space",
        "https://portal.example/\r\nX: y",
        "https://portal.example\t/",
        "https://pörtal.example/",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://-portal.example/",
        "https://portal%2eexample/",
        "https://" + "a" * 300 + "/",
        "https://portal.example/" + "a" * 3000,
    ],
)
def test_a_url_that_two_parsers_may_read_differently_is_refused(make_egress, url: str) -> None:
    assert reason_of(lambda: make_egress().post_form(url, {}, client_id=CLIENT)) == "url_malformed"


@pytest.mark.parametrize(
    "url",
    ["http://portal.example/", "ftp://portal.example/", "file:///etc/passwd", "//portal.example/",
     "portal.example", "gopher://portal.example/", ""],
)  # fmt: skip
def test_only_https_is_called(make_egress, url: str) -> None:
    """A back-channel logout URI uses https (OpenID Back-Channel Logout 1.0 §2.2)."""
    reason = reason_of(lambda: make_egress().get_json(url, client_id=CLIENT))
    assert reason in {"scheme_refused", "url_malformed"}


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "192.0.0.8", "198.18.0.1", "224.0.0.1"),
        *("255.255.255.255", "203.0.113.7", "192.88.99.1"),
        *("::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::7f00:1"),
        *("2002:7f00:1::1", "2002:808:808::1", "2001::7f00:1", "2001:0:808:808::1"),
        *("fe80::1%eth0", "not an address"),
    ],
)
def test_what_is_not_a_public_address_is_not_connected_to(
    start_server, make_egress, address: str
) -> None:
    server = start_server(answer_with(OK))
    egress = make_egress(address, networks=())
    url = server.url()
    assert reason_of(lambda: egress.post_form(url, {}, client_id=CLIENT)) == "address_refused"
    assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
def test_an_address_written_as_a_name_is_judged_as_an_address(
    start_server, make_egress, host: str
) -> None:
    server = start_server(answer_with(OK))

    def read_as_systems_do(name: str, _port: int) -> Sequence[str]:
        return (socket.inet_ntoa(socket.inet_aton(name)),)

    egress = make_egress(networks=(), resolve=read_as_systems_do)
    url = server.url(host=host)
    assert reason_of(lambda: egress.post_form(url, {}, client_id=CLIENT)) == "address_refused"
    assert server.connections == 0


@pytest.mark.parametrize("host", ["[::1]", "localhost", "[::ffff:127.0.0.1]"])
def test_this_machine_is_refused_under_any_of_its_names(
    start_server, make_egress, host: str
) -> None:
    server = start_server(answer_with(OK))
    egress = make_egress(networks=(), resolve=None)
    url = server.url(host=host)
    assert reason_of(lambda: egress.post_form(url, {}, client_id=CLIENT)) == "address_refused"
    assert server.connections == 0


def test_a_private_network_is_open_only_to_the_client_it_was_opened_for(
    start_server, make_egress
) -> None:
    server = start_server(answer_with(OK))
    egress = make_egress()
    assert egress.post_form(server.url(), {}, client_id=CLIENT).status == 200
    url = server.url()
    assert reason_of(lambda: egress.post_form(url, {}, client_id="other")) == "address_refused"
    assert server.connections == 1


def test_a_mapped_address_is_not_let_in_by_the_network_it_hides(start_server, make_egress) -> None:
    server = start_server(answer_with(OK))
    egress = make_egress("::ffff:127.0.0.1", networks=("127.0.0.0/8",))
    url = server.url()
    assert reason_of(lambda: egress.post_form(url, {}, client_id=CLIENT)) == "address_refused"
    assert server.connections == 0


@pytest.mark.parametrize(
    "network",
    ["0.0.0.0/0", "::/0", "169.254.0.0/16", "8.8.8.0/24", "10.0.0.0/7", "fe80::/10", "10.0.0.1/8",
     "::ffff:0:0/96", "private"],
)  # fmt: skip
def test_an_operator_cannot_open_what_is_not_a_private_network(network: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Egress(allow_private={CLIENT: [network]})
    assert caught.value.name == "ANTIN_EGRESS_PRIVATE"


def test_a_name_that_points_inside_a_moment_later_is_asked_once(start_server, make_egress) -> None:
    """DNS rebinding: the address that was checked is the address that is called."""
    inside = start_server(answer_with(OK))
    answers = iter([("127.0.0.2",), ("127.0.0.1",)])
    asked = []

    def rebind(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    egress = make_egress(networks=("127.0.0.2/32",), resolve=rebind)
    # the first answer is allowed and nobody listens there; the second would be let in by nobody
    url = inside.url()
    assert reason_of(lambda: egress.post_form(url, {}, client_id=CLIENT)) == "unreachable"
    assert asked == ["portal.example"]
    assert inside.connections == 0
    assert reason_of(lambda: egress.post_form(url, {}, client_id=CLIENT)) == "address_refused"
    assert inside.connections == 0


def test_of_a_mixed_answer_only_what_is_allowed_is_called(start_server, make_egress) -> None:
    server = start_server(answer_with(OK))
    egress = make_egress("169.254.169.254", "127.0.0.1", networks=("127.0.0.1/32",))
    assert egress.post_form(server.url(), {}, client_id=CLIENT).status == 200


def test_http_goes_to_this_machine_alone_and_only_when_it_is_allowed(
    start_server, make_egress
) -> None:
    server = start_server(answer_with(OK), is_tls=False)
    url = server.url()
    inside = make_egress(networks=(), allow_insecure=True)
    assert inside.post_form(url, {}, client_id=CLIENT).status == 200
    outside = make_egress("93.184.215.14", networks=(), allow_insecure=True)
    assert reason_of(lambda: outside.post_form(url, {}, client_id=CLIENT)) == "address_refused"
    opened = make_egress("10.0.0.1", networks=("10.0.0.0/8",), allow_insecure=True)
    assert reason_of(lambda: opened.post_form(url, {}, client_id=CLIENT)) == "address_refused"
