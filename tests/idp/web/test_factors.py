"""Second factors on the person's own pages and on the way to a portal, through HTTP."""

from __future__ import annotations

import re

import pyotp
import pytest

from idp.accounts.activation import issue_activation_code
from idp.accounts.identifiers import ParsedIdentifier
from idp.accounts.model import IdentifierKind
from idp.ids import AccountId
from tests.support.provider import Provider, claims_of
from tests.support.provider_browser import VERIFIER, Browser, Landing, form_of
from tests.support.provider_seeds import ANH, CHI, Somebody
from tests.support.sent_messages import messages_of, notices_of

_PLACE = "/account/factors"
_CONTACTS = "/account/contacts"
_NEW_PHONE = "+84900000027"


def _open(browser: Browser, place: str = _PLACE, who: Somebody = ANH) -> Landing:
    return browser.answer_all(browser.get(place), who=who)


def _sent(provider: Provider) -> str:
    """The code in the newest message."""
    services = provider.services
    return messages_of(services.database, services.sealer)[-1].facts["code"]


def _told(provider: Provider) -> list[str]:
    """What was told, but for that somebody signed in somewhere."""
    return [one for one in notices_of(provider.services.database) if one != "new_device"]


def _token(provider: Provider, browser: Browser, place: str) -> str:
    """What a page would have put into its form for this very session."""
    from idp.web.cookies import Cookies  # noqa: PLC0415 - the tests of thieves look behind a page

    with provider.app.test_request_context(
        headers={"Cookie": f"__Host-antin_session={browser.cookie('session')}"}
    ):
        return Cookies(provider.services).csrf_token(browser.cookie("browser") or "", place=place)


@pytest.fixture
def by_email(browser: Browser) -> Browser:
    """Somebody who has switched on codes by e-mail."""
    page = _open(browser)
    answer = browser.press(page, "factor-email")
    assert "told=changed" in answer.place
    return browser


def _at_codes(provider: Provider, way: str = "email") -> tuple[Browser, Landing]:
    """Another browser, on the page of the code of a way."""
    browser = Browser(provider)
    page = browser.log_in(browser.authorize("level2"))
    return browser, browser.press(page, f"otp-way-{way}")


def test_a_code_by_email_is_a_second_factor_at_a_portal(
    provider: Provider, by_email: Browser
) -> None:
    """RFC 8176 §2; the level is two, with the password and never without."""
    browser, page = _at_codes(provider)
    assert "Tuyệt đối không cung cấp mã này" in page.page
    assert page.shows("otp-way-app")
    landing = browser.press(page, "otp-submit", {"otp": _sent(provider)})
    landing = browser.answer_all(landing)
    token = provider.exchange(landing.code, client_id="level2", verifier=VERIFIER).get_json()
    claims = claims_of(token["id_token"])
    assert claims["acr"] == "urn:vn:auth:2"
    assert set(claims["amr"]) == {"pwd", "otp", "mfa"}
    contact = _open(by_email).page
    assert "Ngày dùng gần nhất" in contact


def test_the_code_that_was_sent_works_once_and_for_this_sign_in_alone(
    provider: Provider, by_email: Browser
) -> None:
    browser, page = _at_codes(provider)
    code = _sent(provider)
    provider.clock.advance(seconds=61)
    other, other_page = _at_codes(provider)
    wrong = other.press(other_page, "otp-submit", {"otp": code})
    assert wrong.response.status_code == 422
    assert "Mã xác thực không đúng" in wrong.page
    assert browser.answer_all(browser.press(page, "otp-submit", {"otp": code})).url is not None
    again = other.press(other_page, "otp-submit", {"otp": code})
    assert again.response.status_code == 422


def test_a_late_code_is_told_to_be_late_and_another_one_is_sent(
    provider: Provider, by_email: Browser
) -> None:
    browser, page = _at_codes(provider)
    assert "Có thể gửi lại mã sau 60 giây" in page.page
    early = browser.press(page, "otp-resend")
    assert "Chưa gửi được mã mới" in early.page
    late = _sent(provider)
    provider.clock.advance(seconds=301)
    answer = browser.press(page, "otp-submit", {"otp": late})
    assert "đã hết hiệu lực" in answer.page
    page = browser.press(answer, "otp-resend")
    assert (
        browser.answer_all(browser.press(page, "otp-submit", {"otp": _sent(provider)})).url
        is not None
    )


def test_ways_that_the_person_does_not_have_are_neither_offered_nor_taken(
    provider: Provider, browser: Browser
) -> None:
    page = browser.log_in(browser.authorize("level2"))
    for way in ("sms", "email", "recovery"):
        assert not page.shows(f"otp-way-{way}")
        action, fields = form_of(page.page, "otp-submit")
        form = {**fields, "way": way, "otp": "123456"}
        assert browser.submit(action, form).shows("otp-submit")
        assert browser.submit(f"{action}-way", {**fields, "way": way}).shows("otp-submit")
    assert messages_of(provider.services.database, provider.services.sealer) == []


def test_a_stolen_password_alone_adds_and_changes_nothing(
    provider: Provider, browser: Browser
) -> None:
    """Decision 10: whoever has a second factor is asked for it; who has none cannot make one."""
    for who, asks in ((ANH, "otp-submit"), (CHI, "activation-submit")):
        thief = Browser(provider)
        thief.log_in(thief.get("/account"), who=who)
        for path, form in (
            ("/apps", {"name": "Của tôi"}),
            ("/by-message", {"channel": "email", "decision": "on"}),
            ("/recovery-codes", {}),
            ("/demand", {"decision": "always"}),
        ):
            token = _token(provider, thief, _PLACE)
            answer = thief.submit(f"{_PLACE}{path}", {**form, "csrf_token": token})
            assert answer.shows(asks), answer.describe()
    events = provider.events()
    assert not [one for one in events if one.startswith(("account:totp:", "account:contact:"))]
    assert _told(provider) == []


def test_a_stolen_session_alone_adds_and_changes_nothing(
    provider: Provider, browser: Browser
) -> None:
    """OWASP ASVS 7.5.1: both factors, and not long ago."""
    page, contacts = _open(browser), _open(browser, _CONTACTS)
    provider.clock.advance(seconds=1201)
    for button, typed, landing in (
        ("totp-add", {"name": "Của tôi"}, page),
        ("factor-email", {}, page),
        ("recovery-make", {}, page),
        ("demand-always", {}, page),
        ("totp-remove-0", {}, page),
        ("contact-send-sms", {"phone": _NEW_PHONE}, contacts),
    ):
        assert browser.press(landing, button, typed).shows("login-submit"), button
    assert _told(provider) == []


def test_another_app_is_added_named_and_removed(provider: Provider, browser: Browser) -> None:
    page = browser.press(_open(browser), "totp-add", {"name": "Máy tính bảng"})
    secret = re.search(r'id="totp-secret">([A-Z2-7 ]+)<', page.page)
    assert secret is not None
    code = pyotp.TOTP(secret[1].replace(" ", "")).at(provider.now)
    wrong = browser.press(page, "totp-enrol-submit", {"otp": f"{(int(code) + 1) % 10**6:06d}"})
    assert wrong.response.status_code == 422
    page = browser.press(wrong, "totp-enrol-submit", {"otp": code})
    assert page.place == f"{_PLACE}?told=added"
    assert "Máy tính bảng" in page.page
    page = browser.press(page, "totp-rename-1", {"name": "Máy cũ"})
    assert "Máy cũ" in page.page
    page = browser.press(page, "totp-remove-1")
    assert not page.shows("totp-remove-last")
    page = browser.press(page, "totp-remove-confirm")
    assert "Máy cũ" not in page.page
    assert _told(provider) == ["totp_enrolled", "totp_removed"]


def test_the_last_factor_goes_with_a_clear_sentence_or_not_at_all(
    provider: Provider, browser: Browser
) -> None:
    page = browser.press(_open(browser), "demand-always")
    asked = browser.press(page, "totp-remove-0")
    assert asked.shows("totp-remove-last")
    refused = browser.press(asked, "totp-remove-confirm")
    assert "duy nhất đang dùng được" in refused.page
    page = browser.press(refused, "demand-always")
    page = browser.press(browser.press(page, "totp-remove-0"), "totp-remove-confirm")
    assert "Đã gỡ ứng dụng xác thực" in browser.get(f"{_PLACE}?told=removed").page
    again = Browser(provider)
    assert again.log_in(again.authorize("level2")).shows("activation-submit")


def test_of_two_browsers_that_remove_the_same_app_the_later_is_told(
    provider: Provider, browser: Browser
) -> None:
    page = _open(browser)
    other = Browser(provider)
    late = _open(other)
    browser.press(browser.press(page, "totp-remove-0"), "totp-remove-confirm")
    told = other.press(late, "totp-remove-0")
    assert "problem=gone" in told.place
    assert provider.events().count("account:totp:removed") == 1


def test_a_recovery_code_lets_back_in_to_bind_another_app_and_no_further(
    provider: Provider, browser: Browser
) -> None:
    """Decision 10; NIST SP 800-63B-4 §4.2: recovery is told, and hands over no signer."""
    made = browser.press(_open(browser), "recovery-make")
    codes = re.findall(r"<code>([0-9A-Z-]{14})</code>", made.page)
    assert len(codes) == 10
    lost, page = _at_codes(provider, "recovery")
    wrong = lost.press(page, "otp-submit", {"otp": "0000-0000-0000"})
    assert "Mã khôi phục không đúng" in wrong.page
    page = lost.press(wrong, "otp-submit", {"otp": codes[0]})
    assert page.place == _PLACE
    assert page.shows("factors-recovering")
    assert not page.shows("totp-remove-0")
    assert lost.authorize("level2").shows("otp-submit"), "no portal gets level 2 by it"
    assert lost.get(_CONTACTS).shows("otp-submit"), "no address is changed by it"
    account = provider.services.people.find_account(_id_of(provider))
    assert account is not None
    assert account.level == 1
    page = lost.press(lost.get(_PLACE), "totp-add", {"name": "Điện thoại mới"})
    secret = re.search(r'id="totp-secret">([A-Z2-7 ]+)<', page.page)
    assert secret is not None
    code = pyotp.TOTP(secret[1].replace(" ", "")).at(provider.now)
    page = lost.press(page, "totp-enrol-submit", {"otp": code})
    assert page.shows("totp-remove-0"), "the new app was used: both factors are there"
    again, page = _at_codes(provider, "recovery")
    assert again.press(page, "otp-submit", {"otp": codes[0]}).response.status_code == 422
    assert {"recovery_codes_made", "recovery_code_used", "level_capped"} <= set(_told(provider))


def _id_of(provider: Provider) -> AccountId:
    found = provider.services.people.find_by_identifier(
        ParsedIdentifier(IdentifierKind.PERSONAL_ID_NUMBER, ANH.identifier)
    )
    assert found is not None
    return found.account_id


def test_an_address_changes_once_its_code_was_typed(provider: Provider, browser: Browser) -> None:
    page = _open(browser, _CONTACTS)
    assert ANH.identifier not in page.page
    bad = browser.press(page, "contact-send-sms", {"phone": "12"})
    assert (bad.response.status_code, 'aria-invalid="true"' in bad.page) == (422, True)
    page = browser.press(bad, "contact-send-sms", {"phone": _NEW_PHONE})
    assert "•••027" in page.page
    code = _sent(provider)
    wrong = browser.press(page, "contact-confirm-sms", {"otp": f"{(int(code) + 1) % 10**6:06d}"})
    assert "Còn 4 lần thử" in wrong.page
    page = browser.press(wrong, "contact-confirm-sms", {"otp": code})
    assert page.place == f"{_CONTACTS}?told=sms"
    assert _told(provider) == ["contact_changed"]
    assert _NEW_PHONE not in page.page
    page = browser.press(_open(browser), "factor-sms")
    assert "Từ " in page.page, "a new number waits"
    other = Browser(provider)
    assert not other.log_in(other.authorize("level2")).shows("otp-way-sms")


def test_of_two_browsers_that_change_an_address_the_later_is_told(
    provider: Provider, browser: Browser
) -> None:
    page = _open(browser, _CONTACTS)
    other = Browser(provider)
    late = _open(other, _CONTACTS)
    page = browser.press(page, "contact-send-sms", {"phone": _NEW_PHONE})
    first = _sent(provider)
    provider.clock.advance(seconds=1)
    late = other.press(late, "contact-send-sms", {"phone": "+84900000036"})
    second = _sent(provider)
    browser.press(page, "contact-confirm-sms", {"otp": first})
    told = other.press(late, "contact-confirm-sms", {"otp": second})
    assert "thay đổi ở một trình duyệt khác" in told.page
    assert "•••027" in told.page
    assert provider.events().count("account:contact:changed") == 1


def test_who_has_no_second_factor_changes_an_address_with_a_fresh_password(
    provider: Provider, browser: Browser
) -> None:
    page = _open(browser, _CONTACTS, CHI)
    page = browser.press(page, "contact-send-sms", {"phone": _NEW_PHONE})
    page = browser.press(page, "contact-confirm-sms", {"otp": _sent(provider)})
    assert page.place == f"{_CONTACTS}?told=sms"
    assert not _open(browser, _PLACE, CHI).shows("factor-sms")
    provider.clock.advance(seconds=1201)
    assert browser.get(_CONTACTS).shows("login-submit")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_who_holds_an_activation_code_finds_the_way_to_the_first_app(
    provider: Provider, browser: Browser, language: str
) -> None:
    """Signed in with a password alone: the code is asked for, and the page shows the app."""
    page = _open(browser, who=CHI)
    words = {"vi": "Tôi có mã kích hoạt", "en": "I have an activation code"}
    assert words[language] in browser.get(f"{_PLACE}?lang={language}").page
    way = re.search(r'id="factors-activate"[^>]* href="([^"]+)"', page.page)
    assert way is not None
    page = browser.get(way[1])
    assert page.shows("activation-submit")
    assert not page.shows("login-submit"), "the password was given just now"
    services = provider.services
    code = issue_activation_code(
        services.database,
        CHI.account_id,
        sealer=services.sealer,
        log=services.log,
        now=provider.now,
    )
    page = browser.press(page, "activation-submit", {"activation_code": code})
    secret = re.search(r">\s*((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})\s*<", page.page)
    assert secret is not None
    first = pyotp.TOTP(secret[1].replace(" ", "")).at(provider.now)
    page = browser.press(page, "totp-enrol-submit", {"otp": first})
    assert page.place == _PLACE
    assert page.shows("totp-add")
    assert not page.shows("factors-activate")


def test_a_taken_over_mailbox_beside_a_password_binds_nothing(
    provider: Provider, by_email: Browser
) -> None:
    """What is bound with a code by message could sign documents three days later."""
    thief, page = _at_codes(provider)
    thief.answer_all(thief.press(page, "otp-submit", {"otp": _sent(provider)}))
    page = thief.get(_PLACE)
    assert page.shows("factors-by-message")
    assert not page.shows("totp-add")
    for path, form in (
        ("/apps", {"name": "Của tôi"}),
        ("/recovery-codes", {}),
        ("/demand", {"decision": "always"}),
        ("/by-message", {"channel": "email", "decision": "on"}),
    ):
        token = _token(provider, thief, _PLACE)
        answer = thief.submit(f"{_PLACE}{path}", {**form, "csrf_token": token})
        assert answer.shows("factors-by-message"), answer.describe()
    assert thief.get(_CONTACTS).shows("factors-by-message")
    assert thief.get("/account/passkeys").shows("factors-by-message")
    assert _told(provider) == ["second_factor_changed"], "by its owner, when it was switched on"
    page = thief.press(page, "factor-email")
    assert "told=changed" in page.place, "switching it off is always open"


def test_who_came_by_message_gives_the_other_factor_and_goes_on(
    provider: Provider, by_email: Browser
) -> None:
    browser, page = _at_codes(provider)
    browser.answer_all(browser.press(page, "otp-submit", {"otp": _sent(provider)}))
    provider.clock.advance(seconds=1)
    page = browser.answer_all(browser.get(f"{_PLACE}/sign-in"))
    assert page.asked == ("login-submit", "otp-submit")
    assert page.shows("totp-add")


def test_a_form_of_another_site_changes_nothing(provider: Provider, browser: Browser) -> None:
    _open(browser)
    for path in (f"{_PLACE}/demand", f"{_PLACE}/apps", f"{_CONTACTS}/sms/change"):
        assert browser.submit(path, {"decision": "always"}).response.status_code == 403
    assert _told(provider) == []
