"""What is shared, what has to be agreed to, and what an answer is worth later."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from clients.registry.editing import RegistryEditor
from idp.registration import Registration
from idp.storage.consents import consent, consents_of, find_consent
from tests.support.provider import Provider
from tests.support.provider_browser import VERIFIER, Browser, Landing
from tests.support.provider_seeds import ANH

_PROCEDURE = "1.000001"


def ticked(browser: Browser, landing: Landing, *share: str) -> Landing:
    """Agree, with only these optional items ticked."""
    return browser.press(landing, "consent-accept", {"share": list(share)})


def exchanged(provider: Provider, landing: Landing, client_id: str) -> dict[str, Any]:
    answer = provider.exchange(landing.code, client_id=client_id, verifier=VERIFIER)
    assert answer.status_code == 200
    found = answer.get_json()
    assert isinstance(found, dict)
    return found


def asks(landing: Landing) -> bool:
    return landing.shows("consent-accept")


def test_what_was_agreed_to_is_not_asked_again(browser: Browser) -> None:
    browser.tokens(scope="openid profile email")
    assert not asks(browser.authorize(scope="openid profile email"))
    assert not asks(browser.authorize(scope="openid email"))
    assert asks(browser.authorize(scope="openid email phone"))


def test_openid_alone_shares_nothing_and_asks_nothing(browser: Browser) -> None:
    landing = browser.sign_in(scope="openid")
    assert landing.asked == ("login-submit",)


def test_consent_belongs_to_one_client(browser: Browser) -> None:
    browser.tokens("portal")
    assert asks(browser.authorize("sibling"))


def test_who_does_not_agree_shares_nothing(provider: Provider, browser: Browser) -> None:
    """RFC 6749 §4.1.2.1 access_denied."""
    landing = browser.log_in(browser.authorize())
    assert browser.press(landing, "consent-deny").error == "access_denied"
    assert asks(browser.authorize())
    with provider.services.database.read() as connection:
        assert consents_of(connection, ANH.account_id) == ()


def test_claims_asked_for_by_name_need_consent_too(browser: Browser) -> None:
    """OpenID Connect Core §5.5: judged over the final claims, not over scopes."""
    browser.tokens(scope="openid profile")
    claims = json.dumps({"userinfo": {"phone_number": None}})
    landing = browser.authorize(scope="openid profile", claims=claims)
    assert asks(landing)
    assert "code" in browser.press(landing, "consent-accept").fields
    assert not asks(browser.authorize(scope="openid profile", claims=claims))
    more = json.dumps({"id_token": {"phone_number": None, "address": None}})
    assert asks(browser.authorize(scope="openid profile", claims=more))


def test_the_claims_parameter_opens_nothing_that_no_scope_of_the_client_would(
    provider: Provider, browser: Browser
) -> None:
    """`narrow` is registered for profile alone: personal numbers stay closed, however asked for."""
    claims = json.dumps(
        {"userinfo": {"personal_id_number": {"essential": True}, "email": None, "name": None}}
    )
    tokens = browser.tokens("narrow", scope="openid", claims=claims)
    found = provider.userinfo(tokens["access_token"]).get_json()
    assert set(found) == {"sub", "name"}


def test_the_allow_list_holds_for_scopes_and_claims(provider: Provider, browser: Browser) -> None:
    claims = json.dumps({"userinfo": {"personal_id_number": None, "email": None}})
    tokens = browser.tokens("listed", scope="openid profile identity phone", claims=claims)
    assert tokens["scope"] == "openid profile"
    found = provider.userinfo(tokens["access_token"]).get_json()
    assert set(found) == {"sub", "name", "email"}


# -- optional items --------------------------------------------------------------------------------


def test_nothing_is_ticked_beforehand(browser: Browser) -> None:
    landing = browser.log_in(browser.authorize("choices", scope="openid profile email"))
    assert asks(landing)
    assert "checked" not in landing.page


def test_what_is_not_ticked_is_neither_in_the_scope_nor_in_the_claims(
    provider: Provider, browser: Browser
) -> None:
    claims = json.dumps({"userinfo": {"email": None}, "id_token": {"email": None}})
    request = {"scope": "openid profile email offline_access", "claims": claims}
    landing = browser.log_in(browser.authorize("choices", **request))
    tokens = exchanged(provider, ticked(browser, landing), "choices")
    assert tokens["scope"] == "openid profile"
    found = provider.userinfo(tokens["access_token"]).get_json()
    assert "name" in found
    assert "email" not in found
    assert "email" not in json.dumps(tokens)


def test_a_declined_item_is_not_asked_for_again_until_the_portal_says_prompt_consent(
    browser: Browser,
) -> None:
    scope = "openid profile email"
    ticked(browser, browser.log_in(browser.authorize("choices", scope=scope)))
    assert not asks(browser.authorize("choices", scope=scope))
    assert asks(browser.authorize("choices", scope=scope, prompt="consent"))


def test_the_newest_answer_counts(provider: Provider, browser: Browser) -> None:
    """Who takes a tick away when asked again has taken it away."""
    scope = "openid profile email"
    first = ticked(browser, browser.log_in(browser.authorize("choices", scope=scope)), "email")
    assert exchanged(provider, first, "choices")["scope"] == scope
    provider.clock.advance(minutes=1)
    again = browser.authorize("choices", scope=scope, prompt="consent")
    assert exchanged(provider, ticked(browser, again), "choices")["scope"] == "openid profile"
    later = browser.authorize("choices", scope=scope)
    assert exchanged(provider, later, "choices")["scope"] == "openid profile"
    provider.clock.advance(minutes=1)
    once_more = browser.authorize("choices", scope=scope, prompt="consent")
    assert exchanged(provider, ticked(browser, once_more, "email"), "choices")["scope"] == scope


def test_only_optional_items_of_the_page_can_be_ticked(
    provider: Provider, browser: Browser
) -> None:
    landing = browser.log_in(browser.authorize("choices", scope="openid profile email"))
    tokens = exchanged(
        provider, ticked(browser, landing, "identity", "phone", "admin", ""), "choices"
    )
    assert tokens["scope"] == "openid profile"


def test_offline_access_is_agreed_to_by_name(provider: Provider, browser: Browser) -> None:
    """OpenID Connect Core §11: MUST obtain consent to enable offline access."""
    scope = "openid offline_access"
    landing = browser.log_in(browser.authorize("choices", scope=scope))
    assert asks(landing)
    assert (
        exchanged(provider, ticked(browser, landing, "offline_access"), "choices")["scope"] == scope
    )


# -- on ground of a law ----------------------------------------------------------------------------


def approve(provider: Provider, client_id: str = "statutory") -> Registration:
    services = provider.services
    registration = Registration(services.database, registry=services.registry, log=services.log)
    (basis,) = services.registry.list_bases_of(client_id)
    registration.approve_basis(basis.basis_id, operator="second", now=provider.now)
    return registration


def test_a_basis_counts_only_once_a_second_operator_approved_it(
    provider: Provider, browser: Browser
) -> None:
    request = {"scope": "openid identity", "antin_procedure": _PROCEDURE}
    landing = browser.log_in(browser.authorize("statutory", **request))
    assert asks(landing)
    approve(provider)
    landing = browser.authorize("statutory", **request)
    assert not asks(landing)
    assert landing.shows("information-continue")
    assert "Article 5" in landing.page


def test_who_was_informed_is_not_informed_again(provider: Provider, browser: Browser) -> None:
    approve(provider)
    request = {"scope": "openid identity", "antin_procedure": _PROCEDURE}
    landing = browser.sign_in("statutory", **request)
    assert landing.asked == ("login-submit", "information-continue")
    tokens = exchanged(provider, landing, "statutory")
    assert ANH.identifier in provider.userinfo(tokens["access_token"]).get_data(as_text=True)
    assert "code" in browser.authorize("statutory", **request).fields
    assert "oauth:consent:informed" in provider.events()
    assert "oauth:consent:given" not in provider.events()


def test_without_the_procedure_the_law_does_not_help(provider: Provider, browser: Browser) -> None:
    approve(provider)
    for procedure in (None, "2.000002"):
        landing = browser.authorize("statutory", scope="openid identity", antin_procedure=procedure)
        landing = browser.log_in(landing) if landing.shows("login-submit") else landing
        assert asks(landing)


def test_a_law_for_one_scope_asks_consent_for_the_others(
    provider: Provider, browser: Browser
) -> None:
    approve(provider)
    request = {"scope": "openid identity email", "antin_procedure": _PROCEDURE}
    landing = browser.log_in(browser.authorize("statutory", **request))
    assert asks(landing)
    browser.press(landing, "consent-accept")
    with provider.services.database.read() as connection:
        kept = {one.kind: one.scopes for one in consents_of(connection, ANH.account_id)}
    assert kept == {"consent": ("email",), "information": ("identity",)}


def test_having_been_told_of_a_law_is_no_consent_once_it_has_ended(
    provider: Provider, browser: Browser
) -> None:
    registration = approve(provider)
    request = {"scope": "openid identity email", "antin_procedure": _PROCEDURE}
    browser.sign_in("statutory", **request)
    (basis,) = provider.services.registry.list_bases_of("statutory")
    registration.end_basis(basis.basis_id, operator="first", now=provider.now)
    assert asks(browser.authorize("statutory", **request))


def test_having_been_told_of_a_law_ticks_nothing(provider: Provider, browser: Browser) -> None:
    """Law 91/2025/QH15 Art. 9: silence and information are no consent."""
    approve(provider, "told")
    scope = "openid profile phone"
    declined = ticked(browser, browser.log_in(browser.authorize("told", scope=scope)))
    assert exchanged(provider, declined, "told")["scope"] == "openid profile"
    provider.clock.advance(minutes=1)
    by_law = {"scope": scope, "antin_procedure": _PROCEDURE, "prompt": "consent"}
    told = ticked(browser, browser.authorize("told", **by_law))
    assert exchanged(provider, told, "told")["scope"] == scope
    provider.clock.advance(minutes=1)
    plain = browser.authorize("told", scope=scope)
    assert exchanged(provider, plain, "told")["scope"] == "openid profile"


def test_who_declined_is_told_before_a_law_hands_it_over(
    provider: Provider, browser: Browser
) -> None:
    """NĐ 356/2025 Art. 6: a box that was left empty is no knowledge that it is shared after all."""
    approve(provider, "told")
    scope = "openid profile phone"
    ticked(browser, browser.log_in(browser.authorize("told", scope=scope)))
    by_law = {"scope": scope, "antin_procedure": _PROCEDURE}
    assert browser.authorize("told", prompt="none", **by_law).error == "interaction_required"
    landing = browser.authorize("told", **by_law)
    assert landing.shows("information-continue")
    told = browser.press(landing, "information-continue")
    assert exchanged(provider, told, "told")["scope"] == scope
    assert "code" in browser.authorize("told", **by_law).fields, "once is enough"


def test_what_was_shared_by_agreement_needs_no_information(
    provider: Provider, browser: Browser
) -> None:
    approve(provider, "told")
    scope = "openid profile phone"
    ticked(browser, browser.log_in(browser.authorize("told", scope=scope)), "phone")
    landing = browser.authorize("told", scope=scope, antin_procedure=_PROCEDURE)
    assert exchanged(provider, landing, "told")["scope"] == scope


def test_agreeing_on_the_page_that_only_informs_does_not_pass_for_consent(
    browser: Browser,
) -> None:
    """The other form's address, with a good token, while consent is asked: nothing happens."""
    landing = browser.log_in(browser.authorize(scope="openid email"))
    csrf = landing.page.split('name="csrf_token" value="')[1].split('"')[0]
    again = browser.submit(f"{landing.place}/information", {"csrf_token": csrf})
    assert asks(again)


# -- evidence --------------------------------------------------------------------------------------


def test_the_receipt_holds_the_text_its_language_version_and_hash(
    provider_on_both: Provider,
) -> None:
    """Law 91/2025/QH15 Art. 9: consent must be provable."""
    browser = Browser(provider_on_both)
    browser.tokens(scope="openid email", ui_locales="en")
    services = provider_on_both.services
    with services.database.read() as connection:
        (kept,) = consents_of(connection, ANH.account_id)
        found = find_consent(connection, kept.consent_id)
        sealed_only = connection.execute(select(consent.c.text_sealed)).scalar_one()
    assert found is not None
    assert (kept.language, kept.kind, kept.shared) == (
        "en", "consent", ("email", "email_verified"),
    )  # fmt: skip
    assert len(kept.text_sha256) == 64
    assert b"Portal" not in bytes(sealed_only)
    data_key = services.people.data_key_of(ANH.account_id)
    assert data_key is not None
    text = services.sealer.unseal_personal(data_key, found[1], context=kept.consent_id)
    assert b"Portal portal" in text


def test_prompt_consent_asks_although_nothing_is_new(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1 prompt=consent."""
    browser.tokens()
    assert asks(browser.authorize(prompt="consent"))


def test_prompt_consent_shows_what_rests_on_law_on_the_same_page(
    provider: Provider, browser: Browser
) -> None:
    """OpenID Connect Core §3.1.2.1 prompt=consent; Law 91/2025/QH15 Art. 9: neither goes unsaid."""
    approve(provider)
    browser.sign_in("statutory", scope="openid email")
    by_law = {"scope": "openid identity email", "antin_procedure": _PROCEDURE}
    landing = browser.authorize("statutory", prompt="consent", **by_law)
    assert asks(landing), "the person was never told of the law, and still has to be asked"
    assert "Thư điện tử" in landing.page
    assert "Article 5" in landing.page
    landing = browser.press(landing, "consent-accept")
    assert exchanged(provider, landing, "statutory")["scope"] == "openid identity email"
    assert "code" in browser.authorize("statutory", prompt="none", **by_law).fields


def test_prompt_consent_informs_where_there_is_nothing_to_agree_to(
    provider: Provider, browser: Browser
) -> None:
    """A button that says no is no choice where a law hands the data over."""
    approve(provider)
    by_law = {"scope": "openid identity", "antin_procedure": _PROCEDURE}
    browser.sign_in("statutory", **by_law)
    landing = browser.authorize("statutory", prompt="consent", **by_law)
    assert landing.shows("information-continue")
    assert "code" in browser.press(landing, "information-continue").fields


def test_prompt_consent_asks_where_nothing_is_shared(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1 prompt=consent."""
    browser.sign_in(scope="openid")
    assert asks(browser.authorize(scope="openid", prompt="consent"))


def test_legacy_portals_ask_before_they_are_handed_their_own_names(
    provider: Provider, browser: Browser
) -> None:
    landing = browser.log_in(
        browser.authorize(
            "legacy", scope="openid vnconnect", code_challenge=None, code_challenge_method=None
        )
    )
    assert asks(landing)
    for label in ("Mã kỹ thuật", "Họ và tên", "Số định danh cá nhân"):
        assert label in landing.page
    assert "Số điện thoại" not in landing.page
    landing = browser.press(landing, "consent-accept")
    answer = provider.exchange(landing.code, client_id="legacy")
    assert answer.status_code == 200
    found = provider.userinfo(answer.get_json()["access_token"]).get_json()
    assert set(found) == {"sub", "TechID", "HoVaTen", "SoDinhDanh"}


# -- a client that may have more than before -------------------------------------------------------


def widen(provider: Provider, client_id: str, *names: str) -> None:
    """The operator adds to the client's allow-list."""
    services = provider.services
    client = services.registry.find_client(client_id, now=provider.now)
    assert client is not None
    assert client.claims is not None
    wider = replace(client, claims=client.claims | set(names))
    with services.database.transaction() as tx:
        RegistryEditor(services.registry).change_client(tx, wider, now=provider.now)
    provider.clock.advance(seconds=6)  # what is remembered of a grant is five seconds old at most


def test_a_wider_allow_list_adds_nothing_to_what_was_granted(
    provider: Provider, browser: Browser
) -> None:
    """Law 91/2025/QH15 Art. 9: for what is new the person is asked."""
    scope = "openid profile offline_access"
    tokens = browser.tokens("listed", scope=scope)
    widen(provider, "listed", "birthdate")
    assert set(provider.userinfo(tokens["access_token"]).get_json()) == {"sub", "name"}
    fresh = provider.refresh(tokens["refresh_token"], client_id="listed").get_json()
    assert set(provider.userinfo(fresh["access_token"]).get_json()) == {"sub", "name"}
    again = browser.authorize("listed", scope=scope)
    assert asks(again)
    more = exchanged(provider, browser.press(again, "consent-accept"), "listed")
    found = provider.userinfo(more["access_token"]).get_json()
    assert set(found) == {"sub", "name", "birthdate"}


def test_a_legacy_portal_that_may_have_more_names_asks_again(
    provider: Provider, browser: Browser
) -> None:
    request = {
        "scope": "openid vnconnect", "code_challenge": None, "code_challenge_method": None,
    }  # fmt: skip
    code = browser.sign_in("legacy", **request).code
    token = provider.exchange(code, client_id="legacy").get_json()["access_token"]
    widen(provider, "legacy", "SoDienThoai")
    assert "SoDienThoai" not in provider.userinfo(token).get_json()
    assert asks(browser.authorize("legacy", **request))
