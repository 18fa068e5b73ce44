"""What a person is asked, when, and what a portal is told when nobody may be asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from idp.accounts.lifecycle import AccountLifecycle
from tests.support.provider import Provider, claims_of
from tests.support.provider_browser import VERIFIER, Browser
from tests.support.provider_seeds import ANH, BINH, CHI, DUNG


def acr(value: str | list[str], *, essential: bool = True) -> str:
    """A `claims` parameter that asks for an acr."""
    name = "values" if isinstance(value, list) else "value"
    return json.dumps({"id_token": {"acr": {"essential": essential, name: value}}})


def id_claims(provider: Provider, browser: Browser, **changed: str | None) -> dict[str, Any]:
    return claims_of(browser.tokens(**changed)["id_token"])


# -- single sign-on and prompt=none ----------------------------------------------------------------


def test_the_second_portal_asks_nothing_again(browser: Browser) -> None:
    browser.tokens("portal")
    landing = browser.sign_in("sibling")
    assert landing.asked == ("consent-accept",)


def test_prompt_none_without_a_session_is_login_required(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1 prompt=none: MUST NOT display any page; §3.1.2.6."""
    landing = browser.authorize(prompt="none")
    assert landing.error == "login_required"
    assert browser.cookie("browser") is None


def test_prompt_none_without_consent_is_consent_required(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.6."""
    browser.tokens(scope="openid profile")
    assert "code" in browser.authorize(prompt="none").fields
    assert browser.authorize(prompt="none", scope="openid email").error == "consent_required"


def test_prompt_none_with_several_capacities_is_interaction_required(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.6: nobody chose, and nobody can be asked."""
    browser.tokens(who=BINH, scope="openid organization")
    landing = browser.authorize(prompt="none", scope="openid organization")
    assert landing.error == "interaction_required"


def test_prompt_none_below_the_clients_level_is_login_required(browser: Browser) -> None:
    browser.tokens()
    browser.sign_in("level2", scope="openid", prompt="none")
    assert browser.authorize("level2", prompt="none").error == "login_required"


def test_prompt_none_goes_on_when_a_level_is_only_wished_for(
    provider: Provider, browser: Browser
) -> None:
    """OpenID Connect Core §3.1.2.1 acr_values is a wish: unmet, the truth is told."""
    browser.tokens()
    landing = browser.authorize(prompt="none", acr_values="urn:vn:auth:2")
    tokens = provider.exchange(landing.code, verifier=VERIFIER).get_json()
    assert claims_of(tokens["id_token"])["acr"] == "urn:vn:auth:1"


def test_prompt_none_with_an_account_of_too_low_a_level_is_denied(browser: Browser) -> None:
    browser.tokens(who=CHI)
    assert browser.authorize("known", prompt="none").error == "access_denied"


def test_prompt_none_where_a_second_factor_was_never_enrolled(browser: Browser) -> None:
    browser.tokens(who=CHI)
    landing = browser.authorize("level2", prompt="none")
    assert landing.error == "unmet_authentication_requirements"


def test_the_session_of_a_locked_account_counts_as_none(
    provider: Provider, browser: Browser
) -> None:
    browser.tokens()
    services = provider.services
    lifecycle = AccountLifecycle(services.database, sealer=services.sealer, log=services.log)
    lifecycle.lock(ANH.account_id, reason="test", now=provider.now)
    assert browser.authorize(prompt="none").error == "login_required"
    assert browser.authorize().shows("login-submit")


def test_an_expired_session_counts_as_none(provider: Provider, browser: Browser) -> None:
    browser.tokens()
    provider.clock.advance(hours=12)
    assert browser.authorize(prompt="none").error == "login_required"


# -- prompt=login, max_age -------------------------------------------------------------------------


def test_prompt_login_asks_although_there_is_a_session(
    provider: Provider, browser: Browser
) -> None:
    """OpenID Connect Core §3.1.2.1 prompt=login: SHOULD prompt for re-authentication."""
    before = id_claims(provider, browser)
    provider.clock.advance(minutes=5)
    landing = browser.sign_in(prompt="login")
    assert landing.asked == ("login-submit",)
    tokens = provider.exchange(landing.code, verifier=VERIFIER).get_json()
    after = claims_of(tokens["id_token"])
    assert after["auth_time"] == before["auth_time"] + 300
    assert after["sid"] == before["sid"], "the same session, under another cookie"


def test_prompt_login_asks_for_the_second_factor_again_too(
    provider: Provider, browser: Browser
) -> None:
    browser.tokens("level2")
    provider.clock.advance(minutes=5)
    landing = browser.sign_in("level2", prompt="login")
    assert landing.asked == ("login-submit", "otp-submit")


@pytest.mark.parametrize("max_age", ["0", "1"])
def test_a_small_max_age_asks_once_and_then_lets_through(
    provider: Provider, browser: Browser, max_age: str
) -> None:
    """OpenID Connect Core §3.1.2.1 max_age: re-authenticate, then go on, however slow one reads."""
    browser.tokens()
    provider.clock.advance(seconds=2)
    landing = browser.authorize(max_age=max_age, scope="openid email")
    provider.clock.advance(seconds=20)
    landing = browser.log_in(landing)
    provider.clock.advance(minutes=2)
    assert landing.shows("consent-accept")
    assert "code" in browser.press(landing, "consent-accept").fields


def test_max_age_with_a_second_factor_comes_to_an_end(provider: Provider, browser: Browser) -> None:
    landing = browser.log_in(browser.authorize("level2", max_age="0"))
    provider.clock.advance(seconds=40)
    landing = browser.give_code(landing)
    provider.clock.advance(seconds=40)
    assert "code" in browser.press(landing, "consent-accept").fields


def test_max_age_zero_under_prompt_none_is_login_required(
    provider: Provider, browser: Browser
) -> None:
    browser.tokens()
    provider.clock.advance(seconds=1)
    assert browser.authorize(max_age="0", prompt="none").error == "login_required"


def test_a_large_max_age_asks_nothing_and_auth_time_is_told(
    provider: Provider, browser: Browser
) -> None:
    """OpenID Connect Core §2 auth_time: REQUIRED when max_age was asked for."""
    first = id_claims(provider, browser)
    provider.clock.advance(minutes=10)
    found = id_claims(provider, browser, max_age="9999999999")
    assert found["auth_time"] == first["auth_time"]
    assert found["iat"] == first["iat"] + 600


# -- prompt=select_account -------------------------------------------------------------------------


def test_select_account_shows_who_is_signed_in(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1 prompt=select_account."""
    browser.tokens()
    landing = browser.authorize(prompt="select_account")
    assert landing.shows("account-continue")
    assert ANH.identifier not in landing.page
    assert "code" in browser.press(landing, "account-continue").fields


def test_select_account_without_a_session_is_the_sign_in_itself(browser: Browser) -> None:
    landing = browser.sign_in(prompt="select_account")
    assert landing.asked == ("login-submit", "consent-accept")


def test_select_account_under_prompt_none_does_not_go_together(browser: Browser) -> None:
    """OpenID Connect Core §3.1.2.1: none with any other value is an error."""
    browser.tokens()
    assert browser.authorize(prompt="none select_account").error == "invalid_request"


def test_another_account_may_be_chosen_and_the_one_before_is_signed_out(
    provider: Provider, browser: Browser
) -> None:
    browser.tokens()
    provider.clock.advance(minutes=1)
    landing = browser.press(browser.authorize(prompt="select_account"), "account-other")
    assert landing.shows("login-submit")
    landing = browser.answer_all(landing, who=DUNG)
    assert "code" in landing.fields
    assert [due["client_id"] for due in provider.logouts_due()] == ["portal"]


def test_choosing_another_account_and_giving_the_same_one_comes_to_an_end(
    provider: Provider, browser: Browser
) -> None:
    browser.tokens()
    provider.clock.advance(minutes=1)
    landing = browser.press(browser.authorize(prompt="select_account"), "account-other")
    assert "code" in browser.log_in(landing).fields


# -- two hosts, two clocks -------------------------------------------------------------------------


@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_host_whose_clock_is_behind_does_not_ask_for_ever(
    provider: Provider, browser: Browser, demand: dict[str, str]
) -> None:
    """The interaction began on another host, three seconds ahead of the one that gets the form."""
    browser.tokens("level2")
    provider.clock.advance(minutes=1)
    landing = browser.authorize("level2", **demand)
    provider.clock.advance(seconds=-3)
    landing = browser.log_in(landing)
    assert landing.shows("otp-submit")
    assert "code" in browser.give_code(landing).fields


# -- levels and step-up ----------------------------------------------------------------------------


def test_a_client_of_level_two_gets_both_factors(provider: Provider, browser: Browser) -> None:
    landing = browser.sign_in("level2")
    assert landing.asked == ("login-submit", "otp-submit", "consent-accept")


def test_a_step_up_asks_for_the_code_alone_while_the_password_is_fresh(
    provider: Provider, browser: Browser
) -> None:
    first = id_claims(provider, browser)
    provider.clock.advance(minutes=30)
    landing = browser.authorize(acr_values="urn:vn:auth:2")
    assert landing.shows("otp-submit")
    landing = browser.give_code(landing)
    tokens = provider.exchange(landing.code, verifier=VERIFIER).get_json()
    found = claims_of(tokens["id_token"])
    assert (found["acr"], found["amr"]) == ("urn:vn:auth:2", ["pwd", "otp", "mfa"])
    assert found["auth_time"] == first["auth_time"], "the oldest factor used"


def test_a_step_up_asks_for_a_stale_password_first(provider: Provider, browser: Browser) -> None:
    browser.tokens()
    provider.clock.advance(hours=2)
    landing = browser.sign_in(acr_values="urn:vn:auth:2")
    assert landing.asked == ("login-submit", "otp-submit")


def test_a_code_posted_before_its_turn_does_not_raise_the_session(
    provider: Provider, browser: Browser
) -> None:
    """The password is not fresh: a code that is sent to the form's address early counts nothing."""
    browser.tokens()
    provider.clock.advance(minutes=5)
    early = browser.authorize(acr_values="urn:vn:auth:2")
    assert early.shows("otp-submit")
    provider.clock.advance(minutes=58)  # of the session; the interaction itself is younger
    landing = browser.authorize(acr_values="urn:vn:auth:2")
    assert landing.shows("login-submit")
    action = f"{landing.place}/otp"
    csrf = landing.page.split('name="csrf_token" value="')[1].split('"')[0]
    landing = browser.submit(action, {"csrf_token": csrf, "otp": browser.next_code(ANH)})
    assert landing.shows("login-submit")
    assert browser.authorize("level2", prompt="none").error == "login_required"


def test_a_wished_level_that_nobody_can_give_is_told_truthfully(
    provider: Provider, browser: Browser
) -> None:
    """OpenID Connect Core §3.1.2.1 acr_values: a voluntary claim."""
    found = claims_of(browser.tokens(who=CHI, acr_values="urn:vn:auth:2")["id_token"])
    assert (found["acr"], found["amr"]) == ("urn:vn:auth:1", ["pwd"])
    found = id_claims(provider, Browser(provider), acr_values="urn:vn:auth:4 what-is-this")
    assert found["acr"] == "urn:vn:auth:2"


def test_an_essential_acr_that_nobody_can_give_is_refused_before_anything_is_asked(
    browser: Browser,
) -> None:
    """OpenID Connect Core §5.5.1.1: MUST be treated as a failed authentication attempt."""
    for value in ("urn:vn:auth:3", "what-is-this", ["urn:vn:auth:3", "urn:vn:auth:4"]):
        landing = browser.authorize(claims=acr(value))
        assert landing.error == "unmet_authentication_requirements"
    landing = browser.authorize(claims=acr("urn:vn:auth:3"), prompt="none")
    assert landing.error == "unmet_authentication_requirements"


def test_an_essential_acr_that_can_be_given_is_reached(
    provider: Provider, browser: Browser
) -> None:
    found = id_claims(provider, browser, claims=acr(["urn:vn:auth:3", "urn:vn:auth:2"]))
    assert found["acr"] == "urn:vn:auth:2"


def test_who_gives_no_second_factor_is_refused_where_it_is_essential(browser: Browser) -> None:
    landing = browser.log_in(browser.authorize("level2"))
    assert browser.press(landing, "otp-cancel").error == "unmet_authentication_requirements"


def test_the_alias_goes_to_clients_that_asked_and_may(provider: Provider, browser: Browser) -> None:
    found = claims_of(browser.tokens("alias", acr_values="LoA1")["id_token"])
    assert found["acr"] == "LoA1"
    found = claims_of(browser.tokens("portal", acr_values="LoA1")["id_token"])
    assert found["acr"] == "urn:vn:auth:1"


def test_an_account_below_the_clients_demand_is_shown_a_way_back(browser: Browser) -> None:
    landing = browser.log_in(browser.authorize("known"), who=CHI)
    assert landing.response.status_code == 403
    assert browser.get(f"{landing.place}/leave").error == "access_denied"


def test_who_cancels_comes_back_with_access_denied(browser: Browser) -> None:
    """RFC 6749 §4.1.2.1 access_denied."""
    assert browser.press(browser.authorize(), "login-cancel").error == "access_denied"


# -- capacity --------------------------------------------------------------------------------------


def organisation_of(provider: Provider, browser: Browser, **changed: str | None) -> Any:
    tokens = browser.tokens(scope="openid organization", **changed)
    return claims_of(tokens["id_token"]).get("org")


def test_a_person_who_represents_nobody_is_not_asked(browser: Browser) -> None:
    landing = browser.sign_in(scope="openid organization")
    assert landing.asked == ("login-submit", "consent-accept")


def test_a_person_chooses_for_whom(provider: Provider, browser: Browser) -> None:
    landing = browser.log_in(browser.authorize(scope="openid organization"), who=BINH)
    assert all(landing.shows(f"capacity-{number}") for number in range(3))
    landing = browser.answer_all(browser.press(landing, "capacity-1"), who=BINH)
    tokens = provider.exchange(landing.code, verifier=VERIFIER).get_json()
    org = claims_of(tokens["id_token"])["org"]
    assert org["enterprise_code"] in BINH.organisations
    assert org["role"] == "legal_representative"
    assert claims_of(tokens["access_token"])["org"] == org
    assert provider.userinfo(tokens["access_token"]).get_json()["org"] == org


def test_only_an_offered_capacity_is_taken(browser: Browser) -> None:
    landing = browser.log_in(browser.authorize(scope="openid organization"), who=BINH)
    for chosen in ("mdt_" + "0" * 32, "", "admin"):
        again = browser.press(landing, "capacity-0", {"capacity": chosen})
        assert again.shows("capacity-0")


def test_who_does_not_ask_about_organisations_is_told_nothing_of_them(browser: Browser) -> None:
    landing = browser.sign_in(who=BINH)
    assert "capacity-0" not in landing.asked


def test_a_client_without_the_scope_does_not_make_people_choose(browser: Browser) -> None:
    landing = browser.sign_in("narrow", who=BINH, scope="openid organization")
    assert "capacity-0" not in landing.asked


def test_a_portal_may_ask_for_a_person(browser: Browser) -> None:
    landing = browser.sign_in(who=BINH, scope="openid organization", antin_capacity="person")
    assert "capacity-0" not in landing.asked


def test_a_portal_may_ask_for_one_organisation(provider: Provider, browser: Browser) -> None:
    code = BINH.organisations[1]
    org = organisation_of(provider, browser, who=BINH, antin_capacity=code)
    assert org["enterprise_code"] == code
    silent = browser.authorize(scope="openid organization", antin_capacity=code, prompt="none")
    assert "code" in silent.fields, "one is no choice"


def test_an_organisation_that_one_does_not_represent_is_refused(browser: Browser) -> None:
    landing = browser.log_in(
        browser.authorize(scope="openid organization", antin_capacity=BINH.organisations[1]),
        who=DUNG,
    )
    assert landing.response.status_code == 403
    assert browser.get(f"{landing.place}/leave").error == "access_denied"


def test_a_portal_for_persons_may_not_ask_for_organisations(browser: Browser) -> None:
    for wish in ("organisation", "9900000016"):
        landing = browser.authorize("person-only", antin_capacity=wish)
        assert landing.error == "invalid_request"
    landing = browser.sign_in("person-only", who=BINH, scope="openid organization")
    assert "capacity-0" not in landing.asked


def test_a_portal_for_organisations_may_not_ask_for_persons(browser: Browser) -> None:
    landing = browser.authorize("organisation-only", antin_capacity="person")
    assert landing.error == "invalid_request"


def test_a_portal_for_organisations_refuses_who_represents_none(browser: Browser) -> None:
    landing = browser.log_in(browser.authorize("organisation-only"))
    assert landing.response.status_code == 403
    assert browser.authorize("organisation-only", prompt="none").error == "access_denied"


def test_a_portal_for_organisations_takes_the_only_one(browser: Browser) -> None:
    landing = browser.sign_in("organisation-only", who=DUNG, scope="openid organization")
    assert "capacity-0" not in landing.asked
    landing = browser.sign_in(
        "organisation-only", who=DUNG, prompt="none", scope="openid organization"
    )
    assert "code" in landing.fields


# -- what a profile caps ---------------------------------------------------------------------------

_LEGACY: dict[str, str | None] = {
    "scope": "openid vnconnect",
    "code_challenge": None,
    "code_challenge_method": None,
}


def test_a_legacy_portal_gets_level_one_whatever_it_wishes_for(
    provider: Provider, browser: Browser
) -> None:
    """Architecture, profiles: level 1."""
    landing = browser.sign_in("legacy", acr_values="urn:vn:auth:2", **_LEGACY)
    assert "otp-submit" not in landing.asked
    browser.tokens("level2")
    tokens = browser.tokens("legacy", **_LEGACY)
    assert claims_of(tokens["id_token"])["acr"] == "urn:vn:auth:1"


def test_a_legacy_portal_cannot_demand_more(browser: Browser) -> None:
    landing = browser.authorize("legacy", claims=acr("urn:vn:auth:2"), **_LEGACY)
    assert landing.error == "unmet_authentication_requirements"
