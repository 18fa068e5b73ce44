"""The forgotten password through HTTP: two independent proofs, in one browser, once."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest

from idp.accounts.activation import issue_activation_code
from idp.accounts.channels import Channel
from idp.accounts.messages import Template
from idp.accounts.model import AccountLevel
from idp.accounts.notices import Notice
from idp.accounts.passkeys import NewCredential
from idp.ids import SessionId
from idp.storage.accounts import find_row
from idp.storage.contacts import ContactRow, put_contact
from idp.storage.credentials import drop_totps
from keystore.base64url import from_base64url
from tests.support.authenticator import Authenticator
from tests.support.passkey_house import answer_of
from tests.support.provider import ISSUER, Provider, assert_error
from tests.support.provider_browser import Browser, Landing
from tests.support.provider_seeds import ANH, BINH, CHI, Somebody
from tests.support.reset_hands import NEW, ResetHands
from tests.support.sent_messages import notices_of

NOBODY = "009079083999"


@pytest.fixture
def hands(provider: Provider) -> ResetHands:
    return ResetHands(provider)


def _level(provider: Provider) -> AccountLevel | None:
    found = provider.services.people.find_account(ANH.account_id)
    assert found is not None
    return found.level


def test_two_proofs_set_a_password_and_everything_else_ends(
    provider_on_both: Provider,
) -> None:
    """NIST SP 800-63B-4 §4.2; architecture, decision 10."""
    provider = provider_on_both
    hands = ResetHands(provider)
    elsewhere = Browser(provider)
    tokens = elsewhere.tokens(scope="openid offline_access")
    browser = Browser(provider)
    assert browser.get("/account").shows("login-forgot")
    page = hands.both(browser)
    assert page.shows("reset-password-submit")
    page = hands.choose(browser, page)
    assert page.shows("reset-continue")
    assert not browser.get("/account").shows("account-logout"), "nobody is signed in by it"
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")
    assert not elsewhere.get("/").shows("home-account")
    assert _level(provider) is AccountLevel.ONE
    assert hands.can_sign_in(NEW)
    assert not hands.can_sign_in(ANH.password)
    events = provider.events()
    assert {"account:password:reset", "account:recovery:asked"} <= set(events)
    told = notices_of(provider.services.database)
    assert {"password_reset", "level_capped", "recovery_asked"} <= set(told)


def test_a_code_and_a_code_to_the_other_channel_will_do(
    hands: ResetHands, browser: Browser
) -> None:
    hands.verify_phone()
    page = hands.ask(browser, way="sms_code")
    message = hands.deliver()[-1]
    assert message.to.channel is Channel.SMS
    page = browser.press(page, "reset-code-submit", {"otp": f"{message.facts['code']} "})
    page = browser.press(page, "reset-other-send")
    sent = [one for one in hands.deliver() if one.to.channel is Channel.EMAIL]
    assert [one.template for one in sent] == [Template.RECOVERY_CODE]
    wrong = browser.press(page, "reset-other-submit", {"otp": message.facts["code"]})
    assert wrong.shows("problem"), "one code does not prove twice"
    page = browser.press(wrong, "reset-other-submit", {"otp": sent[0].facts["code"]})
    assert hands.choose(browser, page).shows("reset-continue")
    assert hands.can_sign_in(NEW)


def test_a_passkey_is_a_second_proof_and_another_persons_is_none(
    provider: Provider, hands: ResetHands, browser: Browser
) -> None:
    """WebAuthn Level 3 §7.2: asked by this attempt, of this person, once."""
    own, foreign = _enrol(provider, ANH), _enrol(provider, BINH)
    page = hands.first_by_link(browser)
    assert page.shows("reset-passkey")
    raw = answer_of(foreign, _challenge(page), owner=BINH.account_id)
    refused = browser.press(page, "reset-passkey", {"credential": raw})
    assert refused.shows("problem")
    raw = answer_of(own, _challenge(refused), owner=ANH.account_id)
    page = browser.press(refused, "reset-passkey", {"credential": raw})
    assert hands.choose(browser, page).shows("reset-continue")


def test_a_recovery_code_is_a_second_proof_once(
    provider: Provider, hands: ResetHands, browser: Browser
) -> None:
    codes = provider.services.factors.recovery_codes.make(ANH.account_id, now=provider.now)
    page = hands.first_by_link(browser)
    wrong = browser.press(page, "reset-recovery-submit", {"recovery_code": "ABCD-EFGH-JKMN"})
    assert wrong.shows("problem")
    page = browser.press(wrong, "reset-recovery-submit", {"recovery_code": codes[0]})
    assert page.shows("reset-password-submit")
    again = Browser(provider)
    page = hands.first_by_link(again)
    page = again.press(page, "reset-recovery-submit", {"recovery_code": codes[0]})
    assert page.shows("problem")


def _enrol(provider: Provider, who: Somebody) -> Authenticator:
    passkey = Authenticator(rp_id="dang-nhap.example", origin=ISSUER)
    passkeys, session = provider.services.passkeys, SessionId("ses_of_the_test")
    account = provider.services.people.find_account(who.account_id)
    assert account is not None
    options = passkeys.begin(account, session_id=session, label="x", now=provider.now)
    challenge = from_base64url(json.loads(options)["challenge"].encode())
    new = NewCredential(*passkey.register(challenge))
    passkeys.finish(
        who.account_id, session_id=session, new=new, name="Điện thoại", now=provider.now
    )
    return passkey


def _challenge(page: Landing) -> str:
    found = re.search(r'id="passkey-form"[^>]*data-options="([^"]*)"', page.page)
    assert found is not None, page.describe()
    return str(json.loads(html.unescape(found[1]))["challenge"])


def _same(landing: Landing) -> tuple[int, str]:
    text = re.sub(r'value="[^"]*"|rst_[0-9a-f]+', "", landing.page)
    return landing.response.status_code, text


@pytest.mark.parametrize("way", ["email_link", "email_code", "sms_code"])
def test_nobody_learns_whether_somebody_has_an_account(
    provider: Provider, hands: ResetHands, way: str
) -> None:
    """OWASP ASVS 6.3.8; CHI has an account and no verified address."""
    seen = set()
    for number in (ANH.identifier, CHI.identifier, NOBODY):
        browser = Browser(provider)
        page = browser.press(
            browser.get("/forgot"), "forgot-submit", {"identifier": number, "way": way}
        )
        seen.add(_same(page))
        if way != "email_link":
            seen.add(_same(browser.press(page, "reset-code-submit", {"otp": "00000000"})))
    assert len(seen) == (1 if way == "email_link" else 2)
    assert len(hands.deliver()) == (0 if way == "sms_code" else 1)


def test_a_link_on_another_device_does_nothing_and_says_what_to_do(
    provider: Provider, hands: ResetHands, browser: Browser
) -> None:
    hands.ask(browser)
    link = hands.link()
    other = Browser(provider)
    other.get("/forgot")
    page = other.get(link)
    assert page.response.status_code == 403
    assert "trình duyệt" in page.page
    assert page.shows("reset-again")
    assert not page.shows("reset-link-submit")
    assert "account:recovery:asked" not in provider.events()
    assert browser.get(link).shows("reset-link-submit"), "where it was asked for it goes on"


def test_a_link_opened_twice_is_used_once(hands: ResetHands, browser: Browser) -> None:
    hands.ask(browser)
    link = hands.link()
    page = browser.get(link)
    assert browser.get(link).shows("reset-link-submit"), "opening alone takes nothing"
    assert browser.press(page, "reset-link-submit").shows("reset-app-submit")
    again = browser.press(page, "reset-link-submit")
    assert not again.shows("reset-link-submit")
    assert again.shows("reset-continue")
    assert "đã được dùng" in browser.get(link).page


def test_a_link_of_somebody_elses_making_is_none(hands: ResetHands, browser: Browser) -> None:
    hands.ask(browser)
    attempt_id = hands.link().rpartition("/")[2].partition(".")[0]
    forged = browser.get(f"/forgot/link/{attempt_id}.{'0' * 64}")
    page = browser.press(forged, "reset-link-submit")
    assert not page.shows("reset-app-submit")


def test_codes_are_late_after_their_time_and_gone_after_five_tries(
    provider: Provider, hands: ResetHands, browser: Browser
) -> None:
    """NIST SP 800-63B-4 §3.1.3.2, §3.2.2."""
    page = hands.ask(browser, way="email_code")
    code = hands.deliver()[-1].facts["code"]
    provider.clock.advance(minutes=15)
    page = browser.press(page, "reset-code-submit", {"otp": code})
    assert page.shows("problem")
    page = hands.ask(browser, way="email_code")
    code = hands.deliver()[-1].facts["code"]
    for _ in range(5):
        page = browser.press(page, "reset-code-submit", {"otp": "1"})
    page = browser.press(page, "reset-code-submit", {"otp": code})
    assert page.response.status_code == 410
    assert "account:recovery:asked" not in provider.events()


def test_a_weak_password_is_asked_for_again_and_a_taken_one_only_once(
    hands: ResetHands, browser: Browser
) -> None:
    page = hands.both(browser)
    weak = hands.choose(browser, page, "12345678")
    assert weak.shows("problem")
    assert hands.choose(browser, weak).shows("reset-continue")
    again = hands.choose(browser, page, f"{NEW}-2")
    assert again.response.status_code == 410
    assert not hands.can_sign_in(f"{NEW}-2")


def test_steps_cannot_be_left_out(provider: Provider, hands: ResetHands, browser: Browser) -> None:
    """The form of a later step does nothing before the earlier ones."""
    page = hands.ask(browser)
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/forgot").page)
    assert token is not None
    place = page.place
    code_page = hands.ask(browser, way="email_code")
    found = re.search(r'name="csrf_token" value="([^"]+)"', code_page.page)
    assert found is not None
    form = {"csrf_token": found[1], "otp": browser.next_code(ANH)}
    typed = {**form, "new_password": NEW, "new_password_again": NEW}
    assert browser.submit(f"{code_page.place}/app", form).place == code_page.place
    assert browser.submit(f"{code_page.place}/password", typed).place == code_page.place
    assert browser.submit(f"{place}/password", typed).response.status_code in {400, 403}
    assert "account:password:reset" not in provider.events()


def test_whoever_has_one_channel_alone_is_sent_to_a_counter(
    provider: Provider, hands: ResetHands, browser: Browser
) -> None:
    services = provider.services
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id)
        assert row is not None
        drop_totps(tx, row)
    page = hands.first_by_link(browser)
    assert not page.shows("reset-app-submit")
    assert not page.shows("reset-other-send")
    assert "bộ phận một cửa" in page.page
    code = issue_activation_code(
        services.database, ANH.account_id, sealer=services.sealer, log=services.log,
        now=provider.now,
    )  # fmt: skip
    page = browser.press(page, "reset-activation-submit", {"activation_code": code})
    assert hands.choose(browser, page).shows("reset-continue")
    assert _level(provider) is AccountLevel.TWO, "the code is a proofing's own"
    again = hands.first_by_link(browser)
    again = browser.press(again, "reset-activation-submit", {"activation_code": code})
    assert again.shows("problem"), "it proves for one reset"


def test_an_address_that_was_changed_lately_proves_nothing(
    provider: Provider, hands: ResetHands, browser: Browser
) -> None:
    """A code sent to a changed number."""
    services = provider.services
    account = services.people.find_account(ANH.account_id)
    assert account is not None
    mark = bytes.fromhex(services.factors.contacts.of(account)[Channel.EMAIL].mark)
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id)
        assert row is not None
        young = provider.now + timedelta(hours=1)
        new = ContactRow(
            Channel.EMAIL, mark, is_factor=False, since=provider.now, serves_from=young
        )
        put_contact(tx, row, new)
    hands.ask(browser)
    assert not hands.deliver()
    provider.clock.advance(hours=2)
    hands.ask(browser)
    assert len(hands.deliver()) == 1


def test_too_many_messages_are_not_sent(hands: ResetHands, browser: Browser) -> None:
    """Fails closed, and the same for nobody."""
    for who in (ANH, BINH):
        for _ in range(5):
            assert not hands.ask(browser, who=who).shows("problem")
        page = hands.ask(browser, who=who)
        assert page.response.status_code == 429


@pytest.mark.parametrize("typed", ["", "12", "9900000016"])
def test_what_is_no_number_is_said_at_once(browser: Browser, typed: str) -> None:
    page = browser.press(browser.get("/forgot"), "forgot-submit", {"identifier": typed})
    assert page.response.status_code == 422
    assert page.shows("problem")


def test_whoever_is_told_of_a_reset_stops_it_without_a_sign_in(
    provider: Provider, hands: ResetHands, browser: Browser
) -> None:
    """NIST SP 800-63B-4 §4.2.3; the link locks and signs nobody in."""
    hands.choose(browser, hands.both(browser))
    place = hands.told(Notice.PASSWORD_RESET)["stop_path"]
    reader = Browser(provider)
    assert reader.get(f"{place}x").response.status_code == 410
    page = reader.get(place)
    assert hands.can_sign_in(NEW), "opening alone stops nothing"
    done = reader.press(page, "stop-confirm")
    assert done.shows("case-number")
    assert not reader.get("/account").shows("account-logout")
    assert not hands.can_sign_in(NEW)
    assert reader.press(page, "stop-confirm").response.status_code == 410
    (case,) = provider.services.recovering.cases.list_of(ANH.account_id)
    assert case.kind == "reset_stopped"
    assert case.number in done.page
    hands.ask(browser)
    assert len(hands.deliver()) == 1, "a locked account is reset by nobody"


def _proof(provider: Provider) -> None:
    """Anh is proofed in person, and everything begins anew."""
    services = provider.services
    provider.clock.advance(minutes=5)
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id, is_locked=True)
        assert row is not None
        services.recovery.proofed(tx, row, now=provider.now, begins_anew=True)
    provider.clock.advance(minutes=1)


def test_whoever_was_there_before_a_proofing_cannot_lock_the_account_after_it(
    provider: Provider, hands: ResetHands, browser: Browser
) -> None:
    """What stops a reset was sent to addresses that are nobody's word any more."""
    hands.choose(browser, hands.both(browser))
    place = hands.told(Notice.PASSWORD_RESET)["stop_path"]
    page = Browser(provider).get(place)
    _proof(provider)
    assert Browser(provider).get(place).response.status_code == 410
    assert Browser(provider).press(page, "stop-confirm").response.status_code in {400, 403, 410}
    account = provider.services.people.find_account(ANH.account_id)
    assert account is not None
    assert account.is_active
    assert account.level is AccountLevel.TWO


def test_proofs_from_before_a_proofing_set_no_password_after_it(
    provider: Provider, hands: ResetHands, browser: Browser
) -> None:
    page = hands.both(browser)
    _proof(provider)
    hands.choose(browser, page)
    assert not hands.can_sign_in(NEW)
    assert hands.can_sign_in(ANH.password)


def test_after_its_time_a_reset_is_not_stopped(
    provider: Provider, hands: ResetHands, browser: Browser
) -> None:
    hands.choose(browser, hands.both(browser))
    place = hands.told(Notice.PASSWORD_RESET)["stop_path"]
    page = browser.get(place)
    provider.clock.advance(seconds=provider.services.settings.recovery_wait_s)
    assert browser.press(page, "stop-confirm").response.status_code == 410
    assert hands.can_sign_in(NEW)
