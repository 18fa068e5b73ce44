"""Somebody says that it was not them: whoever it was has nothing any more, and a case is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest

from idp.accounts.attempts import Source
from idp.accounts.case_model import CaseKind
from idp.accounts.cases import CaseUnknown
from idp.accounts.channels import Channel
from idp.accounts.credentials import Totp
from idp.accounts.errors import EnrolmentRefused, FactorNotFresh
from idp.accounts.model import AccountLevel
from idp.accounts.not_me import ReportedSessionUnknown
from idp.ids import SessionId, make_id
from idp.model import Factor
from idp.sessions import open_session
from idp.storage.accounts import find_row
from idp.storage.contacts import ContactRow, put_contact
from idp.storage.credentials import replace_totps
from idp.storage.database import Transaction
from tests.support.provider import Provider, assert_error
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH
from tests.support.sent_messages import messages_of


def _begin_session(provider: Provider) -> SessionId:
    opened = open_session(
        ANH.account_id,
        factor=Factor.PASSWORD,
        now=provider.now,
        lifetime=timedelta(hours=1),
        device="android chrome",
    )
    assert provider.services.sessions.store_alone(opened, now=provider.now)
    return opened.session.session_id


def _enrol(provider: Provider) -> None:
    services = provider.services
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id)
        assert row is not None
        new = Totp(make_id("otp"), b"k" * 20, provider.now)
        replace_totps(tx, row, new, sealer=services.sealer)


def test_everything_of_whoever_it_was_ends_and_a_case_is_open(
    provider_on_both: Provider,
) -> None:
    """NIST SP 800-63B-4 §4.6; the statements run on both databases."""
    provider = provider_on_both
    browser = Browser(provider)
    tokens = browser.tokens(scope="openid offline_access")
    stolen = _begin_session(provider)
    provider.clock.advance(minutes=1)
    _enrol(provider)
    services = provider.services
    case = services.recovering.not_me.report(ANH.account_id, session_id=stolen, now=provider.now)
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")
    assert not browser.get("/").shows("home-account")
    found = services.people.find_account(ANH.account_id)
    assert found is not None
    assert found.level is AccountLevel.ONE
    assert not services.people.has_totp(ANH.account_id)
    page = Browser(provider)
    assert page.log_in(page.get("/account")).shows("login-submit")
    (kept,) = services.recovering.cases.list_of(ANH.account_id)
    assert kept == case
    assert (kept.kind, kept.facts["session"]) == (CaseKind.NOT_ME, stolen)
    assert kept.facts["authenticators_removed"] == "1"


def test_what_was_there_before_that_session_stays(provider: Provider) -> None:
    provider.clock.advance(minutes=1)
    stolen = _begin_session(provider)
    services = provider.services
    services.recovering.not_me.report(ANH.account_id, session_id=stolen, now=provider.now)
    assert services.people.has_totp(ANH.account_id)


def test_a_session_of_somebody_else_is_none(provider: Provider) -> None:
    stolen = _begin_session(provider)
    with pytest.raises(ReportedSessionUnknown):
        provider.services.recovering.not_me.report(
            BINH.account_id, session_id=stolen, now=provider.now
        )
    assert "account:case:opened" not in provider.events()


def _nothing(_tx: Transaction) -> None:
    """Nobody looks at anything beside."""


def test_a_case_is_found_as_it_is_said_and_closed_once(provider: Provider) -> None:
    cases = provider.services.recovering.cases
    case = provider.services.recovering.not_me.report(
        ANH.account_id, session_id=None, now=provider.now
    )
    assert cases.find(f" {case.number.lower().replace('-', ' ')} ") == case
    assert cases.find("0000") is None
    cases.close(case, outcome="settled", by="ofl_1", now=provider.now, first=_nothing)
    closed = replace(case, closed_at=provider.now, outcome="settled")
    assert cases.list_of(ANH.account_id) == (closed,)
    assert not closed.is_open
    with pytest.raises(CaseUnknown):
        cases.close(case, outcome="settled", by="ofl_1", now=provider.now, first=_nothing)


def test_nothing_that_whoever_it_was_left_opens_a_way_back(provider: Provider) -> None:
    """NIST SP 800-63B-4 §4.6: neither recovery codes nor an address of theirs resets anything."""
    services = provider.services
    account = services.people.find_account(ANH.account_id)
    assert account is not None
    assert account.profile.is_email_verified
    provider.clock.advance(minutes=1)
    stolen = _begin_session(provider)
    provider.clock.advance(minutes=1)
    services.factors.recovery_codes.make(ANH.account_id, now=provider.now)
    _take_address(provider, Channel.EMAIL)
    case = services.recovering.not_me.report(ANH.account_id, session_id=stolen, now=provider.now)
    assert services.factors.recovery_codes.left(ANH.account_id).count == 0
    account = services.people.find_account(ANH.account_id)
    assert account is not None
    contact = services.factors.contacts.of(account)[Channel.EMAIL]
    assert not contact.is_settled(provider.now + timedelta(days=365))
    assert contact.serves_from is None
    facts = case.facts
    assert (facts["addresses_doubted"], facts["recovery_codes_voided"]) == ("email", "10")


def test_where_no_session_is_named_it_may_be_any_but_the_one_in_hand(provider: Provider) -> None:
    """The notice of a new device names none: what was added beside it goes all the same."""
    services = provider.services
    mine = _begin_session(provider)
    provider.clock.advance(minutes=1)
    _begin_session(provider)
    provider.clock.advance(minutes=1)
    _enrol(provider)
    services.recovering.not_me.report(
        ANH.account_id, session_id=None, in_hand=mine, now=provider.now
    )
    assert not services.people.has_totp(ANH.account_id)


def test_where_nobody_else_is_signed_in_factors_stay(provider: Provider) -> None:
    services = provider.services
    mine = _begin_session(provider)
    provider.clock.advance(minutes=1)
    _enrol(provider)
    services.recovering.not_me.report(
        ANH.account_id, session_id=None, in_hand=mine, now=provider.now
    )
    assert services.people.has_totp(ANH.account_id)


def _take_address(provider: Provider, channel: Channel) -> None:
    """The address became the account's now, and codes sent there sign in."""
    services = provider.services
    account = services.people.find_account(ANH.account_id)
    assert account is not None
    mark = bytes.fromhex(services.factors.contacts.of(account)[channel].mark)
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id, is_locked=True)
        assert row is not None
        now = provider.now
        put_contact(tx, row, ContactRow(channel, mark, is_factor=True, since=now, serves_from=now))


def test_what_was_made_before_that_session_stays(provider: Provider) -> None:
    services = provider.services
    services.factors.recovery_codes.make(ANH.account_id, now=provider.now)
    _take_address(provider, Channel.EMAIL)
    provider.clock.advance(minutes=1)
    stolen = _begin_session(provider)
    services.recovering.not_me.report(ANH.account_id, session_id=stolen, now=provider.now)
    assert services.factors.recovery_codes.left(ANH.account_id).count == 10
    account = services.people.find_account(ANH.account_id)
    assert account is not None
    assert services.factors.contacts.of(account)[Channel.EMAIL].is_settled(provider.now)


def test_what_was_begun_in_a_session_that_ended_is_not_finished(provider: Provider) -> None:
    """NIST SP 800-63B-4 §4.6: the last step may be under way while its owner says so."""
    services, stolen = provider.services, _begin_session(provider)
    source = Source("192.0.2.7")
    account = services.people.find_account(ANH.account_id)
    assert account is not None
    services.factors.contacts.begin(
        account, Channel.EMAIL, raw_address="ke-gian@mau.example", session_id=stolen,
        has_both_factors=True, source=source, now=provider.now,
    )  # fmt: skip
    code = messages_of(services.database, services.sealer)[-1].facts["code"]
    app = services.enrolment.start_beside(
        account.account_id, session_id=stolen, name="Của tôi", label="•••", now=provider.now
    )
    shown = pyotp.TOTP(app.secret).at(provider.now)
    services.recovering.not_me.report(account.account_id, session_id=stolen, now=provider.now)
    with pytest.raises(FactorNotFresh):
        services.factors.contacts.confirm(
            account.account_id, Channel.EMAIL, raw_code=code, session_id=stolen,
            has_both_factors=True, source=source, now=provider.now,
        )  # fmt: skip
    with pytest.raises(EnrolmentRefused):
        services.enrolment.confirm(
            account.account_id, pending_id=app.pending_id, raw_code=shown, session_id=stolen,
            source=source, now=provider.now,
        )  # fmt: skip
    found = services.people.find_account(ANH.account_id)
    assert found is not None
    assert found.profile.email == account.profile.email
