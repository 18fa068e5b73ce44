"""Signing in with a passkey through HTTP: what a portal is told, and what a refusal says."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any

import pytest

from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.passkeys import NewCredential
from idp.ids import SessionId
from keystore.base64url import from_base64url
from tests.support.authenticator import Authenticator
from tests.support.passkey_house import answer_of
from tests.support.provider import ISSUER, Provider, claims_of
from tests.support.provider_browser import VERIFIER, Browser, Landing
from tests.support.provider_seeds import ANH, CHI, Somebody

_RP_ID = "dang-nhap.example"
_PLACE = "/account/passkeys"
_SESSION = SessionId("ses_of_the_test")


def _enrol(provider: Provider, who: Somebody = ANH, **made: Any) -> Authenticator:
    passkey = Authenticator(rp_id=_RP_ID, origin=ISSUER, **made)
    services = provider.services
    account = services.people.find_account(who.account_id)
    assert account is not None
    options = services.passkeys.begin(account, session_id=_SESSION, label="x", now=provider.now)
    challenge = from_base64url(json.loads(options)["challenge"].encode())
    services.passkeys.finish(
        who.account_id,
        session_id=_SESSION,
        new=NewCredential(*passkey.register(challenge)),
        name="Điện thoại",
        now=provider.now,
    )
    return passkey


def _challenge(page: Landing) -> str:
    found = re.search(r'id="passkey-form"[^>]*data-options="([^"]*)"', page.page)
    assert found is not None, page.describe()
    return str(json.loads(html.unescape(found[1]))["challenge"])


def _touch(
    browser: Browser,
    page: Landing,
    passkey: Authenticator,
    *,
    button: str = "login-passkey",
    who: Somebody = ANH,
    **wrong: Any,
) -> Landing:
    """What the page's script does when somebody touches the device."""
    raw = answer_of(passkey, _challenge(page), owner=who.account_id, **wrong)
    return browser.press(page, button, {"credential": raw})


def _claims(provider: Provider, landing: Landing, client_id: str) -> dict[str, Any]:
    answer = provider.exchange(landing.code, client_id=client_id, verifier=VERIFIER)
    return claims_of(answer.get_json()["id_token"])


@pytest.mark.parametrize("is_synced", [False, True])
def test_one_touch_is_level_two_and_the_portal_is_told_how(
    provider: Provider, browser: Browser, *, is_synced: bool
) -> None:
    """RFC 8176 §2; nobody attested hardware, so `hwk` is not said."""
    passkey = _enrol(provider, is_synced=is_synced)
    page = browser.authorize("level2", scope="openid")
    landing = browser.answer_all(_touch(browser, page, passkey))
    assert not {"login-submit", "otp-submit"} & set(landing.asked)
    claims = _claims(provider, landing, "level2")
    assert claims["acr"] == "urn:vn:auth:2"
    assert claims["amr"] == ["pop", *(["swk"] if is_synced else []), "user", "mfa"]
    assert claims["auth_time"] == int(provider.now.timestamp())


def test_a_level_that_a_passkey_does_not_reach_is_not_said(browser: Browser) -> None:
    """NĐ 69/2024 Art. 20: levels 3 and 4 need a biometric that somebody proofed."""
    claim = {"id_token": {"acr": {"essential": True, "value": "urn:vn:auth:3"}}}
    landing = browser.authorize(claims=json.dumps(claim))
    assert landing.error == "unmet_authentication_requirements"


def test_after_the_password_a_passkey_is_the_second_factor(
    provider: Provider, browser: Browser
) -> None:
    passkey = _enrol(provider)
    page = browser.log_in(browser.authorize("level2", scope="openid"))
    assert page.shows("otp-submit")
    landing = browser.answer_all(_touch(browser, page, passkey, button="otp-passkey", flags=0x01))
    claims = _claims(provider, landing, "level2")
    assert (claims["acr"], claims["amr"]) == ("urn:vn:auth:2", ["pwd", "pop", "user", "mfa"])


def test_without_an_authenticator_the_passkey_alone_is_asked_for(
    provider: Provider, browser: Browser
) -> None:
    passkey = _enrol(provider, CHI)
    page = browser.log_in(browser.authorize("level2", scope="openid"), who=CHI)
    assert not page.shows("otp")
    landing = _touch(browser, page, passkey, button="otp-passkey", who=CHI)
    assert browser.answer_all(landing, who=CHI).code


def test_whoever_has_no_passkey_is_not_offered_one_as_second_factor(browser: Browser) -> None:
    page = browser.log_in(browser.authorize("level2", scope="openid"))
    assert page.shows("otp-submit")
    assert not page.shows("otp-passkey")


def test_without_its_user_verified_a_passkey_is_one_factor_and_refused(
    provider: Provider, browser: Browser
) -> None:
    """WebAuthn Level 3 §7.2 step 17."""
    passkey = _enrol(provider)
    page = _touch(browser, browser.authorize("level2"), passkey, flags=0x01)
    assert page.response.status_code == 422
    assert browser.cookie("session") is None


def test_what_was_refused_is_not_asked_for_again_by_itself(
    provider: Provider, browser: Browser
) -> None:
    """A device that answers without being touched would go round for ever."""
    passkey = _enrol(provider)
    page = browser.authorize()
    assert " data-autofill" in page.page
    again = _touch(browser, page, passkey, flags=0x01)
    assert " data-autofill" not in again.page
    assert browser.answer_all(_touch(browser, again, passkey)).code


def test_a_refusal_tells_nothing_of_whether_there_is_an_account(
    provider: Provider, browser: Browser
) -> None:
    """WebAuthn Level 3 §14.6.2: unknown, locked, removed and wrong read alike."""
    passkey = _enrol(provider)
    services = provider.services
    AccountLifecycle(services.database, sealer=services.sealer, log=services.log).lock(
        ANH.account_id, reason="test", now=provider.now
    )
    stranger = Authenticator(rp_id=_RP_ID, origin=ISSUER)
    pages = [
        _touch(browser, browser.authorize(), one, **wrong)
        for one, wrong in (
            (passkey, {}),
            (stranger, {}),
            (passkey, {"origin": "https://dang-nhap.example.evil"}),
        )
    ]
    assert {page.response.status_code for page in pages} == {422}
    said = {re.sub(r'(?s)value="[^"]*"|data-options="[^"]*"|int_\w+', "", p.page) for p in pages}
    assert len(said) == 1
    assert browser.cookie("session") is None


def test_the_answer_of_one_browser_signs_in_no_other(provider: Provider, browser: Browser) -> None:
    """WebAuthn Level 3 §7.2 step 12: who relays the question gets nothing for the answer."""
    passkey = _enrol(provider)
    theirs, mine = browser.authorize(), Browser(provider)
    raw = answer_of(passkey, _challenge(theirs), owner=ANH.account_id)
    page = mine.press(mine.authorize(), "login-passkey", {"credential": raw})
    assert page.response.status_code == 422
    assert mine.cookie("session") is None


def test_a_form_of_another_site_is_no_answer(provider: Provider, browser: Browser) -> None:
    """RFC 9700 §4.7."""
    passkey = _enrol(provider)
    page = browser.authorize()
    raw = answer_of(passkey, _challenge(page), owner=ANH.account_id)
    answer = browser.submit(f"{page.place}/passkey", {"credential": raw})
    assert answer.response.status_code == 403


def test_without_scripts_the_page_is_as_it_was(browser: Browser) -> None:
    page = browser.authorize()
    form = re.search(r'<form id="passkey-form"[^>]*>', page.page)
    assert form is not None
    assert form[0].endswith(" hidden>")
    assert browser.answer_all(page).code


def test_prompt_login_is_answered_by_a_passkey_too(provider: Provider, browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1 prompt=login; nothing from before counts."""
    passkey = _enrol(provider)
    browser.tokens("level2", scope="openid")
    page = browser.authorize("level2", scope="openid", prompt="login")
    assert page.shows("login-passkey")
    assert _touch(browser, page, passkey).code


def test_the_passkey_of_somebody_else_ends_the_session_before(
    provider: Provider, browser: Browser
) -> None:
    passkey = _enrol(provider, CHI)
    browser.tokens("level2", scope="openid")
    before = browser.cookie("session")
    page = browser.authorize("level2", scope="openid", prompt="login")
    landing = browser.answer_all(_touch(browser, page, passkey, who=CHI), who=CHI)
    assert landing.code
    assert browser.cookie("session") != before


def test_passkeys_are_kept_where_nothing_is_signed(provider: Provider, browser: Browser) -> None:
    """Where there is no authority signing in is all that they are for."""
    _enrol(provider)
    page = browser.answer_all(browser.get(_PLACE))
    assert "để ký" not in page.page
    assert "xác nhận khi ký" not in page.page
    gone = browser.press(browser.press(page, "passkey-remove-0"), "passkey-remove-confirm")
    assert not gone.shows("passkey-remove-0")


def test_a_browser_that_was_left_open_changes_no_passkey(
    provider: Provider, browser: Browser
) -> None:
    """Every change of a factor needs a sign-in with two that is not old."""
    _enrol(provider)
    page = browser.answer_all(browser.get(_PLACE))
    provider.clock.advance(minutes=21)
    assert browser.press(page, "passkey-remove-0").shows("login-submit")
    again = browser.answer_all(browser.get(_PLACE))
    assert again.asked == ("login-submit", "otp-submit")
    assert len(provider.services.passkeys.list_of(ANH.account_id)) == 1
    provider.clock.now += timedelta(minutes=9)
    assert browser.get(_PLACE).shows("passkey-remove-0")
