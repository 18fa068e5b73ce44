"""Taking a consent back ends what stands on it."""

from __future__ import annotations

import pytest

from idp.ids import ConsentId
from idp.model import Consent
from idp.oauth.errors import ConsentUnknown
from idp.storage.consents import consents_of
from tests.support.provider import Provider, assert_error
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH


def given(provider: Provider, client_id: str = "portal") -> Consent:
    with provider.services.database.read() as connection:
        found = consents_of(connection, ANH.account_id)
    return next(one for one in found if one.client_id == client_id)


def test_withdrawal_ends_the_grants_of_that_client_alone(provider_on_both: Provider) -> None:
    """Law 91/2025/QH15 Art. 9: consent may be withdrawn at any time."""
    provider = provider_on_both
    browser = Browser(provider)
    first, second = browser.tokens("portal"), browser.tokens("sibling")
    assert provider.userinfo(first["access_token"]).status_code == 200
    ended = provider.services.consent_withdrawal.withdraw(
        given(provider).consent_id, account_id=ANH.account_id, now=provider.now
    )
    assert ended == 1
    assert provider.userinfo(first["access_token"]).status_code == 401
    assert_error(provider.refresh(first["refresh_token"]), "invalid_grant")
    assert provider.userinfo(second["access_token"]).status_code == 200
    assert browser.authorize("portal", prompt="none").error == "consent_required"
    events = provider.events()
    assert events.count("oauth:consent:withdrawn") == 1
    assert events.count("oauth:grant:revoked") == 1


def test_a_second_withdrawal_changes_nothing(provider: Provider) -> None:
    Browser(provider).tokens()
    withdraw = provider.services.consent_withdrawal.withdraw
    consent_id = given(provider).consent_id
    assert withdraw(consent_id, account_id=ANH.account_id, now=provider.now) == 1
    assert withdraw(consent_id, account_id=ANH.account_id, now=provider.now) == 0
    assert provider.events().count("oauth:consent:withdrawn") == 1


def test_every_consent_to_the_client_goes(provider: Provider) -> None:
    browser = Browser(provider)
    browser.tokens(scope="openid profile")
    browser.tokens(scope="openid email")
    provider.services.consent_withdrawal.withdraw(
        given(provider).consent_id, account_id=ANH.account_id, now=provider.now
    )
    for scope in ("openid profile", "openid email"):
        assert browser.authorize(prompt="none", scope=scope).error == "consent_required"


def test_nobody_withdraws_for_somebody_else(provider: Provider) -> None:
    Browser(provider).tokens()
    withdraw = provider.services.consent_withdrawal.withdraw
    with pytest.raises(ConsentUnknown):
        withdraw(given(provider).consent_id, account_id=BINH.account_id, now=provider.now)
    with pytest.raises(ConsentUnknown):
        withdraw(ConsentId("con_" + "0" * 32), account_id=ANH.account_id, now=provider.now)
    assert given(provider).withdrawn_at is None
