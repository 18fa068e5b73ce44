"""What this service cannot send is offered nowhere: nobody waits for a code that never comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from idp.accounts.channels import Channel
from idp.storage.account_updates import update_profile
from idp.storage.accounts import find_row
from idp.storage.contacts import ContactRow, put_contact
from tests.support.provider import Provider
from tests.support.provider_browser import Browser, form_of
from tests.support.provider_seeds import ANH
from tests.support.reset_hands import ResetHands
from tests.support.sent_messages import messages_of

_ABROAD = "+88213000017"
_NOTHING: dict[str, Any] = {"smtp_host": "", "sms_url": ""}


@pytest.fixture
def silent(make_provider: Callable[..., Provider]) -> Provider:
    """A service without a gateway, and somebody who had switched on codes by e-mail before."""
    provider = make_provider(**_NOTHING)
    services, now = provider.services, provider.now
    account = services.people.find_account(ANH.account_id)
    assert account is not None
    mark = bytes.fromhex(services.factors.contacts.of(account)[Channel.EMAIL].mark)
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id, is_locked=True)
        assert row is not None
        kept = ContactRow(Channel.EMAIL, mark, is_factor=True, since=now, serves_from=now)
        put_contact(tx, row, kept)
    return provider


def test_a_sign_in_asks_for_nothing_that_is_not_sent(silent: Provider) -> None:
    browser = Browser(silent)
    page = browser.log_in(browser.authorize("level2"))
    assert page.shows("otp-submit")
    assert not page.shows("otp-way-email")
    action, fields = form_of(page.page, "otp-submit")
    browser.submit(f"{action}-way", {**fields, "way": "email"})
    assert messages_of(silent.services.database, silent.services.sealer) == []


def test_the_pages_of_factors_and_addresses_offer_nothing_and_say_so(silent: Provider) -> None:
    browser = Browser(silent)
    browser.answer_all(browser.get("/account/password"))
    page = browser.get("/account/factors")
    assert "Tại đây chưa gửi được mã bằng cách này" in page.page
    assert page.shows("factor-email"), "what is on can be switched off"
    assert 'value="on"' not in page.page
    page = browser.get("/account/contacts")
    assert not page.shows("contact-send-email")
    assert not page.shows("contact-send-sms")


def test_a_number_of_another_country_is_refused_with_what_to_do(provider: Provider) -> None:
    """It was good for codes before the operator chose countries."""
    services, now = provider.services, provider.now
    account = services.people.find_account(ANH.account_id)
    assert account is not None
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id, is_locked=True)
        assert row is not None
        profile = replace(account.profile, phone=_ABROAD, is_phone_verified=True)
        update_profile(tx, row, profile, sealer=services.sealer, now=now)
    abroad = services.people.find_account(ANH.account_id)
    assert abroad is not None
    mark = bytes.fromhex(services.factors.contacts.of(abroad)[Channel.SMS].mark)
    with services.database.transaction() as tx:
        kept = ContactRow(Channel.SMS, mark, is_factor=True, since=now, serves_from=now)
        put_contact(tx, row, kept)
    browser = Browser(provider)
    page = browser.log_in(browser.authorize("level2"))
    asked = browser.press(page, "otp-way-sms", way="sms")
    assert "Vui lòng chọn cách xác thực khác" in asked.page
    assert messages_of(services.database, services.sealer) == []


def test_a_forgotten_password_leads_to_the_counter(silent: Provider) -> None:
    page = Browser(silent).get("/forgot")
    assert not page.shows("forgot-submit")
    assert "bộ phận một cửa" in page.page


def test_only_the_ways_that_arrive_are_taken_for_a_forgotten_password(
    make_provider: Callable[..., Provider],
) -> None:
    provider = make_provider(sms_url="")
    hands, browser = ResetHands(provider), Browser(provider)
    hands.verify_phone()
    page = browser.get("/forgot")
    assert 'value="email_code"' in page.page
    assert 'value="sms_code"' not in page.page
    hands.ask(browser, way="sms_code")
    page = browser.press(browser.get(hands.link()), "reset-link-submit")
    assert page.shows("reset-app-submit")
    assert not page.shows("reset-other-send")
