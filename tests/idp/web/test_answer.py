"""Sending the person back: the portal's own address, exactly, with an answer put behind it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st

from idp.web.answer import allow_form_action, send_back

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_QUERY = st.text("abc=&%20-._~", max_size=20)


def location(uri: str, *, state: str | None, fields: dict[str, str]) -> str:
    app = Flask("test")
    with app.test_request_context():
        response = send_back(
            redirect_uri=uri, response_mode="query", state=state, issuer="https://op.example",
            fields=fields,
        )  # fmt: skip
    assert response.status_code == 303
    return str(response.headers["Location"])


@given(query=st.none() | _QUERY, state=st.none() | _TEXT, value=_TEXT)
def test_the_registered_address_stays_as_it_is(
    query: str | None, state: str | None, value: str
) -> None:
    """RFC 6749 §3.1.2: the query component MUST be retained when adding parameters."""
    uri = "https://portal.example/cb" + ("" if query is None else f"?{query}")
    made = location(uri, state=state, fields={"code": value})
    assert made.startswith(uri)
    rest = made.removeprefix(uri).lstrip("?&")
    expected = [("code", value), *([] if state is None else [("state", state)])]
    pairs = parse_qsl(rest, keep_blank_values=True)
    assert pairs == [*expected, ("iss", "https://op.example")]
    assert not any(sign in made for sign in "\r\n \t\0")
    assert urlsplit(made).fragment == ""


@pytest.mark.parametrize(
    ("uri", "start"),
    [
        ("https://p.example/cb", "https://p.example/cb?code="),
        ("https://p.example/cb?", "https://p.example/cb?code="),
        ("https://p.example/cb?a=1", "https://p.example/cb?a=1&code="),
        ("https://P.example:443/%7Ecb", "https://P.example:443/%7Ecb?code="),
        ("vn.example.app:/cb", "vn.example.app:/cb?code="),
    ],
)
def test_nothing_of_it_is_normalised(uri: str, start: str) -> None:
    assert location(uri, state=None, fields={"code": "x"}).startswith(start)


def test_form_action_names_origins_or_schemes() -> None:
    with Flask("test").test_request_context():
        allow_form_action("https://p.example:8443/cb?x=1")
        allow_form_action("vn.example.app:/cb")
        assert g.form_action == ("https://p.example:8443", "vn.example.app:")
