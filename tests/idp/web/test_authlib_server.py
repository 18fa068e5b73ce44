"""What Authlib, joserfc and pyotp leave open, each row of style §3.7 that is not tested elsewhere.

PKCE from everyone and no plain: `tests/idp/oauth/test_pkce.py`; interleaved exchanges:
`grants/test_authorization_code.py`; `jti`, NaN and list payloads: `test_client_auth.py` and
`tests/keystore/test_jose.py`; a code of pyotp twice: `test_flow.py`.
"""

from __future__ import annotations

import logging

import pytest

from tests.support.provider import Provider, assert_error
from tests.support.provider_browser import VERIFIER, Browser


def test_authlib_never_logs_a_token(
    provider: Provider, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """Authlib writes issued tokens to its debug log in ten places."""
    assert logging.getLogger("authlib").level == logging.INFO
    with caplog.at_level(logging.DEBUG):
        landing = browser.sign_in(scope="openid offline_access")
        tokens = provider.exchange(landing.code, verifier=VERIFIER).get_json()
        again = provider.refresh(tokens["refresh_token"]).get_json()
        of_client = provider.token("portal", grant_type="client_credentials").get_json()
    secrets = [
        landing.code,
        *(one[name] for one in (tokens, again) for name in ("access_token", "refresh_token")),
        tokens["id_token"],
        of_client["access_token"],
    ]
    for record in caplog.records:
        text = f"{record.getMessage()} {record.args!r} {record.__dict__!r}"
        assert not any(secret in text for secret in secrets), record.name


def test_a_child_of_the_authlib_logger_does_not_either(provider: Provider) -> None:
    for name in ("authlib.oauth2", "authlib.oauth2.rfc6749.grants.authorization_code"):
        assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)


def test_our_authentication_is_the_only_one(provider: Provider) -> None:
    """Authlib's own methods compare secrets themselves; they are never asked."""
    answer = provider.post("/token", {"grant_type": "client_credentials", "client_id": "portal"})
    assert_error(answer, "invalid_client", status=401)


def test_errors_of_authlib_repeat_nothing_of_the_request(provider: Provider) -> None:
    """RFC 6749 §5.2: error_description has a small alphabet; nothing sent comes back."""
    for form in (
        {"grant_type": 'lấp-lánh "quoted" \\'},
        {"grant_type": "authorization_code", "code": "lấp-lánh"},
        {"grant_type": "refresh_token", "refresh_token": "lấp-lánh", "scope": "lấp-lánh"},
        {"grant_type": "client_credentials", "scope": "lấp-lánh"},
    ):
        answer = provider.token("portal", **form)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 400
        assert text.isascii()
        assert "quoted" not in text
        assert "lấp" not in text.encode().decode("unicode_escape")


def test_a_client_is_told_which_grant_it_may_not_use(provider: Provider) -> None:
    """RFC 6749 §5.2 unauthorized_client."""
    assert_error(provider.token("narrow", grant_type="client_credentials"), "unauthorized_client")
    answer = provider.token("api", grant_type="authorization_code", code="x", redirect_uri="x")
    assert_error(answer, "unauthorized_client")
