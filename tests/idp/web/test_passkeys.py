"""The person's page of passkeys, through HTTP, with an authenticator in software."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from keystore.base64url import from_base64url, to_base64url
from tests.idp.conftest import MakeProvider
from tests.support.authenticator import Authenticator
from tests.support.provider import ISSUER, Provider
from tests.support.provider_browser import Browser, Landing, form_of
from tests.support.provider_seeds import ANH, BINH

_PLACE = "/account/passkeys"
_RP_ID = "dang-nhap.example"


@pytest.fixture
def provider(make_provider: MakeProvider) -> Provider:
    """A deployment that runs an authority."""
    return make_provider(
        pki_organisation="Trung tâm Mẫu",
        pki_organisation_identifier="GOVVN-TEST",
        pki_policy_arc="1.3.6.1.4.1.99999.1",
    )


def _signed_in(browser: Browser) -> Landing:
    """The page, for who has signed in with two factors."""
    return browser.answer_all(browser.get(_PLACE))


def _options(page: str) -> Any:
    found = re.search(r'data-options="([^"]*)"', page)
    assert found is not None
    return json.loads(html.unescape(found[1]))


def _answer(page: str, passkey: Authenticator, **wrong: Any) -> str:
    """What the page's script would fill in."""
    challenge = from_base64url(_options(page)["challenge"].encode())
    client_data, attestation = passkey.register(challenge, **wrong)
    return json.dumps(
        {
            "response": {
                "clientDataJSON": to_base64url(client_data).decode(),
                "attestationObject": to_base64url(attestation).decode(),
                "transports": ["internal"],
            }
        }
    )


def _add(
    browser: Browser,
    page: Landing,
    *,
    name: str = "Điện thoại",
    password: str = ANH.password,
    **wrong: Any,
) -> Landing:
    passkey = Authenticator(rp_id=_RP_ID, origin=ISSUER)
    answer = _answer(page.page, passkey, **wrong)
    fields = {"name": name, "credential": answer, "current_password": password}
    return browser.press(page, "passkey-add", fields)


def test_it_needs_two_factors_and_leads_back(browser: Browser) -> None:
    """Whoever knows a password alone registers nothing."""
    page = _signed_in(browser)
    assert page.place == _PLACE
    assert page.asked == ("login-submit", "otp-submit")
    assert page.shows("passkey-add")
    assert _options(page.page)["rp"]["id"] == _RP_ID


def test_a_passkey_is_added_renamed_and_removed(browser: Browser) -> None:
    page = _add(browser, _signed_in(browser))
    assert page.place == _PLACE
    assert "Điện thoại" in page.page
    page = browser.press(page, "passkey-rename-0", {"name": "Máy tính ở nhà"})
    assert "Máy tính ở nhà" in page.page
    sure = browser.press(page, "passkey-remove-0")
    assert sure.shows("passkey-remove-confirm")
    page = browser.press(sure, "passkey-remove-confirm")
    assert not page.shows("passkey-remove-0")


def test_a_challenge_is_for_one_answer(browser: Browser) -> None:
    """WebAuthn Level 3 §13.4.1."""
    first = _signed_in(browser)
    assert not _add(browser, first).shows("problem")
    again = _add(browser, first)
    assert again.shows("problem")
    assert not again.shows("passkey-remove-1")


@pytest.mark.parametrize("password", ["", "doan-mo-mat-khau"])
def test_a_session_alone_registers_nothing_however_fresh(
    provider: Provider, browser: Browser, password: str
) -> None:
    """OWASP ASVS 7.5.1; a passkey alone is two factors from then on."""
    page = _add(browser, _signed_in(browser), password=password)
    assert page.shows("problem")
    assert provider.services.passkeys.list_of(ANH.account_id) == ()
    assert not _add(browser, page).shows("problem"), "the page has another challenge"


def test_guessing_the_password_beside_a_passkey_ends(provider: Provider, browser: Browser) -> None:
    """NIST SP 800-63B-4 §3.2.2: tries are counted wherever they are made."""
    page = _signed_in(browser)
    for _ in range(20):
        page = _add(browser, page, password="doan-mo-mat-khau")
        if "quá số lần cho phép" in page.page:
            break
    assert "quá số lần cho phép" in page.page
    assert _add(browser, page).shows("problem")
    assert provider.services.passkeys.list_of(ANH.account_id) == ()


def test_an_answer_for_another_origin_is_refused(browser: Browser) -> None:
    page = _add(browser, _signed_in(browser), origin="https://dang-nhap.example.evil")
    assert page.shows("problem")
    assert not page.shows("passkey-remove-0")


def test_without_a_name_the_page_says_so(browser: Browser) -> None:
    page = _add(browser, _signed_in(browser), name=" ")
    assert 'aria-invalid="true"' in page.page


def test_a_form_of_another_site_registers_nothing(provider: Provider, browser: Browser) -> None:
    page = _signed_in(browser)
    action, _fields = form_of(page.page, "passkey-add")
    passkey = Authenticator(rp_id=_RP_ID, origin=ISSUER)
    answer = browser.submit(action, {"name": "x", "credential": _answer(page.page, passkey)})
    assert answer.response.status_code == 403
    assert provider.services.passkeys.list_of(ANH.account_id) == ()


def test_nobody_removes_the_passkey_of_somebody_else(provider: Provider, browser: Browser) -> None:
    own = _add(browser, _signed_in(browser))
    action, _fields = form_of(own.page, "passkey-remove-0")
    stranger = Browser(provider)
    page = stranger.answer_all(stranger.get(_PLACE), who=BINH)
    _action, fields = form_of(page.page, "passkey-add")
    token = {"csrf_token": fields["csrf_token"], "decision": "remove"}
    assert "passkey_gone" in stranger.submit(action, token).place
    assert len(provider.services.passkeys.list_of(ANH.account_id)) == 1


def test_one_that_another_browser_removed_is_told_to_be_gone(
    provider: Provider, browser: Browser
) -> None:
    page = _add(browser, _signed_in(browser))
    other = Browser(provider)
    late = _signed_in(other)
    browser.press(browser.press(page, "passkey-remove-0"), "passkey-remove-confirm")
    for button, typed in (("passkey-remove-0", {}), ("passkey-rename-0", {"name": "Máy"})):
        told = other.press(late, button, typed)
        assert "gỡ ở một trình duyệt khác" in told.page
    assert provider.events().count("account:passkey:removed") == 1


def test_the_last_second_factor_stays_with_whoever_wants_one_always(
    provider: Provider, browser: Browser
) -> None:
    page = _add(browser, _signed_in(browser))
    assert "allAcceptedCredentialIds" in page.page, "devices are told which ones count"
    factors = browser.press(browser.get("/account/factors"), "totp-remove-0")
    browser.press(browser.press(factors, "totp-remove-confirm"), "demand-always")
    asked = browser.press(browser.get(_PLACE), "passkey-remove-0")
    assert asked.shows("passkey-remove-last")
    told = browser.press(asked, "passkey-remove-confirm")
    assert "duy nhất đang dùng được" in told.page
    assert len(provider.services.passkeys.list_of(ANH.account_id)) == 1
