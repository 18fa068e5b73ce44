"""Basic plan: the code flow itself, its parameters, codes and refresh tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conformance.waiting import Waiting
from tests.relying_party.flow import RelyingParty, Tokens, check_token_error
from tests.relying_party.person import Stopped
from tests.relying_party.providers import Provider, run_command, write_toml
from tests.relying_party.tokens import Token


@pytest.mark.module("oidcc-server", form_post=True)
def test_server(rp: RelyingParty) -> None:
    """A request with state and nonce comes back with a code that gives a whole ID token.

    It holds all that an ID token must, signed with a published key; userinfo answers.

    OpenID Connect Core §3.1.2.5, §3.1.3.3, §3.1.3.7, §5.3.2.
    """
    done = rp.sign_in()
    assert done.asked[0] == "login"
    assert done.id_token.header["kid"]


@pytest.mark.module("oidcc-alternate-happy-flow", form_post=True)
def test_alternate_happy_flow(rp: RelyingParty) -> None:
    """Neither the order of the scopes nor that of the parameters matters.

    RFC 6749 §3.3.
    """
    request = rp.request(scope="email openid")
    done = rp.sign_in(dict(reversed(request.items())))
    assert "email" in done.userinfo


@pytest.mark.module("oidcc-response-type-missing", form_post=True)
def test_response_type_missing(rp: RelyingParty) -> None:
    """Without response_type nobody is asked to sign in and nothing is issued.

    There is an error page, or invalid_request or unsupported_response_type at the redirect URI.

    RFC 6749 §3.1.1, §4.1.2.1.
    """
    request = rp.request(response_type=None)
    end, _ = rp.visit(request)
    assert not end.asked
    if isinstance(end, Stopped):
        assert 400 <= end.answer.status < 500
        assert end.page.headings
    else:
        error = rp.check_failure(end, request)
        assert error in {"invalid_request", "unsupported_response_type"}


@pytest.mark.module("oidcc-idtoken-signature", form_post=True)
def test_id_token_signature(rp: RelyingParty) -> None:
    """A client that agreed on nothing else gets ID tokens signed with RS256.

    The header's kid names the key.

    OpenID Connect Core §3.1.3.7, §10.1, §15.1; Dynamic Client Registration 1.0 §2.
    """
    done = rp.with_client("default-algorithm").sign_in()
    assert done.id_token.header["alg"] == "RS256"
    assert done.id_token.header["kid"]


@pytest.mark.module("oidcc-idtoken-unsigned", form_post=True)
def test_id_token_unsigned(rp: RelyingParty) -> None:
    """`none` is for providers that list it; one that does not list it signs every ID token.

    OpenID Connect Core §2, §15.1 (support for `none` is optional in the code flow).
    """
    assert "none" not in rp.metadata["id_token_signing_alg_values_supported"]
    done = rp.sign_in()
    assert done.id_token.header["alg"] in rp.metadata["id_token_signing_alg_values_supported"]


def test_a_client_that_wants_unsigned_id_tokens_is_not_registered(
    antin: Provider, tmp_path: Path
) -> None:
    """No registration leads to `alg: none`.

    OpenID Connect Core §2; RFC 8725 §3.2.
    """
    client = replace(antin.clients["main"], client_id="conformance-unsigned", algorithm="none")
    file = write_toml({"unsigned": client}, tmp_path / "unsigned.toml")
    done = run_command(antin, "clients", "import", str(file))
    assert done.returncode != 0
    assert "id_token_signed_response_alg" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.module("oidcc-ensure-request-without-nonce-succeeds-for-code-flow", form_post=True)
def test_no_nonce(rp: RelyingParty) -> None:
    """In the code flow a request without nonce succeeds, and the ID token has none either.

    OpenID Connect Core §3.1.2.1.
    """
    done = rp.sign_in(rp.request(nonce=None))
    assert "nonce" not in done.id_token.claims


@pytest.mark.module("oidcc-ensure-request-with-unknown-parameter-succeeds", form_post=True)
def test_unknown_parameter(rp: RelyingParty) -> None:
    """Parameters that the provider does not know are ignored.

    OpenID Connect Core §3.1.2.1, RFC 6749 §3.1.
    """
    rp.sign_in(rp.request(extra="foobar"))


@pytest.mark.module("oidcc-ensure-request-with-acr-values-succeeds", form_post=True)
def test_acr_values(rp: RelyingParty) -> None:
    """acr_values does not make a request fail; the ID token says which of them was met.

    OpenID Connect Core §3.1.2.1, §5.5.1.1, §15.1.
    """
    wanted = rp.metadata.get("acr_values_supported") or ["1", "2"]
    done = rp.sign_in(rp.request(acr_values=" ".join(wanted)))
    assert done.id_token.claims["acr"] in wanted


@pytest.mark.module("oidcc-ensure-request-with-valid-pkce-succeeds", form_post=True)
def test_valid_pkce(rp: RelyingParty) -> None:
    """A request with an S256 challenge succeeds with its verifier.

    RFC 7636 §4.
    """
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    request = rp.request(code_challenge=challenge, code_challenge_method="S256")
    rp.sign_in(request, code_verifier=verifier)


@pytest.mark.module("oidcc-ensure-post-request-succeeds", form_post=True)
def test_post_request(rp: RelyingParty) -> None:
    """The authorization endpoint takes POST as well.

    OpenID Connect Core §3.1.2.1.
    """
    rp.sign_in(method="POST")


@pytest.mark.module("oidcc-server-client-secret-post", form_post=True)
def test_server_client_secret_post(rp: RelyingParty) -> None:
    """A client registered for it authenticates in the body of the token request.

    OpenID Connect Core §9, RFC 6749 §2.3.1.
    """
    assert "client_secret_post" in rp.metadata["token_endpoint_auth_methods_supported"]
    rp.with_client("post").sign_in()


@pytest.mark.module("oidcc-ensure-registered-redirect-uri", form_post=True)
def test_registered_redirect_uri(rp: RelyingParty) -> None:
    """A redirect URI that is not registered is never redirected to: the person sees an error page.

    OpenID Connect Core §3.1.2.1 (simple string comparison), RFC 6749 §4.1.2.1.
    """
    bad = f"{rp.client.redirect_uri}/{secrets.token_urlsafe(6)}"
    end, _ = rp.visit(rp.request(redirect_uri=bad))
    assert isinstance(end, Stopped)
    assert 400 <= end.answer.status < 500
    assert end.page.headings
    assert not end.asked
    assert bad not in end.answer.text, "the page of an attacker's making links to the attacker"


@pytest.mark.module("oidcc-codereuse", form_post=True)
def test_code_reuse(rp: RelyingParty) -> None:
    """A code that was exchanged is refused with invalid_grant.

    OpenID Connect Core §3.1.3.2, §3.1.3.4; RFC 6749 §4.1.2, §5.2.
    """
    done = rp.sign_in()
    check_token_error(rp.code_request(done.code), error="invalid_grant")


@pytest.mark.module("oidcc-codereuse-30seconds", form_post=True)
def test_code_reuse_after_30_seconds(waiting: Waiting) -> None:
    """Half a minute later the code is still refused, and what it gave is revoked.

    OpenID Connect Core §3.1.3.2; RFC 6749 §4.1.2 (the revocation is a SHOULD).
    """
    rp, done = waiting.relying_party, waiting.sign_in
    waiting.wait()
    assert rp.call_userinfo(done.tokens.access_token).status == 200
    check_token_error(rp.code_request(done.code), error="invalid_grant")
    refused = rp.call_userinfo(done.tokens.access_token)
    assert refused.status == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


@pytest.mark.module("oidcc-refresh-token", form_post=True)
def test_refresh_token(rp: RelyingParty) -> None:
    """A refresh token gives a new access token, with the scope and without.

    The ID token that comes with it is about the same sign-in; another client cannot use it.

    OpenID Connect Core §11, §12.1, §12.2; RFC 6749 §6, §5.2, §A.17.
    """
    assert "refresh_token" in rp.metadata["grant_types_supported"]
    _, refreshed = _sign_in_and_refresh(rp, says_scope=True)
    other = rp.with_client("second")
    _, theirs = _sign_in_and_refresh(other, says_scope=False)
    assert theirs.refresh_token is not None
    stolen = {"grant_type": "refresh_token", "refresh_token": theirs.refresh_token}
    check_token_error(rp.token_request(stolen), error="invalid_grant")
    assert refreshed.access_token != theirs.access_token


def _sign_in_and_refresh(rp: RelyingParty, *, says_scope: bool) -> tuple[Tokens, Tokens]:
    scope = "openid"
    prompt = None
    if "offline_access" in rp.metadata.get("scopes_supported", []):
        scope, prompt = "openid offline_access", "consent"
    done = rp.sign_in(rp.request(scope=scope, prompt=prompt))
    token = done.tokens.refresh_token
    assert token is not None
    assert all(0x20 <= ord(sign) <= 0x7E for sign in token)
    assert len(token) >= 22, "a refresh token has at least 128 bits"
    form = {"grant_type": "refresh_token", "refresh_token": token}
    if says_scope:
        form["scope"] = scope
    refreshed = rp.read_tokens(
        rp.token_request(form), nonce=done.request["nonce"], is_refreshed=True
    )
    assert refreshed.access_token != done.tokens.access_token
    if refreshed.id_token is not None:
        _check_same_sign_in(done.id_token, refreshed.id_token)
    sub = done.id_token.claims["sub"]
    rp.read_userinfo(rp.call_userinfo(refreshed.access_token), sub=sub)
    return done.tokens, refreshed


def _check_same_sign_in(first: Token, second: Token) -> None:
    """What a refreshed ID token keeps: OpenID Connect Core §12.2."""
    for name in ("iss", "sub", "aud"):
        assert second.claims[name] == first.claims[name]
    assert second.claims["iat"] >= first.claims["iat"]
    assert second.claims.get("azp") == first.claims.get("azp")
    if "auth_time" in second.claims:
        assert second.claims["auth_time"] == first.claims.get(
            "auth_time", second.claims["auth_time"]
        )
