"""Rotation: one live branch, a lost answer that is given again, and replays that end the family."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.accounts.lifecycle import AccountLifecycle
from idp.ids import GrantId
from idp.oauth.opaque import OpaqueKind
from tests.support.provider import Provider, assert_error, claims_of
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, API

_OFFLINE = "openid profile offline_access"


def successor(provider: Provider, token: str, **form: str) -> str:
    answer = provider.refresh(token, **form)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found = answer.get_json()["refresh_token"]
    assert isinstance(found, str)
    return found


def test_a_refresh_gives_new_tokens_for_the_same_sign_in(provider_on_both: Provider) -> None:
    """RFC 6749 §6; OpenID Connect Core §12.2: same iss, sub, aud, auth_time; no nonce."""
    provider = provider_on_both
    first = Browser(provider).tokens()
    provider.clock.advance(minutes=4)
    second = provider.refresh(first["refresh_token"]).get_json()
    before, after = claims_of(first["id_token"]), claims_of(second["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid"):
        assert before[name] == after[name]
    assert after["iat"] == before["iat"] + 240
    assert "nonce" in before
    assert "nonce" not in after
    assert second["refresh_token"] != first["refresh_token"]
    assert provider.userinfo(second["access_token"]).status_code == 200


def test_within_the_grace_the_same_successor_comes_again(provider_on_both: Provider) -> None:
    """RFC 9700 §4.14.2, and what its users ask for: a lost answer is no theft."""
    provider = provider_on_both
    token = Browser(provider).tokens()["refresh_token"]
    first = successor(provider, token)
    provider.clock.advance(seconds=10)
    assert successor(provider, token) == first
    assert successor(provider, first) != first


def test_after_the_grace_a_replay_ends_the_family(provider_on_both: Provider) -> None:
    """RFC 9700 §4.14.2: the authorization server revokes the active refresh token."""
    provider = provider_on_both
    tokens = Browser(provider).tokens()
    token = tokens["refresh_token"]
    live = successor(provider, token)
    provider.clock.advance(seconds=10, milliseconds=1)
    assert_error(provider.refresh(token), "invalid_grant")
    assert_error(provider.refresh(live), "invalid_grant")
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert provider.events().count("oauth:grant:refresh_replayed") == 1


def test_the_grace_closes_with_the_first_use_of_the_successor(provider: Provider) -> None:
    token = Browser(provider).tokens()["refresh_token"]
    first = successor(provider, token)
    second = successor(provider, first)
    assert_error(provider.refresh(token), "invalid_grant")
    assert_error(provider.refresh(second), "invalid_grant")


def test_many_uses_at_once_give_one_successor(provider_on_both: Provider) -> None:
    provider = provider_on_both
    token = Browser(provider).tokens()["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _n: provider.refresh(token), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.get_json()["refresh_token"] for answer in answers}) == 1


def test_more_scopes_than_granted_are_refused_and_use_nothing_up(provider: Provider) -> None:
    """RFC 6749 §6: MUST NOT include any scope not originally granted."""
    token = Browser(provider).tokens(scope="openid profile")["refresh_token"]
    assert_error(provider.refresh(token, scope="openid profile email"), "invalid_scope")
    assert_error(provider.refresh(token, scope="what-is-this"), "invalid_scope")
    provider.clock.advance(seconds=60)
    assert provider.refresh(token).status_code == 200


def test_fewer_scopes_hold_for_one_token_only(provider: Provider) -> None:
    """RFC 6749 §6: the scope of the refresh token itself stays what it was."""
    token = Browser(provider).tokens(scope="openid profile email")["refresh_token"]
    narrow = provider.refresh(token, scope="openid").get_json()
    assert narrow["scope"] == "openid"
    assert set(provider.userinfo(narrow["access_token"]).get_json()) == {"sub"}
    full = provider.refresh(narrow["refresh_token"]).get_json()
    assert full["scope"] == "openid profile email"
    assert "email" in provider.userinfo(full["access_token"]).get_json()


def test_without_openid_there_is_no_id_token_and_no_userinfo(provider: Provider) -> None:
    token = Browser(provider).tokens(scope="openid profile")["refresh_token"]
    narrow = provider.refresh(token, scope="profile").get_json()
    assert "id_token" not in narrow
    assert provider.userinfo(narrow["access_token"]).status_code == 403


def test_another_client_gets_nothing_and_ends_nothing(provider: Provider) -> None:
    """RFC 6749 §6: MUST be bound to the client to which it was issued."""
    token = Browser(provider).tokens()["refresh_token"]
    live = successor(provider, token)
    provider.clock.advance(minutes=1)
    for stolen in (token, live):
        assert_error(provider.refresh(stolen, client_id="sibling"), "invalid_grant")
    assert provider.refresh(live).status_code == 200


def test_a_client_that_may_not_refresh_is_told(provider: Provider) -> None:
    token = Browser(provider).tokens()["refresh_token"]
    assert_error(provider.refresh(token, client_id="narrow"), "unauthorized_client")


@pytest.mark.parametrize("token", ["x", "A" * 86, "ă" * 86, "=" * 86])
def test_a_made_up_token_is_unknown(provider: Provider, token: str) -> None:
    assert_error(provider.refresh(token), "invalid_grant")


def test_a_forged_token_with_a_known_grant_id_ends_nothing(provider: Provider) -> None:
    """Who knows a grant's id (it is in every access token) cannot end it by a made-up replay."""
    tokens = Browser(provider).tokens()
    grant_id = claims_of(tokens["access_token"])["grant_id"]
    genuine = tokens["refresh_token"]
    made = provider.services.opaque.make(GrantId(grant_id), kind=OpaqueKind.CODE)
    for forged in (
        made.text,
        genuine[:22] + "A" * 64,
        genuine[:-1] + ("A" if genuine[-1] != "A" else "B"),
    ):
        assert_error(provider.refresh(forged), "invalid_grant")
    assert provider.refresh(genuine).status_code == 200


def test_a_token_ends_with_the_session_unless_offline_access_was_agreed_to(
    provider_on_both: Provider,
) -> None:
    """OpenID Connect Core §11; architecture §5.8."""
    provider = provider_on_both
    browser = Browser(provider)
    bound = browser.tokens("portal")["refresh_token"]
    offline = browser.tokens("sibling", scope=_OFFLINE)["refresh_token"]
    browser.press(browser.get("/logout"), "logout-confirm")
    assert_error(provider.refresh(bound), "invalid_grant")
    assert provider.refresh(offline, client_id="sibling").status_code == 200


def test_sign_out_everywhere_ends_offline_access_too(provider: Provider) -> None:
    offline = Browser(provider).tokens(scope=_OFFLINE)["refresh_token"]
    provider.services.sessions.end_all(ANH.account_id, now=provider.now)
    assert_error(provider.refresh(offline), "invalid_grant")


def test_a_family_has_an_absolute_end(provider: Provider) -> None:
    """RFC 9700 §4.14.2: refresh tokens SHOULD expire; using one does not prolong the family."""
    token = Browser(provider).tokens(scope=_OFFLINE)["refresh_token"]
    for _ in range(3):
        provider.clock.advance(days=9)
        token = successor(provider, token)
    provider.clock.advance(days=3)
    assert_error(provider.refresh(token), "invalid_grant")


def test_a_locked_account_is_refused_and_goes_on_once_it_is_unlocked(
    provider_on_both: Provider,
) -> None:
    provider = provider_on_both
    token = Browser(provider).tokens(scope=_OFFLINE)["refresh_token"]
    services = provider.services
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    lifecycle.lock(ANH.account_id, reason="test", now=provider.now)
    assert_error(provider.refresh(token), "invalid_grant")
    provider.clock.advance(minutes=5)
    lifecycle.unlock(ANH.account_id, reason="test", now=provider.now)
    assert provider.refresh(token).status_code == 200


def test_a_client_with_a_key_of_its_own_keeps_its_token(provider: Provider) -> None:
    """FAPI 2.0 §5.3.2.1 point 9: no rotation; only the holder of the key can use it."""
    tokens = Browser(provider).tokens("fapi", scope=_OFFLINE)
    for _ in range(3):
        provider.clock.advance(minutes=1)
        again = provider.refresh(tokens["refresh_token"], client_id="fapi").get_json()
        assert again["refresh_token"] == tokens["refresh_token"]


def test_a_public_client_names_itself_and_rotates(provider: Provider) -> None:
    """RFC 9700 §2.2.2: refresh tokens of public clients MUST be rotated or sender-constrained."""
    token = Browser(provider).tokens("native")["refresh_token"]
    live = successor(provider, token, client_id="native")
    provider.clock.advance(minutes=1)
    assert_error(provider.refresh(token, client_id="native"), "invalid_grant")
    assert_error(provider.refresh(live, client_id="native"), "invalid_grant")


def test_another_resource_is_refused_and_uses_nothing_up(provider: Provider) -> None:
    """RFC 8707 §2.2."""
    token = Browser(provider).tokens()["refresh_token"]
    assert_error(provider.refresh(token, resource=API), "invalid_target")
    provider.clock.advance(minutes=1)
    assert provider.refresh(token).status_code == 200
