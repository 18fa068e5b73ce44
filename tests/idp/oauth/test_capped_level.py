"""Portals are told of a capped account at once, and those that demand level 2 get no more."""

from __future__ import annotations

from idp.storage.accounts import find_row
from tests.support.provider import Provider, assert_error
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH


def test_portals_see_level_one_at_once(provider: Provider, browser: Browser) -> None:
    """Architecture, "Levels": account_level is how the account is proofed, now."""
    tokens = browser.tokens(scope="openid identity")
    demanding = browser.tokens("known", scope="openid identity")
    said = provider.userinfo(tokens["access_token"]).get_json()
    assert said["account_level"] == 2
    services = provider.services
    with services.database.transaction() as tx:
        row = find_row(tx.connection, ANH.account_id, is_locked=True)
        assert row is not None
        services.recovery.cap(tx, row, cause="password_reset", now=provider.now)
    said = provider.userinfo(tokens["access_token"]).get_json()
    assert said["account_level"] == 1
    assert provider.refresh(tokens["refresh_token"]).status_code == 200
    assert provider.userinfo(demanding["access_token"]).status_code == 401
    answer = provider.refresh(demanding["refresh_token"], client_id="known")
    assert_error(answer, "invalid_grant")
    assert browser.authorize("known").url is None
