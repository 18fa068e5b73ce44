"""What a refusal of the signing API says: now or later, and whose fault it is."""

from __future__ import annotations

import pytest
from flask import Flask

from idp.egress import Egress
from signing.errors import (
    CertificateRefused,
    NotSigned,
    ParsingFailed,
    RequestRefused,
    SigningError,
    TimestampUnavailable,
)
from signing.web.api import refusal


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ParsingFailed("busy"), 503, "parsing_failed"),
        (ParsingFailed("not_started"), 503, "parsing_failed"),
        (ParsingFailed("too_large"), 422, "document_too_large"),
        (NotSigned("waiting"), 409, "not_signed"),
        (CertificateRefused("revoked"), 409, "certificate_refused"),
        (TimestampUnavailable(), 503, "timestamp_unavailable"),
        (RequestRefused("webhook_refused", part="webhook_uri"), 422, "webhook_refused"),
    ],
)
def test_who_is_told_to_try_again_is_who_may(error: SigningError, status: int, code: str) -> None:
    """RFC 9110 §10.2.3: only an answer of 503 says when."""
    with Flask("refusals").app_context():
        answer = refusal(error)
    assert (answer.status_code, answer.get_json()["error"]) == (status, code)
    assert ("Retry-After" in answer.headers) == (status == 503)


@pytest.mark.parametrize(
    ("url", "may", "may_in_sandbox"),
    [
        ("https://portal.example/hook", True, True),
        ("http://portal.example/hook", False, True),
        ("https://10.1.2.3/hook", False, False),
        ("https://169.254.169.254/latest", False, False),
        ("https://[::1]/hook", False, True),
        ("https://127.0.0.1:8443/hook", False, True),
        ("http://localhost:8000/hook", False, True),
        ("https://localhost/hook", False, True),
        ("https://8.8.8.8/hook", True, True),
        ("ftp://portal.example/hook", False, False),
        ("https://me@portal.example/hook", False, False),
    ],
)
def test_a_webhook_that_can_never_be_reached_is_refused_when_it_is_named(
    url: str, may: bool, may_in_sandbox: bool
) -> None:
    assert Egress().may_be_called(url, "portal.citizen") is may
    assert Egress(allow_insecure=True).may_be_called(url, "portal.citizen") is may_in_sandbox


def test_an_address_within_is_called_for_a_client_that_lives_there() -> None:
    networks = {"portal.citizen": ("10.1.0.0/16",)}
    egress = Egress(allow_private=networks)
    assert egress.may_be_called("https://10.1.2.3/hook", "portal.citizen")
    assert not egress.may_be_called("https://10.1.2.3/hook", "portal.business")
