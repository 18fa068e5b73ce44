"""Flask without what the service does not use, and the headers of its pages."""

from __future__ import annotations

import pytest
from flask import Response, session

from idp.web.application import Application
from idp.web.headers import install_headers
from tests.support.provider import Provider


def test_nothing_is_ever_kept_in_a_session_of_flask(provider: Provider) -> None:
    app = provider.app
    assert isinstance(app, Application)
    with app.test_request_context("/"):
        assert dict(session) == {}
        with pytest.raises(RuntimeError):
            session["person"] = "somebody"


def test_a_page_has_each_header_once_and_a_policy_of_its_own_stays() -> None:
    app = Application("test")
    install_headers(app)
    own = {"Content-Security-Policy": "sandbox", "Cross-Origin-Resource-Policy": "same-site"}
    app.add_url_rule("/plain", "plain", lambda: Response("x", mimetype="text/html"))
    app.add_url_rule("/own", "own", lambda: Response("x", mimetype="text/html", headers=own))
    app.add_url_rule("/data", "data", lambda: Response("{}", mimetype="application/json"))
    with app.test_client() as http:
        plain, special, data = http.get("/plain"), http.get("/own"), http.get("/data")
    for answer in (plain, special):
        names = [name for name, _ in answer.headers]
        assert len(names) == len(set(names))
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
    assert plain.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert {name: special.headers[name] for name in own} == own
    assert "Content-Security-Policy" not in data.headers
