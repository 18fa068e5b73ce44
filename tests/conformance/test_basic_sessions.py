"""Basic plan: who is signed in, since when, and what a request may say about that."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest

from tests.relying_party.flow import USER_INTERFACE_NEEDED, RelyingParty, SignIn
from tests.relying_party.tokens import SKEW_S


def _check_same_sign_in(first: SignIn, second: SignIn) -> None:
    """Nobody was asked to sign in again, and both ID tokens are about one authentication (§2)."""
    assert "login" not in second.asked
    assert second.id_token.claims["sub"] == first.id_token.claims["sub"]
    if "auth_time" in first.id_token.claims and "auth_time" in second.id_token.claims:
        assert second.id_token.claims["auth_time"] == first.id_token.claims["auth_time"]


def _wait_for_a_later_second() -> None:
    """auth_time counts in seconds: two sign-ins differ only in different ones."""
    now = int(time.time())
    while int(time.time()) <= now:
        time.sleep(0.02)


@pytest.mark.module("oidcc-prompt-login", form_post=True)
def test_prompt_login(rp: RelyingParty) -> None:
    """With prompt=login a person who is signed in signs in again; auth_time moves.

    OpenID Connect Core §3.1.2.1, §15.1.
    """
    first = rp.sign_in()
    _wait_for_a_later_second()
    second = rp.sign_in(rp.request(prompt="login"))
    assert "login" in second.asked
    assert second.id_token.claims["sub"] == first.id_token.claims["sub"]
    if "auth_time" in first.id_token.claims and "auth_time" in second.id_token.claims:
        assert second.id_token.claims["auth_time"] > first.id_token.claims["auth_time"]


@pytest.mark.module("oidcc-prompt-none-not-logged-in", form_post=True)
def test_prompt_none_not_logged_in(rp: RelyingParty) -> None:
    """With prompt=none and nobody signed in the error comes back at once, and a long state whole.

    OpenID Connect Core §3.1.2.1, §3.1.2.6.
    """
    request = rp.request(prompt="none", state="s" * 128)
    arrival, _ = rp.arrive(request)
    assert rp.check_failure(arrival, request) in USER_INTERFACE_NEEDED
    assert not arrival.asked


@pytest.mark.module("oidcc-prompt-none-logged-in", form_post=True)
def test_prompt_none_logged_in(rp: RelyingParty) -> None:
    """With prompt=none somebody who is signed in is sent back without a page.

    OpenID Connect Core §3.1.2.1, §15.1.
    """
    first = rp.sign_in()
    second = rp.sign_in(rp.request(prompt="none"))
    assert not second.asked
    _check_same_sign_in(first, second)


@pytest.mark.module("oidcc-max-age-1", form_post=True)
def test_max_age_1(rp: RelyingParty) -> None:
    """More than a second later, max_age=1 makes the person sign in again.

    auth_time is there, later than before and recent.

    OpenID Connect Core §2, §3.1.2.1, §15.1.
    """
    first = rp.sign_in()
    time.sleep(2.1)
    asked_at = time.time()
    second = rp.sign_in(rp.request(max_age="1"))
    assert "login" in second.asked
    auth_time = second.id_token.claims["auth_time"]
    assert auth_time >= int(asked_at)
    assert auth_time < time.time() + SKEW_S
    assert auth_time > first.id_token.claims.get("auth_time", 0)


@pytest.mark.module("oidcc-max-age-10000", form_post=True)
def test_max_age_10000(rp: RelyingParty) -> None:
    """A max_age that the session is within asks for nothing; auth_time is there and stays.

    OpenID Connect Core §2, §3.1.2.1, §15.1.
    """
    first = rp.sign_in(rp.request(max_age="15000"))
    assert isinstance(first.id_token.claims["auth_time"], int)
    second = rp.sign_in(rp.request(max_age="10000"))
    assert isinstance(second.id_token.claims["auth_time"], int)
    _check_same_sign_in(first, second)


@pytest.mark.module("oidcc-id-token-hint", form_post=True)
def test_id_token_hint(rp: RelyingParty) -> None:
    """The ID token of the person who is signed in, as a hint with prompt=none, succeeds silently.

    OpenID Connect Core §3.1.2.1, §3.1.2.2.
    """
    first = rp.sign_in()
    second = rp.sign_in(rp.request(prompt="none", id_token_hint=first.id_token.raw))
    assert not second.asked
    _check_same_sign_in(first, second)


@pytest.mark.module("oidcc-login-hint", form_post=True)
def test_login_hint(rp: RelyingParty) -> None:
    """A login_hint that the provider cannot use does not make a request fail.

    OpenID Connect Core §3.1.2.1.
    """
    done = rp.sign_in(rp.request(login_hint=f"buffy@{urlsplit(rp.provider.issuer).hostname}"))
    assert "login" in done.asked


@pytest.mark.module("oidcc-ui-locales", form_post=True)
def test_ui_locales(rp: RelyingParty) -> None:
    """ui_locales does not make a request fail; a language that is listed is the page's.

    OpenID Connect Core §3.1.2.1, §15.1.
    """
    listed = rp.metadata.get("ui_locales_supported", [])
    # Not the first one: that may be what everybody gets.
    wanted = listed[-1] if listed else "se"
    done = rp.sign_in(rp.request(ui_locales=f"se {wanted}"))
    if listed:
        assert done.login_languages == (wanted,)


@pytest.mark.module("oidcc-display-page", form_post=True)
def test_display_page(rp: RelyingParty) -> None:
    """display=page shows the ordinary page.

    OpenID Connect Core §3.1.2.1, §15.1.
    """
    done = rp.sign_in(rp.request(display="page"))
    assert "login" in done.asked


@pytest.mark.module("oidcc-display-popup", form_post=True)
def test_display_popup(rp: RelyingParty) -> None:
    """display=popup does not make a request fail.

    OpenID Connect Core §3.1.2.1, §15.1.
    """
    done = rp.sign_in(rp.request(display="popup"))
    assert "login" in done.asked
