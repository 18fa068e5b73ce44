"""Whatever body is sent to `/verify`: an answer that is described, and never a fault of ours."""

from __future__ import annotations

import io
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from idp.web.openapi_verify import verify_paths
from tests.support.provider import ISSUER

_DESCRIBED = {int(code) for code in verify_paths()["/verify"]["post"]["responses"]} - {500}
_TEXT = st.text(max_size=40)
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_BODY = st.fixed_dictionaries(
    {},
    optional={
        "content": st.sampled_from(["", "eA==", "JVBERi0=", "!"]) | _ANY,
        "name": _ANY,
        "detached": st.lists(st.fixed_dictionaries({}, optional={"digests": _ANY}), max_size=2)
        | _ANY,
        "keep": _ANY,
        "more": _ANY,
    },
)
_ACCEPT = st.sampled_from(["application/json", "text/html", "application/xml", "*/*", "x", ""])


def test_whatever_json_is_sent(desk):
    here = desk(verify_files_per_minute=0)

    @settings(max_examples=60)
    @given(body=_BODY | _ANY, accept=_ACCEPT)
    def ask(body: Any, accept: str) -> None:
        answer = here.worker.http.post(
            "/verify",
            base_url=ISSUER,
            data=json.dumps(body),
            content_type="application/json",
            headers={"Accept": accept},
        )
        assert answer.status_code in _DESCRIBED, answer.get_data(as_text=True)

    ask()


def test_whatever_form_is_sent(desk):
    here = desk(verify_files_per_minute=0)
    names = st.sampled_from(["file", "content", "digest", "keep", "x"])
    files = st.tuples(st.binary(max_size=40), _TEXT)

    @settings(max_examples=60)
    @given(form=st.dictionaries(names, files | _TEXT, max_size=4), accept=_ACCEPT)
    def ask(form: dict[str, Any], accept: str) -> None:
        data = {
            name: one if isinstance(one, str) else (io.BytesIO(one[0]), one[1])
            for name, one in form.items()
        }
        answer = here.worker.http.post(
            "/verify",
            base_url=ISSUER,
            data=data,
            content_type="multipart/form-data",
            headers={"Accept": accept},
        )
        assert answer.status_code in _DESCRIBED, answer.get_data(as_text=True)

    ask()


def test_scripts_may_send_from_this_page_and_from_no_other(desk):
    """Content Security Policy Level 3 §6.1.2."""
    http = desk().worker
    assert "connect-src 'self'" in http.get("/verify").headers["Content-Security-Policy"]
    assert "connect-src" not in http.get("/help").headers["Content-Security-Policy"]
