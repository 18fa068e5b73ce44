"""What stands before Flask: ids, a clean environ, what every answer carries, what is counted."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request
from werkzeug.test import Client, TestResponse, create_environ

from idp.web.front import Front
from tests.idp.web.conftest import MakeWorker, Worker
from tests.support.pii_alarm import Seeded
from tests.support.provider import ISSUER
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import CHI

REQUEST_ID = re.compile(r"req_[0-9a-f]{16}")
PATHS = ("/help", "/jwks", "/healthz", "/readyz", "/openapi.json", "/nowhere", "/logout", "/token")


@pytest.fixture
def browser(worker: Worker) -> Browser:
    """A browser before whose server the front stands."""
    made = Browser(worker.provider)
    made.http = Client(worker.front)
    return made


def test_every_answer_names_its_request(worker):
    seen = {worker.get(path).headers["X-Request-Id"] for path in PATHS}
    assert len(seen) == len(PATHS)
    assert all(REQUEST_ID.fullmatch(one) for one in seen)


def test_reference_on_an_error_page_is_the_id_of_the_request(worker):
    answer = worker.get("/nowhere")
    assert answer.headers["X-Request-Id"] in answer.get_data(as_text=True)


def test_reference_on_a_page_that_refuses_is_the_id_of_the_request_too(browser: Browser) -> None:
    """Whoever helps finds the log line by it; the name of an interaction is in no log."""
    landing = browser.log_in(browser.authorize("known"), who=CHI)
    assert landing.response.status_code == 403
    reference = re.search(r'id="error-reference"[^>]*>([^<]*)<', landing.page)
    assert reference is not None
    assert landing.response.headers["X-Request-Id"] in reference.group(1)


@pytest.mark.parametrize(
    ("peer", "sent", "is_taken"),
    [
        ("10.0.0.1", "edge-7f3a91c2", True),
        ("10.0.0.2", "edge-7f3a91c2", False),
        ("10.0.0.1", "short", False),
        ("10.0.0.1", "a" * 65, False),
        ("10.0.0.1", "edge 7f3a91c2", False),
        ("10.0.0.1", 'edge-7f3a91c2"><b>', False),
    ],
)
def test_id_of_a_request_is_believed_from_a_listed_proxy_alone(make_worker, peer, sent, is_taken):
    worker = make_worker(trusted_proxies=("10.0.0.1",))
    answer = worker.get(
        "/help", headers={"X-Request-Id": sent}, environ_overrides={"REMOTE_ADDR": peer}
    )
    assert (answer.headers["X-Request-Id"] == sent) is is_taken


def test_variables_of_the_process_do_not_reach_a_request(worker, monkeypatch):
    """PEP 3333 merges nothing; the server does, and `HTTP_…` would look like a header."""
    monkeypatch.setenv("SECRET_OF_THE_PROCESS", "leaked")
    app = Flask("echo")
    app.add_url_rule("/", "echo", lambda: jsonify(sorted(map(str, request.environ))))
    front = Front(app, services=worker.provider.services)
    answer = Client(front).get("/", environ_overrides={"SECRET_OF_THE_PROCESS": "leaked"})
    names = answer.get_json()
    assert "PATH_INFO" in names
    assert "SECRET_OF_THE_PROCESS" not in names


def _all_pages(worker: Worker, browser: Browser) -> list[TestResponse]:
    login = browser.authorize(scope="openid identity", acr_values="urn:vn:auth:2")
    code = browser.log_in(login)
    consent = browser.give_code(code)
    assert code.shows("otp-submit")
    assert consent.shows("consent-accept")
    back = browser.press(consent, "consent-accept")
    assert back.url is not None
    logout = browser.get("/logout")
    assert logout.shows("logout-confirm")
    paths = ("/", "/help", "/accessibility", "/nowhere", "/logout", "/authorize", "/interaction/x")
    shown = [one.response for one in (login, code, consent, logout)]
    return [*shown, *(worker.get(path) for path in paths)]


def test_every_page_forbids_what_it_does_not_need(worker, browser):
    """Content Security Policy Level 3: neither inline script nor style, no frame, no other form."""
    for page in _all_pages(worker, browser):
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"


def test_form_of_a_sign_in_may_lead_to_its_portal_and_nowhere_else(worker, browser):
    """Chromium applies `form-action` to the redirect after a form."""
    policy = browser.authorize().response.headers["Content-Security-Policy"]
    assert "form-action 'self' https://portal.example;" in policy
    assert "form-action 'self';" in worker.get("/help").headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_protected_once(worker, path):
    """RFC 6797 §7.1; a header that stands twice may be read as neither."""
    headers = worker.get(path).headers
    for name in ("X-Content-Type-Options", "Strict-Transport-Security", "Server", "X-Request-Id"):
        assert len(headers.getlist(name)) == 1, name
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "antin"


def test_transport_security_is_not_promised_over_http(make_worker):
    """RFC 6797 §7.2: not over a connection that is not secure."""
    worker = make_worker(issuer="http://localhost:8000")
    assert "Strict-Transport-Security" not in worker.get("/help").headers


def test_head_is_answered_like_get_without_a_body(worker):
    """RFC 9110 §9.3.2."""
    for path in ("/help", "/jwks", "/.well-known/openid-configuration", "/readyz"):
        whole, head = worker.get(path), worker.http.head(path, base_url=ISSUER)
        assert (head.status_code, head.get_data()) == (whole.status_code, b"")
        assert head.headers["Content-Length"] == whole.headers["Content-Length"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/jwks", "/token", "/help", "/authorize"])
def test_method_that_is_not_meant_is_refused_with_those_that_are(worker, method, path):
    """RFC 9110 §15.5.6: the answer carries Allow."""
    answer = worker.http.open(path, method=method, base_url=ISSUER, data=b"")
    assert answer.status_code == 405
    assert answer.headers["Allow"]


def test_slash_at_the_end_changes_nothing(worker):
    assert worker.get("/help/").status_code == 200
    assert worker.http.post("/token/", base_url=ISSUER, data=b"").json["error"] == "invalid_request"


def test_error_of_ours_that_nobody_foresaw_is_a_sentence(worker):
    """The page of an unknown exception tells nothing about it."""

    def fail() -> str:
        raise RuntimeError("the private detail")

    app = worker.provider.app
    app._got_first_request = False  # routes are added before the first request only
    app.add_url_rule("/fail", "fail", fail)
    answer = worker.get("/fail")
    assert answer.status_code == 500
    assert "private" not in answer.get_data(as_text=True)
    assert answer.headers["X-Request-Id"] in answer.get_data(as_text=True)
    assert worker.number("antin_refusals_total", route="/fail", code="server_error") == 1


def test_failure_of_the_error_page_itself_is_an_answer_still(worker):
    class Broken(Flask):
        def wsgi_app(self, environ: Any, start_response: Any) -> Any:
            raise RuntimeError("the private detail")

    answer = Client(Front(Broken("broken"), services=worker.provider.services)).get("/")
    assert (answer.status_code, answer.get_data()) == (500, b"server_error\n")


def test_requests_are_counted_by_route_and_never_by_path(worker, seeded: Seeded):
    worker.get("/interaction/int_123", headers={"User-Agent": seeded.email})
    worker.get("/some/where/else")
    worker.http.open("/help", method="BREW", base_url=ISSUER)
    label = "/interaction/<interaction_id>"
    requests = "antin_requests_total"
    assert worker.number(requests, route=label, method="GET", status="4xx") == 1
    assert worker.number(requests, route="none", method="GET", status="4xx") == 1
    assert worker.number(requests, route="none", method="other", status="4xx") == 1
    assert worker.number("antin_request_seconds_count", route=label) == 1
    assert "int_123" not in worker.metrics()


def test_sign_ins_tokens_and_refusals_are_counted(worker, browser):
    browser.log_in(browser.authorize(), password="sai-mat-khau")
    tokens = browser.tokens()
    assert tokens["access_token"]
    worker.provider.refresh("no-such-token")
    worker.provider.userinfo("no-such-token")
    number = worker.number
    assert number("antin_factors_total", factor="pwd", outcome="wrong") == 1
    assert number("antin_factors_total", factor="pwd", outcome="accepted") == 1
    assert number("antin_token_responses_total", grant_type="authorization_code") == 1
    assert number("antin_refusals_total", route="/token", code="invalid_grant") == 1
    assert number("antin_refusals_total", route="/userinfo", code="invalid_token") == 1


def test_metrics_hold_nothing_of_who_signs_in(make_worker: MakeWorker, pii_alarm):
    """The alarm knows the person's number, name and password, and finds none of them."""
    worker = make_worker()
    browser = Browser(worker.provider)
    browser.http = Client(worker.front)
    browser.tokens(scope="openid profile email phone identity")
    text = worker.metrics()
    assert "antin_factors_total" in text
    assert pii_alarm.kinds_in(text) == []


@pytest.mark.parametrize(("size", "is_whole"), [(0, True), (1 << 20, True), ((1 << 20) + 1, False)])
def test_what_is_small_is_sent_in_one_piece_below_documents_too(worker, size, is_whole):
    app = Flask("documents")
    length = {"Content-Length": str(size)}
    app.add_url_rule("/sign/x", "x", lambda: Response(iter([bytes(size)]), headers=length))
    front = Front(app, services=worker.provider.services)
    answer = front(create_environ("/sign/x"), lambda *_: None)
    assert isinstance(answer, list) is is_whole
    assert sum(len(piece) for piece in answer) == size
