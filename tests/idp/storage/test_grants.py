"""Grants in SQL: what may happen once is decided by one statement."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import select

from idp.ids import GrantId, SessionId
from idp.storage.grants import (
    find_grant,
    grants_of_session,
    live_grants,
    oauth_grant,
    revoke_grant,
)
from tests.support.provider import Provider, claims_of
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH


def grant_of(tokens: dict[str, str]) -> GrantId:
    return GrantId(claims_of(tokens["access_token"])["grant_id"])


def test_a_grant_remembers_what_was_allowed(provider_on_both: Provider) -> None:
    provider = provider_on_both
    tokens = Browser(provider).tokens(scope="openid email", claims_locales="vi en")
    with provider.services.database.read() as connection:
        grant = find_grant(connection, grant_of(tokens))
        assert find_grant(connection, GrantId("grt_" + "0" * 32)) is None
    assert grant is not None
    assert (grant.client_id, grant.account_id) == ("portal", ANH.account_id)
    assert grant.scopes == ("openid", "email")
    assert grant.shared == ("email", "email_verified")
    assert grant.claims_locales == ("vi", "en")
    assert grant.is_live(provider.now)
    assert not grant.is_live(grant.expires_at)


def test_no_code_and_no_refresh_token_stands_in_the_table(provider_on_both: Provider) -> None:
    """RFC 6749 §10.3, §10.5: what is kept opens nothing."""
    provider = provider_on_both
    landing = Browser(provider).sign_in()
    tokens = provider.exchange(landing.code, verifier="v" * 20 + "-._~" + "V" * 40).get_json()
    with provider.services.database.read() as connection:
        row = str(connection.execute(select(oauth_grant)).all())
    for secret in (landing.code, tokens["refresh_token"], tokens["access_token"]):
        assert secret not in row


def test_of_many_revocations_one_counts(provider_on_both: Provider) -> None:
    provider = provider_on_both
    grant_id = grant_of(Browser(provider).tokens())

    def revoke(_number: int) -> bool:
        with provider.services.database.transaction() as tx:
            return revoke_grant(tx, grant_id, now=provider.now, reason="client")

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(revoke, range(6))) == 1


def test_live_grants_are_listed_by_person_client_and_session(
    provider_on_both: Provider,
) -> None:
    provider = provider_on_both
    browser = Browser(provider)
    first, second = grant_of(browser.tokens("portal")), grant_of(browser.tokens("sibling"))
    Browser(provider).tokens("portal", who=BINH)
    with provider.services.database.transaction() as tx:
        connection, now = tx.connection, provider.now
        mine = live_grants(connection, ANH.account_id, now=now)
        assert {grant.grant_id for grant in mine} == {first, second}
        of_client = live_grants(connection, ANH.account_id, now=now, client_id="portal")
        assert [grant.grant_id for grant in of_client] == [first]
        session_id = mine[0].session_id
        assert session_id is not None
        of_session = grants_of_session(connection, session_id, now=now)
        assert {grant.grant_id for grant in of_session} == {first, second}
        assert grants_of_session(connection, SessionId("ses_x"), now=now) == ()
        revoke_grant(tx, first, now=now, reason="client")
        left = live_grants(connection, ANH.account_id, now=now)
        assert [grant.grant_id for grant in left] == [second]
        assert live_grants(connection, ANH.account_id, now=now + timedelta(days=1)) == ()
