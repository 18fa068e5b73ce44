"""Endpoints of the keystore behind the front: which path is whose, and what is refused before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO

import pytest
from werkzeug.test import Client

from idp.web.endpoints import ByteEndpoints
from idp.web.front import Front
from keystore.web.answer import WebAnswer, WebRequest


@dataclass
class Recording:
    """Answers with what it was asked."""

    max_body_bytes: int = 100
    seen: list[WebRequest] = field(default_factory=list)

    def answer(self, request: WebRequest, *, now: datetime) -> WebAnswer:
        assert now.tzinfo is not None
        self.seen.append(request)
        if request.body == b"defect":
            raise RuntimeError("nobody expected this: 079203001234")
        return WebAnswer(200, "application/test", b"<" + request.body + b">", (("ETag", '"1"'),))


@pytest.fixture
def endpoint() -> Recording:
    return Recording()


@pytest.fixture
def client(worker, endpoint: Recording) -> Client:
    places = dict.fromkeys(("tsa", "ocsp", "crl", "ca", "log"), endpoint)
    provider = worker.provider
    front = Front(provider.app, services=provider.services, endpoints=ByteEndpoints(places))
    return Client(front)


@pytest.mark.parametrize(
    "path",
    ["/tsa", "/ocsp", "/ocsp/MFEwTzBN+/==", "/crl/ca_1/full.crl", "/ca/ca_1.cer", "/log/checkpoint",
     "/log/tile/0/x001/067"],
)  # fmt: skip
def test_paths_for_programs_reach_the_endpoint(client: Client, endpoint: Recording, path: str):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["X-Request-Id"]
    assert endpoint.seen[0].path == path


@pytest.mark.parametrize("path", ["/ca", "/ca/", "/ca/ca_1", "/log", "/log/", "/ts", "/tsa2", "/"])
def test_paths_for_people_stay_with_the_pages(client: Client, endpoint: Recording, path: str):
    client.get(path)
    assert not endpoint.seen


def test_whole_body_and_its_type_are_handed_over(client: Client, endpoint: Recording) -> None:
    answer = client.post("/tsa", data=b"abc", content_type="application/timestamp-query")
    assert answer.get_data() == b"<abc>"
    asked = endpoint.seen[0]
    assert (asked.method, asked.content_type) == ("POST", "application/timestamp-query")


def test_head_has_no_body(client: Client) -> None:
    answer = client.head("/log/checkpoint")
    assert answer.get_data() == b""
    assert answer.headers["Content-Length"] == "2"


def test_body_beyond_the_limit_of_the_endpoint_is_refused(client: Client, endpoint) -> None:
    """RFC 9110 §15.5.14."""
    assert client.post("/tsa", data=b"x" * 101).status_code == 413
    assert not endpoint.seen


def test_body_of_unknown_length_is_refused(client: Client, endpoint: Recording) -> None:
    """RFC 9110 §15.5.12: the server would cut it off in silence."""
    answer = client.post(
        "/tsa",
        input_stream=BytesIO(b"abc"),
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"CONTENT_LENGTH": ""},
    )
    assert answer.status_code == 411
    assert not endpoint.seen


def test_body_that_breaks_off_is_not_asked_about(client: Client, endpoint: Recording) -> None:
    answer = client.post(
        "/tsa", input_stream=BytesIO(b"abc"), environ_overrides={"CONTENT_LENGTH": "90"}
    )
    assert answer.status_code == 400
    assert not endpoint.seen


def test_defect_of_an_endpoint_is_one_fixed_sentence(client: Client) -> None:
    answer = client.post("/tsa", data=b"defect")
    assert answer.status_code == 500
    assert answer.get_data() == b"server_error\n"
