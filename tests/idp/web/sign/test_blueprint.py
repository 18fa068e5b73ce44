"""Where this deployment signs: its API is described, guarded, and answers in JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from werkzeug.test import Client

from idp.oauth.parameters import MAX_BYTES
from idp.web.front import Front
from tests.support.provider import ISSUER
from tests.support.provider_seeds import ANH
from tests.support.sign_desk import SignDesk

_RULE = re.compile(r"<(?:[a-z]+(?:\([^)]*\))?:)?([a-z_]+)>")


def _front(desk: SignDesk) -> Client:
    return Client(Front(desk.provider.app, services=desk.provider.services), use_cookies=False)


def _token(desk: SignDesk) -> dict[str, str]:
    token = desk.provider.services.access_tokens.issue_for_client(
        "portal", scopes=("sign",), audience=f"{ISSUER}/sign", now=desk.now
    )
    return {"Authorization": f"Bearer {token}"}


def test_every_operation_of_the_api_is_described_and_every_reference_leads_somewhere(desk):
    """OpenAPI 3.1.1 §4.8.30."""
    document: dict[str, Any] = json.loads(
        _front(desk).get("/openapi.json", base_url=ISSUER).get_data()
    )
    served = {
        (_RULE.sub(r"{\1}", rule.rule), method.lower())
        for rule in desk.provider.app.url_map.iter_rules()
        if rule.rule.startswith("/sign/requests")
        for method in set(rule.methods or ()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method)
        for path, operations in document["paths"].items()
        if path.startswith("/sign/")
        for method in operations
    }
    assert described == served
    for pointer in re.findall(r'"\$ref":"#/([^"]+)"', json.dumps(document, separators=(",", ":"))):
        found: Any = document
        for part in pointer.split("/"):
            found = found[part]
        assert found


def test_a_portal_asks_over_the_whole_stack(desk):
    desk.give_code_key()
    signers = [{"sub": desk.named(ANH).sub}]
    documents = [{"name": "a.txt", "content": "YWJj"}]
    body = {"title": "Đơn", "level": "B-B", "documents": documents, "signers": signers}
    front = _front(desk)
    made = front.post("/sign/requests", base_url=ISSUER, json=body, headers=_token(desk))
    assert made.status_code == 201, made.get_data(as_text=True)
    assert made.headers["X-Content-Type-Options"] == "nosniff"
    address = made.headers["Location"].removeprefix(ISSUER)
    found = front.get(address, base_url=ISSUER, headers=_token(desk)).get_json()
    assert found == made.get_json()


def test_the_api_alone_takes_more_than_other_bodies(desk):
    """What is too large elsewhere is read here, by who may bring it."""
    front = _front(desk)
    body = {"title": "x" * (MAX_BYTES + 1)}
    answer = front.post("/sign/requests", base_url=ISSUER, json=body, headers=_token(desk))
    assert answer.get_json()["error"] == "malformed"
    elsewhere = front.post("/sign/requests/x", base_url=ISSUER, json=body, headers=_token(desk))
    assert elsewhere.status_code == 413
    assert elsewhere.get_json()["error"] == "too_large"


def test_whatever_goes_wrong_is_json(desk):
    front = _front(desk)
    for method, path, status, code in (
        ("GET", "/sign/requests", 405, "method_not_allowed"),
        ("PUT", "/sign/requests/x", 405, "method_not_allowed"),
        ("GET", "/sign/requests/x/y", 404, "not_found"),
        ("GET", "/sign/requests/x", 401, "invalid_token"),
    ):
        answer = front.open(path, method=method, base_url=ISSUER)
        assert (answer.status_code, answer.get_json()["error"]) == (status, code), path
    chunked = front.post(
        "/sign/requests", base_url=ISSUER, environ_overrides={"HTTP_TRANSFER_ENCODING": "chunked"}
    )
    assert (chunked.status_code, chunked.get_json()["error"]) == (411, "length_required")
