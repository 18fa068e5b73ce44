"""Proof Key for Code Exchange: S256 or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.oauth.errors import InvalidGrant, InvalidRequest
from idp.oauth.pkce import check_challenge, verify_code_verifier
from tests.support.provider import Provider, assert_error, s256
from tests.support.provider_browser import VERIFIER, Browser


def test_the_example_of_the_rfc_is_accepted() -> None:
    """RFC 7636 Appendix B."""
    challenge = check_challenge(
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", method="S256", is_required=True
    )
    verify_code_verifier(
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", expected_challenge=challenge
    )


@pytest.mark.parametrize("method", [None, "plain", "s256", "S512", ""])
def test_no_method_but_s256_is_accepted(method: str | None) -> None:
    """RFC 7636 §4.3: without a method the default is plain, which RFC 9700 §2.1.1 rules out."""
    with pytest.raises(InvalidRequest):
        check_challenge(s256(VERIFIER), method=method, is_required=True)


@pytest.mark.parametrize(
    "challenge", ["x" * 42, "x" * 44, "x" * 43 + "\n", "x" * 42 + "=", "é" * 43, "x" * 42 + "/"]
)
def test_a_challenge_of_another_form_is_refused(challenge: str) -> None:
    """RFC 7636 §4.2: base64url of a SHA-256."""
    with pytest.raises(InvalidRequest):
        check_challenge(challenge, method="S256", is_required=False)


def test_a_method_without_a_challenge_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        check_challenge(None, method="S256", is_required=False)


def test_a_missing_challenge_is_refused_where_it_is_required() -> None:
    """RFC 7636 §4.4.1; RFC 9700 §2.1.1."""
    with pytest.raises(InvalidRequest):
        check_challenge(None, method=None, is_required=True)
    assert check_challenge(None, method=None, is_required=False) is None


@pytest.mark.parametrize(
    "verifier", [None, "", "v" * 42, "v" * 129, "v" * 43 + "\n", "v" * 42 + "ă", VERIFIER + "x"]
)
def test_a_wrong_verifier_is_refused(verifier: str | None) -> None:
    """RFC 7636 §4.6: if the values are not equal, an error MUST be returned."""
    with pytest.raises(InvalidGrant):
        verify_code_verifier(verifier, expected_challenge=s256(VERIFIER))


def test_a_verifier_without_a_challenge_is_a_downgrade() -> None:
    """RFC 9700 §4.8.2: a verifier MUST be refused when the request had no challenge."""
    verify_code_verifier(None, expected_challenge=None)
    with pytest.raises(InvalidGrant):
        verify_code_verifier(VERIFIER, expected_challenge=None)


@given(st.text(min_size=43, max_size=128))
def test_nothing_else_opens_a_challenge(raw: str) -> None:
    if raw == VERIFIER:
        return
    with pytest.raises(InvalidGrant):
        verify_code_verifier(raw, expected_challenge=s256(VERIFIER))


def test_a_confidential_client_without_pkce_gets_no_code(browser: Browser) -> None:
    """RFC 9700 §2.1.1.  Authlib asks PKCE of public clients only (style §3.7)."""
    landing = browser.authorize("portal", code_challenge=None, code_challenge_method=None)
    assert landing.error == "invalid_request"


def test_plain_is_not_let_in_by_leaving_the_method_out(browser: Browser) -> None:
    """RFC 7636 §4.3.  Narrowing Authlib's methods to S256 leaves plain open (style §3.7)."""
    landing = browser.authorize(code_challenge=VERIFIER[:43], code_challenge_method=None)
    assert landing.error == "invalid_request"
    landing = browser.authorize(code_challenge=VERIFIER[:43], code_challenge_method="plain")
    assert landing.error == "invalid_request"


def test_a_public_client_needs_it_whatever_its_registration_says(browser: Browser) -> None:
    """RFC 9700 §2.1.1: public clients MUST use PKCE."""
    landing = browser.authorize("native", code_challenge=None, code_challenge_method=None)
    assert landing.error == "invalid_request"


def test_if_sent_takes_both_and_holds_what_was_sent(provider: Provider, browser: Browser) -> None:
    tokens = browser.tokens("if-sent", code_challenge=None, code_challenge_method=None)
    assert "access_token" in tokens
    landing = browser.sign_in("if-sent")
    answer = provider.exchange(landing.code, client_id="if-sent")
    assert_error(answer, "invalid_grant")


def test_a_verifier_for_a_code_without_challenge_is_refused(
    provider: Provider, browser: Browser
) -> None:
    """RFC 9700 §4.8.2."""
    landing = browser.sign_in("if-sent", code_challenge=None, code_challenge_method=None)
    answer = provider.exchange(landing.code, client_id="if-sent", verifier=VERIFIER)
    assert_error(answer, "invalid_grant")


def test_a_wrong_verifier_does_not_spend_the_code(provider: Provider, browser: Browser) -> None:
    landing = browser.sign_in()
    assert_error(provider.exchange(landing.code, verifier="w" * 43), "invalid_grant")
    assert_error(provider.exchange(landing.code), "invalid_grant")
    assert provider.exchange(landing.code, verifier=VERIFIER).status_code == 200
