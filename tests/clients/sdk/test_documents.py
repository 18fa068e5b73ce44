"""Documents that a portal wants signed: asked for once, looked after, fetched whole."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from clients.sdk import (
    DocumentToSign,
    HttpAnswer,
    Portal,
    ProviderUnavailable,
    SettingsInvalid,
    SignerWanted,
    SigningAnswerMalformed,
    SigningRefused,
    SigningState,
)
from tests.clients.sdk.provider import ISSUER, make_portal
from tests.clients.sdk.signing_api import FakeSigning

FORM = DocumentToSign(name="Đơn.pdf", media_type="application/pdf", content=b"%PDF-form")
SIGNER = SignerWanted(subject="p-1")


@pytest.fixture
def provider(clock) -> FakeSigning:
    return FakeSigning(clock)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def portal(provider: FakeSigning, pauses: list[float]) -> Portal:
    portal = make_portal(provider)
    portal._signing = replace(portal._signing, pause=pauses.append)
    return portal


def ask(portal: Portal, *documents: DocumentToSign, **more: Any):
    return portal.request_signature(
        title="Đơn đề nghị", documents=documents or [FORM], signers=[SIGNER], **more
    )


def refused(call, *arguments: Any, **more: Any) -> SigningRefused:
    with pytest.raises(SigningRefused) as caught:
        call(*arguments, **more)
    return caught.value


def test_a_request_says_where_to_send_the_signer(portal, provider) -> None:
    made = ask(portal, return_uri="https://cong.example/xong", lifetime=timedelta(days=2))
    assert made.sign_uri == f"{ISSUER}/sign/{made.request_id}"
    assert made.state is SigningState.WAITING
    assert not made.state.is_final
    assert made.expires_at - made.created_at == timedelta(days=7)
    assert [one.role for one in made.signers] == ["person"]
    assert made.documents[0].pages == 1
    assert provider.bodies == [
        {
            "title": "Đơn đề nghị",
            "documents": [
                {
                    "name": "Đơn.pdf",
                    "media_type": "application/pdf",
                    "content": base64.b64encode(b"%PDF-form").decode(),
                }
            ],
            "signers": [{"sub": "p-1", "role": "person"}],
            "return_uri": "https://cong.example/xong",
            "expires_in": 172_800,
        }
    ]


def test_everything_that_can_be_wished_is_sent(portal, provider) -> None:
    digest = DocumentToSign(
        name="Tệp", digest=bytes(48), hash_name="sha384", format="cades-detached"
    )
    portal.request_signature(
        title="Quyết định",
        documents=[digest],
        signers=[SIGNER, SignerWanted(subject="p-2", role="seal", enterprise_code="9900000016")],
        level="B-LTA",
        reason="Phê duyệt",
        location="Hà Nội",
        appearance=[{"kind": "general"}, None],
        webhook_uri="https://cong.example/su-kien",
        confirmation_window=timedelta(seconds=60),
    )
    assert provider.bodies[0] == {
        "title": "Quyết định",
        "documents": [
            {
                "name": "Tệp",
                "media_type": "application/octet-stream",
                "digest": "A" * 64,
                "hash": "sha384",
                "format": "cades-detached",
            }
        ],
        "signers": [
            {"sub": "p-1", "role": "person"},
            {"sub": "p-2", "role": "seal", "organization": "9900000016"},
        ],
        "level": "B-LTA",
        "reason": "Phê duyệt",
        "location": "Hà Nội",
        "appearance": [{"kind": "general"}, None],
        "webhook_uri": "https://cong.example/su-kien",
        "confirmation_window": 60,
    }


def test_large_documents_travel_as_files(portal, provider) -> None:
    """RFC 7578 §4: every octet arrives, also those that look like the end of a part."""
    large = bytes(range(256)) * 5_000 + b"\r\n--\r\n"
    ask(portal, replace(FORM, content=large), replace(FORM, name="Phụ lục.pdf"))
    assert [one["part"] for one in provider.bodies[0]["documents"]] == ["document-0", "document-1"]
    assert provider.files == [{"document-0": large, "document-1": b"%PDF-form"}]
    assert provider.requests[-1].patience_s > 1


@pytest.mark.parametrize("fault", [{"content": None}, {"digest": bytes(32)}])
def test_a_document_is_content_or_digest(portal, provider, fault) -> None:
    with pytest.raises(SettingsInvalid, match=r"documents\[0\]"):
        ask(portal, replace(FORM, **fault))
    assert provider.count("sign") == 0


def test_the_token_is_for_signing_alone_and_asked_for_once(portal, provider) -> None:
    """RFC 6749 §4.4.2; RFC 8707 §2."""
    ask(portal)
    ask(portal)
    assert provider.token_forms == [
        {"grant_type": "client_credentials", "scope": "sign", "resource": f"{ISSUER}/sign"}
    ]


def test_a_token_is_replaced_before_it_ends(portal, provider, clock) -> None:
    ask(portal)
    clock.advance(timedelta(seconds=269))
    ask(portal)
    assert len(provider.tokens) == 1
    clock.advance(timedelta(seconds=1))
    ask(portal)
    assert len(provider.tokens) == 2


def test_a_token_without_an_end_is_kept_for_a_moment(portal, provider, clock) -> None:
    provider.token_lifetime_s = None
    ask(portal)
    clock.advance(timedelta(seconds=30))
    ask(portal)
    assert len(provider.tokens) == 2


def test_a_token_that_is_refused_is_replaced_once(portal, provider) -> None:
    """RFC 6750 §3.1: `invalid_token`, the client MAY ask for a new one and try again."""
    ask(portal)
    provider.revoked.add("at-1")
    ask(portal)
    assert provider.tokens == ["at-1", "at-2"]
    provider.revoked |= {"at-2", "at-3"}
    error = refused(ask, portal)
    assert (error.status, error.error) == (401, "invalid_token")
    assert provider.tokens == ["at-1", "at-2", "at-3"]


def test_a_lost_answer_makes_no_second_request(portal, provider, pauses) -> None:
    provider.lost = 2
    made = ask(portal)
    assert list(provider.made) == [made.request_id]
    sent = [one for one in provider.requests if one.where == "sign"]
    assert len({one.headers["Idempotency-Key"] for one in sent}) == 1
    assert len({one.body for one in sent}) == 1
    assert pauses == [0.3, 1.5]


def test_two_requests_have_two_keys(portal, provider) -> None:
    ask(portal)
    ask(portal)
    assert len(provider.by_key) == len(provider.made) == 2


def test_a_provider_that_stays_away_is_said_so(portal, provider, pauses) -> None:
    ask(portal)
    provider.is_down = True
    with pytest.raises(ProviderUnavailable):
        ask(portal)
    assert len(pauses) == 2


def test_a_provider_that_is_busy_is_asked_again(portal, provider, pauses) -> None:
    provider.next_answer = HttpAnswer(status=503, headers={"retry-after": "5"}, body=b"{}")
    assert ask(portal).state is SigningState.WAITING
    assert len(pauses) == 1


def test_a_portal_can_bring_its_own_key(portal, provider) -> None:
    first = ask(portal, idempotency_key="ho-so-17")
    assert ask(portal, idempotency_key="ho-so-17").request_id == first.request_id
    error = refused(ask, portal, idempotency_key="ho-so-17", level="B-T")
    assert (error.status, error.error) == (422, "idempotency_key_reused")


def test_a_refusal_says_what_it_is_about(portal, provider) -> None:
    body = b'{"error": "digest_length", "part": "documents[0].digest", "error_description": "x"}'
    provider.next_answer = HttpAnswer(status=422, headers={}, body=body)
    error = refused(ask, portal)
    assert (error.error, error.part, error.state) == ("digest_length", "documents[0].digest", "")
    assert str(error) == "422 digest_length documents[0].digest"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"error": "Nguy\xe1\xbb\x85n"}', b'{"error": 7, "part": "a b\\n"}']
)
def test_a_refusal_that_says_nothing_readable_is_one_all_the_same(portal, provider, body) -> None:
    provider.next_answer = HttpAnswer(status=400, headers={}, body=body)
    error = refused(ask, portal)
    assert (error.error, error.part) == ("unknown_error", "")


def test_the_state_of_a_request_is_told(portal, provider) -> None:
    made = ask(portal)
    provider.finish(made.request_id, "refused", reason="signer", ended_at="2026-11-21T04:00:00Z")
    found = portal.signature_status(made.request_id)
    assert (found.state, found.reason) == (SigningState.REFUSED, "signer")
    assert found.ended_at is not None
    assert found.state.is_final


@pytest.mark.parametrize(
    ("wait", "query"),
    [(None, ""), (timedelta(0), ""), (timedelta(seconds=9), "?wait=9"), (timedelta(1), "?wait=25")],
)
def test_waiting_for_a_change_has_patience(portal, provider, wait, query) -> None:
    made = ask(portal)
    portal.signature_status(made.request_id, wait=wait)
    sent = provider.requests[-1]
    assert sent.url == f"{ISSUER}/sign/requests/{made.request_id}{query}"
    assert f"?wait={sent.patience_s:.0f}" == (query or "?wait=0")


def test_what_was_signed_is_fetched_whole(portal, provider) -> None:
    made = ask(portal)
    provider.finish(made.request_id)
    assert portal.signature_status(made.request_id).is_signed
    signed = portal.fetch_signed(made.request_id, 0)
    assert (signed.content, signed.media_type) == (b"%PDF-signed", "application/pdf")
    assert provider.requests[-1].url.endswith(f"/{made.request_id}/documents/0")
    assert provider.requests[-1].answer_limit_bytes > 200 << 20


def test_a_document_that_did_not_come_whole_is_refused(portal, provider) -> None:
    """RFC 9530 §2: the digest of what was meant."""
    made = ask(portal)
    provider.finish(made.request_id)
    provider.digest_of = b"%PDF-signed and more"
    with pytest.raises(SigningAnswerMalformed, match="digest"):
        portal.fetch_signed(made.request_id)
    provider.next_answer = HttpAnswer(status=200, headers={}, body=b"%PDF-signed")
    with pytest.raises(SigningAnswerMalformed, match="digest"):
        portal.fetch_signed(made.request_id)


def test_nothing_is_fetched_before_it_is_signed(portal) -> None:
    error = refused(portal.fetch_signed, ask(portal).request_id)
    assert (error.status, error.error, error.state) == (409, "not_signed", "waiting")


def test_a_request_is_taken_back_once(portal) -> None:
    made = ask(portal)
    taken = portal.withdraw_signature(made.request_id)
    assert (taken.state, taken.reason) == (SigningState.REFUSED, "withdrawn")
    assert refused(portal.withdraw_signature, made.request_id).state == "refused"


@pytest.mark.parametrize("name", ["", "..", "a/b", "sr_1?x", "sr_é", "sr_1\n"])
def test_what_is_no_id_reaches_no_address(portal, provider, name: str) -> None:
    for call in (portal.signature_status, portal.withdraw_signature, portal.fetch_signed):
        assert refused(call, name).error == "request_unknown"
    assert provider.count("sign") == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "lost"}, "state"),
        ({"state": None}, "state"),
        ({"request_id": 7}, "request_id"),
        ({"sign_uri": "http://elsewhere.example/"}, "sign_uri_not_https"),
        ({"sign_uri": "javascript:alert(1)"}, "sign_uri_unreadable"),
        ({"created_at": "today"}, "created_at"),
        ({"expires_at": "2026-11-28T03:00:00"}, "expires_at"),
        ({"documents": {}}, "documents"),
        ({"documents": ["x"]}, "documents"),
        ({"signers": [{"position": True}]}, "position"),
    ],
)
def test_an_answer_that_is_none_is_refused(portal, provider, change, reason) -> None:
    made = ask(portal)
    provider.made[made.request_id] |= change
    with pytest.raises(SigningAnswerMalformed) as caught:
        portal.signature_status(made.request_id)
    assert caught.value.reason == reason


def test_an_answer_that_is_no_object_is_refused(portal, provider) -> None:
    provider.next_answer = HttpAnswer(status=201, headers={}, body=b"[]")
    with pytest.raises(SigningAnswerMalformed, match="not_an_object"):
        ask(portal)


def test_the_signing_service_may_be_elsewhere(provider) -> None:
    portal = make_portal(provider, signing_api="https://ky.example/sign/")
    ask(portal)
    assert provider.requests[-1].url == "https://ky.example/sign/requests"
    with pytest.raises(SettingsInvalid):
        make_portal(provider, signing_api="http://ky.example/sign")


def test_nothing_of_a_document_or_a_person_is_shown(portal) -> None:
    made = ask(portal)
    shown = f"{FORM!r} {SIGNER!r} {made!r} {made.documents[0]!r}"
    for hidden in ("Đơn", "%PDF", "p-1"):
        assert hidden not in shown
