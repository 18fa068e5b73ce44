"""Browser sessions: a new cookie at every rise, an end that everybody is told of."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from idp.accounts.lifecycle import AccountLifecycle, SignOut
from idp.accounts.model import Account, AccountStatus
from idp.ids import AccountId
from idp.model import Factor
from idp.oauth.authorization import SessionOvertaken
from idp.oauth.authorization_request import check_authorization_request, find_client_and_redirect
from idp.oauth.parameters import Parameters
from idp.oauth.prompts import Progress, next_ask
from idp.registration import Registration
from idp.sessions import OpenedSession, hash_token, open_session, prove_factor
from idp.storage.accounts import account
from idp.storage.database import Transaction
from keystore.log.events import EventType
from keystore.log.record import log_event
from tests.support.log_lines import log_lines
from tests.support.provider import Provider, assert_error, claims_of
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH, Somebody


def account_of(provider: Provider, person: Somebody) -> Account:
    found = provider.services.people.find_account(person.account_id)
    assert found is not None
    return found


def opened_for(provider: Provider) -> OpenedSession:
    return open_session(
        ANH.account_id,
        factor=Factor.PASSWORD,
        now=provider.now,
        lifetime=timedelta(hours=12),
    )


def store(provider: Provider, *several: OpenedSession) -> bool:
    """Store them in one transaction; whether each was held."""
    keys = [provider.services.people.data_key_of(one.session.account_id) for one in several]
    with provider.services.database.transaction() as tx:
        return all(
            provider.services.sessions.store(tx, one, data_key=key, now=provider.now)
            for one, key in zip(several, keys, strict=True)
        )


def test_only_a_hash_of_the_cookie_is_kept_and_nothing_shows_it(
    provider_on_both: Provider,
) -> None:
    opened = opened_for(provider_on_both)
    assert store(provider_on_both, opened)
    found = provider_on_both.services.sessions.find(opened.token, now=provider_on_both.now)
    assert found == opened.session
    assert opened.token not in repr(opened)
    assert found.token_hash == hash_token(opened.token)


def test_a_proven_factor_brings_another_cookie_and_the_old_one_is_dead(
    provider_on_both: Provider,
) -> None:
    """OWASP ASVS 7.2.4: a new session token at every authentication."""
    provider = provider_on_both
    sessions = provider.services.sessions
    first = opened_for(provider)
    store(provider, first)
    provider.clock.advance(minutes=1)
    raised = prove_factor(first.session, factor=Factor.OTP, now=provider.now)
    assert store(provider, raised)
    assert sessions.find(first.token, now=provider.now) is None
    found = sessions.find(raised.token, now=provider.now)
    assert found is not None
    assert found.session_id == first.session.session_id
    assert {proven.factor for proven in found.factors} == {Factor.PASSWORD, Factor.OTP}


def test_of_two_rises_at_once_one_counts(provider: Provider) -> None:
    first = opened_for(provider)
    store(provider, first)
    rises = [prove_factor(first.session, factor=Factor.OTP, now=provider.now) for _ in range(2)]
    assert [store(provider, raised) for raised in rises] == [True, False]


def test_a_session_that_ended_cannot_rise(provider: Provider) -> None:
    first = opened_for(provider)
    store(provider, first)
    provider.services.sessions.end(first.session, reason="logout", now=provider.now)
    assert not store(provider, prove_factor(first.session, factor=Factor.OTP, now=provider.now))


def test_a_session_ends_by_its_own_time(provider: Provider) -> None:
    opened = opened_for(provider)
    store(provider, opened)
    last = opened.session.expires_at - timedelta(milliseconds=1)
    assert provider.services.sessions.find(opened.token, now=last) is not None
    assert provider.services.sessions.find(opened.token, now=opened.session.expires_at) is None


def test_the_cookie_changes_at_every_rise_in_the_browser(
    provider: Provider, browser: Browser
) -> None:
    """A cookie planted before the sign-in, or seen before the second factor, opens nothing."""
    browser.set_cookie("session", "planted")
    landing = browser.log_in(browser.authorize("level2"))
    first = browser.cookie("session")
    assert first not in {None, "planted"}
    browser.give_code(landing)
    second = browser.cookie("session")
    assert second not in {None, first}
    thief = Browser(provider)
    for old in ("planted", first):
        thief.set_cookie("session", str(old))
        assert thief.authorize(prompt="none").error == "login_required"


def test_an_end_counts_once(provider_on_both: Provider) -> None:
    provider = provider_on_both
    browser = Browser(provider)
    browser.tokens()
    session = provider.services.sessions.find(browser.cookie("session") or "", now=provider.now)
    assert session is not None
    end = provider.services.sessions.end
    assert end(session, reason="logout", now=provider.now) == ("portal",)
    assert end(session, reason="logout", now=provider.now) == ()
    assert len(provider.logouts_due()) == 1
    assert provider.events().count("account:session:ended") == 1


def test_a_client_that_is_disabled_meanwhile_is_told_too(provider: Provider) -> None:
    """Back-Channel Logout §2.3: what it opened for the person is still open there."""
    services = provider.services
    browser = Browser(provider)
    entry = claims_of(browser.tokens()["id_token"])
    registration = Registration(services.database, registry=services.registry, log=services.log)
    registration.disable_client("portal", operator="first", now=provider.now)
    provider.clock.advance(minutes=1)
    session = services.sessions.find(browser.cookie("session") or "", now=provider.now)
    assert session is not None
    assert services.sessions.end(session, reason="logout", now=provider.now) == ("portal",)
    (due,) = provider.logouts_due()
    assert due == {"client_id": "portal", "sub": entry["sub"], "sid": entry["sid"]}


def test_expiry_ends_sessions_and_tells_their_portals(provider_on_both: Provider) -> None:
    """Back-Channel Logout §2.3; identity practice: expiry is a logout too."""
    provider = provider_on_both
    browser = Browser(provider)
    sid = claims_of(browser.tokens()["id_token"])["sid"]
    sessions = provider.services.sessions
    assert sessions.end_expired(now=provider.now) == 0
    provider.clock.advance(hours=12)
    assert sessions.end_expired(now=provider.now) == 1
    assert sessions.end_expired(now=provider.now) == 0
    (due,) = provider.logouts_due()
    assert due["sid"] == sid


def test_a_session_that_cannot_be_ended_holds_nobody_up(provider: Provider) -> None:
    """A busy evening ends more than one page of them, and the oldest is the broken one."""
    sessions = provider.services.sessions
    broken = open_session(
        BINH.account_id,
        factor=Factor.PASSWORD,
        now=provider.now,
        lifetime=timedelta(hours=1),
    )
    sound = [opened_for(provider) for _ in range(7)]
    assert store(provider, broken, *sound)
    with provider.services.database.transaction() as tx:
        is_broken = account.c.account_id == BINH.account_id
        tx.connection.execute(update(account).where(is_broken).values(data_key=b"spoilt"))
    provider.clock.advance(hours=12)
    with log_lines("ERROR") as lines:
        assert sessions.end_expired(now=provider.now, limit=3) == len(sound)
    (line,) = lines()
    assert (line["event"], line["reason"]) == ("session_not_ended", "SealBroken")
    assert sessions.end_expired(now=provider.now, limit=3) == 0


def test_one_call_ends_more_than_two_hundred(provider: Provider) -> None:
    """Twenty a second at most would fall behind a country that signs out at the same hour."""
    many = 205
    assert store(provider, *(opened_for(provider) for _ in range(many)))
    provider.clock.advance(hours=12)
    late = iter([True, False])
    sessions = provider.services.sessions
    assert sessions.end_expired(now=provider.now, limit=2, goes_on=lambda: next(late)) == 4
    assert sessions.end_expired(now=provider.now) == many - 4


def test_sign_out_everywhere_ends_every_session_and_grant(provider_on_both: Provider) -> None:
    provider = provider_on_both
    one, two, other = Browser(provider), Browser(provider), Browser(provider)
    first = one.tokens("portal")
    second = two.tokens("sibling", scope="openid offline_access")
    untouched = other.tokens("portal", who=BINH)
    assert provider.services.sessions.end_all(ANH.account_id, now=provider.now) == 2
    for browser in (one, two):
        assert browser.authorize(prompt="none").error == "login_required"
    assert_error(provider.refresh(first["refresh_token"]), "invalid_grant")
    answer = provider.refresh(second["refresh_token"], client_id="sibling")
    assert_error(answer, "invalid_grant")
    assert provider.refresh(untouched["refresh_token"]).status_code == 200
    assert [row["client_id"] for row in provider.logouts_due()] == ["portal", "sibling"]
    assert provider.events().count("account:session:all_ended") == 1


def test_what_an_operator_ends_is_written_down_in_his_name(provider: Provider) -> None:
    services = provider.services
    assert store(provider, opened_for(provider))
    services.sessions.in_name_of("can.bo").end_all(ANH.account_id, now=provider.now)
    with services.database.read() as connection:
        rows = connection.execute(select(log_event.c.type, log_event.c.facts)).all()
    by = {row.type: json.loads(row.facts).get("operator") for row in rows}
    assert by[EventType.SESSIONS_ALL_ENDED] == by[EventType.SESSION_ENDED] == "can.bo"
    assert by[EventType.SESSION_STARTED] is None


def test_a_lock_that_cannot_sign_out_does_not_lock_either(provider_on_both: Provider) -> None:
    """Between a lock and a sign-out that never came, tokens of the locked would go on."""
    provider = provider_on_both
    services = provider.services
    opened = opened_for(provider)
    assert store(provider, opened)

    def broken(tx: Transaction, account_id: AccountId, *, now: datetime) -> None:
        services.sessions.end_all_in(tx, account_id, now=now)
        raise ConnectionError

    def lock(sign_out: SignOut) -> None:
        AccountLifecycle(
            services.database, sealer=services.sealer, log=services.log, sign_out=sign_out
        ).lock(ANH.account_id, reason="test", now=provider.now)

    with pytest.raises(ConnectionError):
        lock(broken)
    assert account_of(provider, ANH).status is AccountStatus.ACTIVE
    assert services.sessions.find(opened.token, now=provider.now) is not None
    lock(services.sessions.end_all_in)
    assert account_of(provider, ANH).status is AccountStatus.LOCKED
    assert services.sessions.find(opened.token, now=provider.now) is None


def test_another_account_in_the_same_browser_ends_the_session_before(
    provider: Provider, browser: Browser
) -> None:
    browser.tokens("portal")
    provider.clock.advance(minutes=1)
    landing = browser.log_in(browser.authorize(prompt="login"), who=BINH)
    assert landing.shows("consent-accept")
    assert [row["client_id"] for row in provider.logouts_due()] == ["portal"]


def test_a_logout_between_the_last_question_and_the_code_wins(
    provider_on_both: Provider,
) -> None:
    """Otherwise a grant would outlive the session that it came from, and nobody would be told."""
    provider = provider_on_both
    browser = Browser(provider)
    browser.tokens()
    services = provider.services
    session = services.sessions.find(browser.cookie("session") or "", now=provider.now)
    assert session is not None
    parameters = Parameters(browser.request().items())
    to = find_client_and_redirect(parameters, hints=services.hints, now=provider.now)
    request = check_authorization_request(parameters, to=to, hints=services.hints, now=provider.now)
    gathered = services.authorizations.gather(
        request,
        client=to.client,
        progress=Progress(started_at=provider.now),
        session=session,
        now=provider.now,
    )
    assert next_ask(gathered.situation) is None
    services.sessions.end(session, reason="logout", now=provider.now)
    with pytest.raises(SessionOvertaken):
        services.authorizations.complete(gathered, opened=None, decision=None)
