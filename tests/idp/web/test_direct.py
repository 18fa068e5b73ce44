"""Endpoints for programs, before Flask: what they refuse and how they fail."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import Client

from idp.errors import StorageUnavailable
from idp.oauth.errors import MalformedParameters
from idp.web.direct import (
    DirectAnswer,
    DirectEndpoint,
    DirectEndpoints,
    DirectRequest,
    json_answer,
)

FORM = "application/x-www-form-urlencoded"


def _rest(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the application"]


def _handle(request: DirectRequest) -> DirectAnswer:
    if request.authorization == "away":
        raise StorageUnavailable
    if request.authorization == "defect":
        raise RuntimeError("nobody expected this")
    return json_answer(200, {"ok": True})


@pytest.fixture
def client() -> Client:
    endpoint = DirectEndpoint(frozenset({"POST", "HEAD"}), _handle)
    return Client(DirectEndpoints(_rest, by_path={"/token": endpoint}))


def test_other_paths_are_the_applications(client: Client) -> None:
    for path in ("/", "/tokens", "/token/x", "/Token"):
        assert client.post(path).get_data() == b"the application"


def test_a_slash_at_the_end_changes_nothing(client: Client) -> None:
    assert client.post("/token/").get_json() == {"ok": True}


def test_another_method_is_told_which_ones_there_are(client: Client) -> None:
    """RFC 9110 §15.5.6: the answer MUST carry Allow."""
    answer = client.get("/token")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "HEAD, POST"
    assert answer.get_json()["error"] == "invalid_request"


def test_head_has_the_length_and_no_body(client: Client) -> None:
    """RFC 9110 §9.3.2."""
    answer = client.head("/token")
    assert answer.headers["Content-Length"] == str(len(b'{"ok":true}'))
    assert answer.get_data() == b""


def test_storage_that_is_away_is_said_with_when_to_come_back(client: Client) -> None:
    """RFC 9110 §10.2.3."""
    answer = client.post("/token", headers={"Authorization": "away"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.get_json()["error"] == "temporarily_unavailable"


def test_a_defect_is_one_fixed_sentence(client: Client) -> None:
    answer = client.post("/token", headers={"Authorization": "defect"})
    assert answer.status_code == 500
    assert answer.get_json()["error"] == "server_error"
    assert "nobody" not in answer.get_data(as_text=True)


def test_no_answer_may_be_kept(client: Client) -> None:
    """RFC 6749 §5.1."""
    for headers in ({}, {"Authorization": "away"}, {"Authorization": "defect"}):
        assert client.post("/token", headers=headers).headers["Cache-Control"] == "no-store"


def _request(body: bytes, **changes: Any) -> DirectRequest:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/token",
        "CONTENT_TYPE": FORM,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    return DirectRequest(environ | changes)


@pytest.mark.parametrize("kind", [FORM, f"{FORM}; charset=UTF-8", FORM.upper(), f"{FORM} ;x=y"])
def test_a_form_may_say_its_charset(kind: str) -> None:
    assert _request(b"a=1", CONTENT_TYPE=kind).form().get("a") == "1"


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"CONTENT_TYPE": "application/json"}, "not_a_form"),
        ({"CONTENT_TYPE": None}, "not_a_form"),
        ({"CONTENT_TYPE": f"{FORM}x"}, "not_a_form"),
        ({"CONTENT_LENGTH": None}, "no_length"),
        ({"CONTENT_LENGTH": "-1"}, "no_length"),
        ({"CONTENT_LENGTH": "٣"}, "no_length"),
        ({"CONTENT_LENGTH": "4"}, "cut_off"),
        ({"CONTENT_LENGTH": "32769"}, "too_large"),
    ],
)
def test_bodies_that_are_not_read(changes: dict[str, Any], detail: str) -> None:
    """RFC 6749 §3.2, Appendix B; RFC 9110 §15.5.12."""
    with pytest.raises(MalformedParameters) as refused:
        _request(b"a=1", **changes).form()
    assert refused.value.detail == detail
