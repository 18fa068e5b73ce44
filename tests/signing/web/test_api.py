"""The signing API as a portal calls it."""

from __future__ import annotations

import base64
import hashlib
import threading
from datetime import timedelta

import pytest

from tests.support.handmade_pdf import plain_document
from tests.support.portal_api import ORIGIN, OTHER, Api
from tests.support.signing_house import PORTAL, Somebody


@pytest.fixture
def anh(api: Api) -> Somebody:
    """A person with a passkey, whom the portal may ask."""
    return api.house.with_passkey()


def _refused(answer, status: int, error: str) -> dict:
    found = answer.get_json()
    assert (answer.status_code, found["error"]) == (status, error), found
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return found


def test_a_request_is_made_and_says_where_the_person_is_sent(api, anh):
    answer = api.ask()
    found = answer.get_json()
    assert answer.status_code == 201
    assert found["state"] == "waiting"
    assert found["sign_uri"] == f"{ORIGIN}/sign/{found['request_id']}"
    assert answer.headers["Location"] == f"{ORIGIN}/sign/requests/{found['request_id']}"
    (document,) = found["documents"]
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"abc").digest()).rstrip(b"=").decode()
    assert (document["digest"], document["hash"], document["size"]) == (digest, "sha256", 3)
    assert "signed_uri" not in document
    assert anh.signer.account_id not in answer.get_data(as_text=True)


@pytest.mark.parametrize(("portal", "status"), [(None, 401), ("x", 401), ("may-not-sign", 403)])
def test_nobody_comes_in_without_a_token_that_allows_it(api, anh, portal, status):
    """RFC 6750 §3.  Nothing of the body is read before."""
    for method, path in (
        ("POST", ""),
        ("GET", "/sig_x"),
        ("DELETE", "/sig_x"),
        ("GET", "/sig_x/documents/0"),
    ):
        answer = api.call(method, path, portal=portal)
        assert answer.status_code == status
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_another_portals_request_looks_like_none(api, anh):
    made = api.ask().get_json()["request_id"]
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/documents/0")):
        for request_id, portal in ((made, OTHER), ("sig_" + "0" * 32, PORTAL)):
            answer = api.call(method, f"/{request_id}{path}", portal=portal)
            _refused(answer, 404, "request_unknown")
    assert api.call("GET", f"/{made}").get_json()["state"] == "waiting"


def test_the_same_key_and_body_are_answered_again(api, anh):
    first, second = api.ask(key="k-1"), api.ask(key="k-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()
    assert first.headers["Location"] == second.headers["Location"]


def test_the_answer_is_that_of_then_whatever_became_of_the_request(api, anh):
    """draft-ietf-httpapi-idempotency-key-header §2.6: the result of the first time."""
    first = api.ask(key="k-1", expires_in=3600)
    request_id = first.get_json()["request_id"]
    api.house.confirm(api.house.requests.get(request_id), anh)
    assert api.call("GET", f"/{request_id}").get_json()["state"] == "signed"
    assert api.ask(key="k-1", expires_in=3600).get_json() == first.get_json()
    other = api.ask(key="k-2", expires_in=60)
    api.now += timedelta(hours=2)
    assert api.call("GET", f"/{other.get_json()['request_id']}").get_json()["state"] == "expired"
    again = api.ask(key="k-2", expires_in=60)
    assert (again.status_code, again.get_json()) == (201, other.get_json())


def test_a_portal_that_asks_too_often_is_told_when_to_come_back(api, anh):
    busy = Api(api.house, api.now, too_often=frozenset({PORTAL}))
    answer = busy.ask()
    _refused(answer, 429, "too_many_requests")
    assert answer.headers["Retry-After"] == "60"
    assert busy.call("GET", "/sig_x").status_code == 404  # looking costs nothing


def test_the_same_key_with_another_body_is_refused(api, anh):
    """draft-ietf-httpapi-idempotency-key-header §2.7."""
    api.ask(key="k-1")
    _refused(api.ask(key="k-1", title="Đơn khác"), 422, "idempotency_key_reused")


def test_a_key_belongs_to_one_portal_and_to_one_day(api, anh):
    first = api.ask(key="k-1").get_json()["request_id"]
    api.house.people.known[OTHER, "sub-acc_1", None] = anh.signer
    assert api.ask(key="k-1", portal=OTHER).status_code == 201
    api.now += timedelta(hours=24, seconds=1)
    assert api.ask(key="k-1").get_json()["request_id"] != first


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_a_key_of_no_or_absurd_length_is_refused(api, anh, key):
    _refused(api.ask(key=key), 400, "idempotency_key_length")


@pytest.mark.parametrize(
    ("body", "error", "part"),
    [
        ({"title": " "}, "text_length", "title"),
        ({"title": "x" * 201}, "text_length", "title"),
        ({"reason": "x" * 501}, "text_length", "reason"),
        ({"documents": []}, "documents_number", "documents"),
        ({"documents": [{"name": "a", "digest": "YWJj"}] * 1_001}, "documents_number", "documents"),
        ({"signers": []}, "signers_number", "signers"),
        ({"expires_in": 59}, "lifetime", "expires_in"),
        ({"expires_in": 30 * 86_400 + 1}, "lifetime", "expires_in"),
        ({"confirmation_window": 301}, "window", "confirmation_window"),
        ({"return_uri": "https://evil.example/"}, "address_foreign", "return_uri"),
        ({"webhook_uri": "http://169.254.169.254/"}, "address_foreign", "webhook_uri"),
        ({"signers": [{"sub": "sub-nobody"}]}, "signer_unknown", "signers[0]"),
        (
            {"signers": [{"sub": "sub-acc_1", "organization": "9900000016"}]},
            "signer_unknown",
            "signers[0]",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_part(api, anh, body, error, part):
    found = _refused(api.ask(**body), 422, error)
    assert found["part"] == part


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"no PDF at all", "not_a_pdf"),
        (b"", "document_size"),
        (plain_document(catalog="/OpenAction << /S /JavaScript /JS (app.alert(1)) >>").classic(),
         "javascript"),
    ],
)  # fmt: skip
def test_a_document_that_is_not_signed_says_why(api, anh, content, error):
    document = {
        "name": "a.pdf",
        "media_type": "application/pdf",
        "content": base64.b64encode(content).decode(),
    }
    found = _refused(api.ask(documents=[document]), 422, error)
    assert found["part"] == "documents[0]"


def test_what_was_signed_is_fetched_once_it_is_signed(api, anh):
    made = api.ask(return_uri=f"https://{PORTAL}.example/back")
    request_id = made.get_json()["request_id"]
    early = api.call("GET", f"/{request_id}/documents/0")
    assert _refused(early, 409, "not_signed")["state"] == "waiting"
    api.house.confirm(api.house.requests.get(request_id), anh)
    (document,) = api.call("GET", f"/{request_id}").get_json()["documents"]
    answer = api.call("GET", document["signed_uri"].removeprefix(f"{ORIGIN}/sign/requests"))
    assert answer.status_code == 200
    assert answer.mimetype == "application/pkcs7-signature"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a.txt.p7s"
    digest = base64.b64encode(hashlib.sha256(answer.data).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    for position in (1, 1_000, 10**30):
        path = f"/{request_id}/documents/{position}"
        _refused(api.call("GET", path), 404, "request_unknown")
    _refused(api.call("GET", f"/{request_id}/documents/0", portal=OTHER), 404, "request_unknown")
    api.house.documents.purge(api.now + timedelta(days=90))
    _refused(api.call("GET", f"/{request_id}/documents/0"), 410, "document_gone")


def test_a_request_is_withdrawn_while_it_waits_and_not_after(api, anh):
    request_id = api.ask().get_json()["request_id"]
    found = api.call("DELETE", f"/{request_id}").get_json()
    assert (found["state"], found["reason"]) == ("failed", "withdrawn")
    assert _refused(api.call("DELETE", f"/{request_id}"), 409, "request_not_waiting")["state"] == (
        "failed"
    )


def test_a_request_whose_time_is_up_is_expired_before_anybody_noted_it(api, anh):
    request_id = api.ask(expires_in=60).get_json()["request_id"]
    api.now += timedelta(seconds=60)
    assert api.call("GET", f"/{request_id}").get_json()["state"] == "expired"


def test_whoever_waits_is_answered_when_something_happens(api, anh):
    """RFC 7240 §4.3, as a query: the answer comes with the change, not with the clock."""
    request_id = api.ask().get_json()["request_id"]
    found = api.house.requests.get(request_id)
    threading.Timer(0.1, lambda: api.house.requests.withdraw(found, now=api.now)).start()
    assert api.call("GET", f"/{request_id}?wait=20").get_json()["state"] == "failed"


@pytest.mark.parametrize("wait", ["0", "x", "-5", "9999999", "1.5", "%EF%BC%95"])
def test_a_wait_that_is_none_is_answered_at_once(api, anh, wait):
    request_id = api.ask().get_json()["request_id"]
    assert api.call("GET", f"/{request_id}?wait={wait}").get_json()["state"] == "waiting"
