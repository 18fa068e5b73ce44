"""Bodies of signing requests: JSON, JSON with files beside it, and everything that is neither."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.support.portal_api import MAX_BYTES, Api
from tests.support.signing_house import Somebody

_REQUEST: dict[str, Any] = {
    "title": "Đơn",
    "signers": [{"sub": "sub-acc_1"}],
    "level": "B-B",
    "documents": [{"name": "a.bin", "part": "one"}],
}


@pytest.fixture
def anh(api: Api) -> Somebody:
    """A person with a passkey, whom the portal may ask."""
    return api.house.with_passkey()


def _form(api: Api, parts: dict[str, Any], *, key: str = "", **changed: Any):
    data = {"request": json.dumps({**_REQUEST, **changed}), **parts}
    headers = {"Idempotency-Key": key} if key else {}
    return api.call("POST", data=data, content_type="multipart/form-data", headers=headers)


def _file(content: bytes, name: str = "a.bin") -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def _error(answer) -> tuple[int, str]:
    found = answer.get_json(silent=True) or {}
    return answer.status_code, found.get("error", "")


def test_files_come_beside_the_json(api, anh):
    answer = _form(api, {"one": _file(b"x" * 200_000)})
    assert answer.status_code == 201
    assert answer.get_json()["documents"][0]["size"] == 200_000


def test_the_same_files_are_the_same_request_however_they_are_cut(api, anh):
    """The boundary of a form is new each time it is sent."""
    first = _form(api, {"one": _file(b"x")}, key="k-1")
    second = _form(api, {"one": _file(b"x")}, key="k-1")
    other = _form(api, {"one": _file(b"y")}, key="k-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()
    assert _error(other) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("parts", "changed", "error"),
    [
        ({}, {}, "part_missing"),
        ({"one": (b"x", "a"), "two": (b"y", "b")}, {}, "part_unused"),
        ({"one": (b"x", "a")}, {"documents": [{"name": "a", "part": "two"}]}, "part_missing"),
        (
            {"one": (b"x", "a")},
            {"documents": [{"name": "a", "part": "one", "content": "eA=="}]},
            "part_missing",
        ),
    ],
)
def test_parts_and_documents_have_to_agree(api, anh, parts, changed, error):
    files = {name: _file(*given) for name, given in parts.items()}
    assert _error(_form(api, files, **changed)) == (422, error)


def test_a_form_without_the_request_is_refused(api, anh):
    answer = api.call("POST", data={"one": _file(b"x")}, content_type="multipart/form-data")
    assert _error(answer) == (422, "part_missing")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"title": "x"}', b"\xff", b'{"title": NaN}', b'"x"' * 10,
     json.dumps({**_REQUEST, "unheard_of": 1}).encode(),
     json.dumps({**_REQUEST, "level": "B-Z"}).encode(),
     json.dumps({**_REQUEST, "expires_in": "60"}).encode()],
)  # fmt: skip
def test_json_that_is_not_a_request_is_malformed(api, anh, body):
    answer = api.call("POST", data=body, content_type="application/json")
    assert _error(answer) == (400, "malformed")


def test_malformed_json_says_where(api, anh):
    body = json.dumps({**_REQUEST, "documents": [{"name": 7}]})
    answer = api.call("POST", data=body, content_type="application/json")
    assert answer.get_json()["part"] == "documents[0].name"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_kind_of_body_is_not_taken(api, anh, kind):
    answer = api.call("POST", data=b"title=x", content_type=kind)
    assert _error(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("document", "error", "part"),
    [
        ({"content": "*"}, "content_malformed", "documents[0].content"),
        ({"content": "YWJ"}, "content_malformed", "documents[0].content"),
        ({"digest": "*"}, "digest_malformed", "documents[0].digest"),
    ],
)
def test_what_is_not_base64_is_refused(api, anh, document, error, part):
    answer = api.ask(documents=[{"name": "a", **document}])
    assert _error(answer) == (422, error)
    assert answer.get_json()["part"] == part


def test_a_form_that_is_too_large_is_not_read(api, anh):
    """RFC 9110 §15.5.14."""
    assert _form(api, {"one": _file(b"x" * MAX_BYTES)}).status_code == 413


def test_a_body_that_was_cut_off_is_not_taken(api, anh):
    """A server may cut a body short and hand it on as if it were whole."""
    body = json.dumps({**_REQUEST, "documents": [{"name": "a", "content": "YWJj"}]}).encode()
    answer = api.call(
        "POST",
        input_stream=io.BytesIO(body),
        content_type="application/json",
        environ_overrides={"CONTENT_LENGTH": str(len(body) + 10)},
    )
    assert answer.status_code == 400
