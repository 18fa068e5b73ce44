"""Documents that a portal has checked: what is asked, and what comes of each answer."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from clients.sdk import (
    DocumentBeside,
    HttpAnswer,
    Portal,
    ProviderUnavailable,
    SettingsInvalid,
    SigningAnswerMalformed,
    SigningRefused,
)
from tests.clients.sdk.provider import ISSUER, make_portal
from tests.clients.sdk.signing_api import FakeSigning

SIGNATURE: dict[str, Any] = {
    "indication": "TOTAL_PASSED",
    "sub_indication": None,
    "reasons": [],
    "integrity": "intact",
    "signer": {"name": "Người ký", "organization": "Sở Xây dựng", "issuer": "Ấn Tín"},
    "proved_signing_time": "2026-11-21T03:04:05Z",
}
REPORT: dict[str, Any] = {
    "answer": "valid",
    "indication": "TOTAL_PASSED",
    "sub_indication": None,
    "reasons": [],
    "signatures": [SIGNATURE],
}


@pytest.fixture
def provider(clock) -> FakeSigning:
    return FakeSigning(clock)


@pytest.fixture
def portal(provider: FakeSigning) -> Portal:
    return make_portal(provider)


def _answer(provider: FakeSigning, body: Any, *, status: int = 200) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    provider.answers["verify"] = HttpAnswer(
        status=status, headers={"content-type": "application/json"}, body=raw
    )


def _sent(provider: FakeSigning) -> tuple[dict[str, str], dict[str, Any]]:
    request = next(one for one in reversed(provider.requests) if one.where == "verify")
    assert request.url == f"{ISSUER}/verify"
    return dict(request.headers), json.loads(request.body or b"")


def test_a_valid_document(portal, provider) -> None:
    _answer(provider, REPORT)
    report = portal.verify_document(b"%PDF", name="don.pdf")
    assert report.is_valid
    (signature,) = report.signatures
    assert signature.is_valid
    assert (signature.signer, signature.organization) == ("Người ký", "Sở Xây dựng")
    headers, body = _sent(provider)
    assert "Authorization" not in headers
    assert base64.b64decode(body["content"]) == b"%PDF"
    assert body["name"] == "don.pdf"


def test_a_document_that_stays_away_is_told_by_its_digest(portal, provider) -> None:
    _answer(provider, REPORT)
    beside = [DocumentBeside(digests={"sha256": b"\x01" * 32}), DocumentBeside("a", b"content")]
    portal.verify_document(b"p7s", detached=beside)
    _, body = _sent(provider)
    assert body["detached"][0] == {"name": "", "digests": {"sha256": "01" * 32}}
    assert base64.b64decode(body["detached"][1]["content"]) == b"content"
    for wrong in (DocumentBeside("a"), DocumentBeside("a", b"x", {"sha256": b""})):
        with pytest.raises(SettingsInvalid):
            portal.verify_document(b"p7s", detached=[wrong])


def test_a_lasting_report_needs_somebody_to_belong_to(portal, provider) -> None:
    with pytest.raises(SettingsInvalid):
        portal.verify_document(b"x", keep=True)
    _answer(provider, REPORT | {"kept": {"report_id": "kr_1", "until": "2036-11-21T00:00:00Z"}})
    assert portal.verify_document(b"x", as_portal=True, keep=True).kept_id == "kr_1"
    headers, body = _sent(provider)
    assert headers["Authorization"].startswith("Bearer at-")
    assert body["keep"] is True


def test_an_invalid_document_says_why(portal, provider) -> None:
    reasons = [{"code": "signed_data_changed", "facts": {}}]
    bad = SIGNATURE | {"indication": "TOTAL_FAILED", "reasons": reasons, "signer": None}
    _answer(provider, REPORT | {"answer": "invalid", "reasons": reasons, "signatures": [bad]})
    report = portal.verify_document(b"x")
    assert not report.is_valid
    assert report.reasons == report.signatures[0].reasons == ("signed_data_changed",)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_not_now_is_no_answer(portal, provider, status) -> None:
    _answer(provider, {"error": "too_many_checks"}, status=status)
    with pytest.raises(ProviderUnavailable):
        portal.verify_document(b"x")


def test_a_refusal_has_its_code_and_a_refused_token_is_replaced_once(portal, provider) -> None:
    """RFC 6750 §3.1."""
    _answer(provider, {"error": "too_large"}, status=413)
    with pytest.raises(SigningRefused, match="too_large"):
        portal.verify_document(b"x")
    _answer(provider, {"error": "invalid_token"}, status=401)
    with pytest.raises(SigningRefused, match="invalid_token"):
        portal.verify_document(b"x", as_portal=True)
    assert len(provider.tokens) == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"<html>", {"answer": "perhaps"}, {"answer": "valid"},
     REPORT | {"signatures": [{}]}, REPORT | {"signatures": 3}],
)  # fmt: skip
def test_what_is_no_report_is_refused(portal, provider, body) -> None:
    _answer(provider, body)
    with pytest.raises(SigningAnswerMalformed):
        portal.verify_document(b"x")
