"""With one thing of somebody's nobody reaches level 2 or a signature, whatever is tried with it.

Each test steals one thing, tries what it opens, and asks what was reached.
Source: architecture, decisions 10 and 11; NIST SP 800-63B-4 §4.2, §4.6.
"""

from __future__ import annotations

from datetime import timedelta

from idp.accounts.model import AccountLevel
from idp.accounts.notices import Notice
from idp.accounts.official_duties import Duty
from idp.model import Factor
from idp.sessions import open_session, prove_factor
from tests.support.provider import ISSUER
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH, CHI
from tests.support.reset_hands import NEW
from tests.support.sent_messages import notices_of
from tests.support.thief import Thief

FACTOR_PAGES = (
    "/account/passkeys",
    "/account/password",
    "/account/factors",
    "/account/contacts",
)
CHANGES = ("password-change", "passkey-add", "totp-add", "recovery-make", "contact-send-email")


def _give_session(thief: Thief, *factors: Factor) -> None:
    """Put a copy of Anh's session cookie into the thief's browser."""
    now, sessions = thief.provider.now, thief.provider.services.sessions
    opened = open_session(ANH.account_id, factor=factors[0], now=now, lifetime=timedelta(hours=8))
    for factor in factors[1:]:
        proven = prove_factor(opened.session, factor=factor, now=now)
        opened = type(opened)(proven.session, proven.token)
    assert sessions.store_alone(opened, now=now)
    domain = ISSUER.removeprefix("https://")
    thief.browser.http.set_cookie("__Host-antin_session", opened.token, domain=domain, secure=True)


def _changes_nothing(browser: Browser) -> None:
    for path in FACTOR_PAGES:
        page = browser.get(path)
        assert not [one for one in CHANGES if page.shows(one)], path


def test_the_owner_reaches_both(thief: Thief) -> None:
    """What is tried below does come to something for whoever has everything."""
    thief.browser.sign_in("level2")
    assert thief.reached() == "level two"
    thief.guesses = ("246810",)
    assert thief.reached() == "signature"


def test_a_stolen_password_alone(thief: Thief) -> None:
    """It signs in at level 1; no factor is enrolled with it, nothing is changed."""
    browser = thief.browser
    assert browser.log_in(browser.get("/account")).shows("account-logout")
    for page in FACTOR_PAGES:
        assert browser.get(page).shows("otp-submit"), page
    asked = browser.authorize("level2")
    assert asked.shows("otp-submit")
    assert not asked.shows("activation-submit")
    thief.hands.ask(browser)  # the reset takes what is in Anh's mail
    assert thief.reached() == ""
    assert not {"account:passkey:added", "account:totp:enrolled", "account:password:changed"} & set(
        thief.provider.events()
    )


def test_a_stolen_password_of_somebody_without_a_second_factor(thief: Thief) -> None:
    """The first second factor takes an activation code, never the password."""
    browser = thief.browser
    browser.log_in(browser.get("/account"), who=CHI)
    page = browser.authorize("level2")
    assert page.shows("activation-submit")
    page = browser.press(page, "activation-submit", {"activation_code": "ABCD-EFGH-JKMN"})
    assert page.shows("problem")
    page = browser.get("/account/passkeys")
    assert not page.shows("passkey-add"), "a first passkey is no way around proofing"
    page = browser.get("/account/factors")
    for button in ("totp-add", "recovery-make", "factor-email", "factor-sms"):
        if page.shows(button):
            browser.press(page, button, {"name": "x"})
    said = browser.get("/account/factors")
    assert not said.shows("totp-remove-0")
    assert not browser.authorize("level2").shows("otp-submit"), "there is no second factor"
    assert not {"account:passkey:added", "account:totp:enrolled"} & set(thief.provider.events())


def test_a_stolen_session_of_level_one_alone(thief: Thief) -> None:
    _give_session(thief, Factor.PASSWORD)
    browser = thief.browser
    assert browser.get("/account").shows("account-logout")
    _changes_nothing(browser)
    assert thief.reached() == ""


def test_a_stolen_session_of_level_two_alone(thief: Thief) -> None:
    """It lasts until somebody ends it; nothing is signed or changed with it, and nothing stays."""
    _give_session(thief, Factor.PASSWORD, Factor.OTP)
    browser, provider = thief.browser, thief.provider
    page = browser.get("/account/password")
    for guess in ("", "doan-mo"):
        typed = {"current_password": guess, "new_password": NEW, "new_password_again": NEW}
        page = browser.press(page, "password-change", typed)
    assert page.shows("problem"), "a session that is ever so fresh knows no password"
    for guess, said in (("", "current_missing"), ("doan-mo", "current_wrong")):
        typed = {"name": "x", "credential": "{}", "current_password": guess}
        page = browser.press(browser.get("/account/passkeys"), "passkey-add", typed)
        assert page.place.endswith(f"problem=passkey_{said}"), "nor becomes a passkey without it"
    provider.clock.advance(minutes=11)
    _changes_nothing(browser)
    owner = Browser(provider)
    owner.answer_all(owner.get("/account/sessions"))
    owner.press(owner.get("/account/sessions"), "sessions-end-others")
    assert not browser.get("/").shows("home-account")
    assert thief.reached() == ""
    assert thief.hands.can_sign_in(ANH.password)


def test_a_stolen_telephone_number_alone(thief: Thief) -> None:
    """One code, read on the stolen number; there is no second."""
    thief.hands.verify_phone()
    browser, hands = thief.browser, thief.hands
    page = hands.ask(browser, way="sms_code")
    code = hands.deliver()[-1].facts["code"]
    page = browser.press(page, "reset-code-submit", {"otp": code})
    assert page.shows("reset-app-submit")
    guessed = browser.press(page, "reset-app-submit", {"otp": "000000"})
    browser.press(guessed, "reset-other-send")  # that goes to Anh's mail
    page = browser.get(page.place)
    again = browser.press(page, "reset-other-submit", {"otp": code})
    assert not again.shows("reset-password-submit")
    assert thief.reached() == ""
    assert hands.can_sign_in(ANH.password)
    assert "recovery_asked" in notices_of(thief.provider.services.database), "Anh was told"


def test_a_stolen_mailbox_alone(thief: Thief) -> None:
    """Link, code and the notices: none of them opens anything, one of them locks."""
    thief.hands.verify_phone()
    browser, hands = thief.browser, thief.hands
    page = hands.first_by_link(browser)
    browser.press(page, "reset-other-send")  # that goes to Anh's telephone
    page = browser.get(page.place)
    for button, typed in (
        ("reset-app-submit", {"otp": "000000"}),
        ("reset-other-submit", {"otp": "00000000"}),
        ("reset-activation-submit", {"activation_code": "ABCD-EFGH-JKMN"}),
    ):
        answer = browser.press(page, button, typed)
        assert answer.shows("problem"), button
        assert not browser.get(page.place).shows("reset-password-submit"), button
    assert thief.reached() == ""
    assert hands.can_sign_in(ANH.password)


def test_a_stolen_mailbox_when_the_owner_resets_the_password(thief: Thief) -> None:
    """The link in the notice locks and signs nobody in: the most that a mailbox can do."""
    owner = Browser(thief.provider)
    thief.hands.choose(owner, thief.hands.both(owner))
    place = thief.hands.told(Notice.PASSWORD_RESET)["stop_path"]
    assert thief.press_all(place, "stop-confirm") is not None
    assert not thief.browser.get("/account").shows("account-logout")
    assert thief.reached() == ""
    assert not thief.hands.can_sign_in(NEW), "locked, until an official unlocks it"


def test_an_intercepted_reset_link(thief: Thief) -> None:
    """Anh asks, somebody else opens the link first; it stays Anh's."""
    owner = Browser(thief.provider)
    thief.hands.ask(owner)
    link = thief.hands.link()
    browser = thief.browser
    browser.get("/forgot")
    assert browser.get(link).response.status_code == 403
    attempt = link.rpartition("/")[2].partition(".")[0]
    assert browser.get(f"/forgot/{attempt}").response.status_code == 403
    assert "account:recovery:asked" not in thief.provider.events()
    assert thief.reached() == ""
    page = owner.press(owner.get(link), "reset-link-submit")
    assert page.shows("reset-app-submit")


def test_a_link_that_a_thief_has_sent_to_the_owner(thief: Thief) -> None:
    """The thief asks, and Anh opens what came: it proves nothing for the thief."""
    page = thief.hands.ask(thief.browser)
    owner = Browser(thief.provider)
    owner.get("/forgot")
    opened = owner.get(thief.hands.link())
    assert opened.response.status_code == 403
    assert not opened.shows("reset-link-submit")
    assert not thief.browser.get(page.place).shows("reset-app-submit")
    assert thief.reached() == ""


def test_a_helpdesk_official_alone(thief: Thief) -> None:
    """Looks up, locks and asks for an invitation; a second official has to confirm that."""
    provider = thief.provider
    provider.services.desks.officials.add(
        BINH.account_id, duty=Duty.HELPDESK, controller_id="agency", now=provider.now
    )
    official = Browser(provider)
    desk = official.answer_all(official.get("/helpdesk"), who=BINH)
    person = official.press(desk, "helpdesk-find", {"identifier": ANH.identifier})
    asked = official.press(person, "helpdesk-invite", {"reason": "lost_device"})
    assert not asked.shows("helpdesk-confirm")
    provider.clock.advance(days=4)
    thief.browser.log_in(thief.browser.get("/account/invitations"))  # with Anh's password, too
    assert not thief.browser.get("/account/invitations").shows("invitation-take-0")
    assert thief.reached() == ""


def test_two_stolen_things_reset_the_password_and_still_sign_nothing(thief: Thief) -> None:
    """Whoever proves twice is in; as what, portals are told: level 1, and no signature."""
    browser, provider = thief.browser, thief.provider
    thief.hands.choose(browser, thief.hands.both(browser))
    page = browser.log_in(browser.get("/account"), password=NEW)
    assert page.shows("account-logout")
    sign = browser.get("/sign/" + thief.request.request_id)
    assert not sign.shows("sign-confirm")
    if sign.shows("sign-open"):
        assert not browser.press(sign, "sign-open").shows("sign-confirm")
    assert thief.desk.state(thief.request) == "waiting"
    refused = browser.authorize("known")
    assert refused.url is None
    found = provider.services.people.find_account(ANH.account_id)
    assert found is not None
    assert found.level is AccountLevel.ONE
    told = notices_of(provider.services.database)
    assert {"recovery_asked", "password_reset", "level_capped"} <= set(told)
