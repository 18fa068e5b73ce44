"""What is refused before it is read."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from idp.oauth.parameters import MAX_BYTES
from idp.web.intake import find_fault
from tests.idp.web.conftest import Worker
from tests.support.provider import ISSUER


class Unread(BytesIO):
    """A body that nobody may touch."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError(f"{size} bytes were read")


def _post(worker: Worker, path: str, **environ: Any) -> Any:
    given = {"wsgi.input": Unread(), "wsgi.input_terminated": True, **environ}
    return worker.http.post(path, base_url=ISSUER, environ_overrides=given)


@pytest.mark.parametrize("path", ["/token", "/introspect", "/interaction/x/login", "/authorize"])
def test_body_without_a_length_is_refused_unread(worker, path):
    """RFC 9110 §15.5.12: what is chunked may be cut off in silence on its way here."""
    answer = _post(worker, path, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert answer.status_code == 411


@pytest.mark.parametrize("path", ["/token", "/introspect", "/interaction/x/login", "/authorize"])
@pytest.mark.parametrize("length", [str(MAX_BYTES + 1), "9" * 5000])
def test_body_that_is_too_large_is_refused_unread(worker, path, length):
    """RFC 9110 §15.5.14."""
    assert _post(worker, path, CONTENT_LENGTH=length).status_code == 413


def test_refusal_is_json_for_programs_and_a_page_for_people(worker):
    program = _post(worker, "/token", CONTENT_LENGTH=str(MAX_BYTES + 1))
    assert program.json == {
        "error": "invalid_request",
        "error_description": "the body is too large",
    }
    person = _post(worker, "/interaction/x/login", CONTENT_LENGTH=str(MAX_BYTES + 1))
    assert person.mimetype == "text/html"
    assert "Nội dung gửi lên quá lớn" in person.get_data(as_text=True)


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "²"])
def test_length_that_is_no_number_is_refused(length):
    assert find_fault(_environ(CONTENT_LENGTH=length), most_bytes=10) == 400


@pytest.mark.parametrize("raw", [b"\xff", b"/\xc3\x28", b"/\xed\xa0\x80", b"/a\x00b"])
def test_address_that_is_no_utf_8_is_refused_without_a_trace(worker, raw):
    """RFC 3629 §3: neither stray bytes nor surrogates."""
    path = raw.decode("latin-1")
    answer = worker.get("/", environ_overrides={"PATH_INFO": path})
    assert answer.status_code == 400
    assert "Yêu cầu không hợp lệ" in answer.get_data(as_text=True)
    assert "Traceback" not in answer.get_data(as_text=True)


def test_address_in_utf_8_is_read():
    assert find_fault(_environ(PATH_INFO="/Ấn".encode().decode("latin-1")), most_bytes=1) is None


@pytest.mark.parametrize("query", ["client_id=%ff", "client_id=%ed%a0%80", "client_id=a%00b"])
def test_query_that_is_no_utf_8_is_refused_without_a_trace(worker, query):
    answer = worker.get(f"/authorize?{query}")
    assert answer.status_code == 400
    assert "Traceback" not in answer.get_data(as_text=True)


def test_body_over_http_2_needs_no_length_and_is_read_up_to_the_limit():
    """RFC 9113 §8.1.1: content-length is not required."""
    environ = _environ(SERVER_PROTOCOL="HTTP/2", **{"wsgi.input": BytesIO(b"a=b")})
    assert find_fault(environ, most_bytes=3) is None
    assert (environ["CONTENT_LENGTH"], environ["wsgi.input"].read()) == ("3", b"a=b")
    environ = _environ(SERVER_PROTOCOL="HTTP/2", **{"wsgi.input": BytesIO(b"a=bc")})
    assert find_fault(environ, most_bytes=3) == 413


def _environ(**given: Any) -> dict[str, Any]:
    return {"PATH_INFO": "/", "REQUEST_METHOD": "POST", "SERVER_PROTOCOL": "HTTP/1.1"} | given
