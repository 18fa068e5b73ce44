"""Scopes of a resource server in the code flow: named, told, agreed to, granted, handed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from clients.registry.editing import RegistryEditor
from clients.registry.model import Client, ResourceServer
from idp.model import Consent, Grant
from idp.oauth.consent import CONSENT
from idp.oauth.scopes import SCOPE_CLAIMS
from idp.registration import Registration
from idp.storage.consents import consents_of
from idp.storage.grants import live_grants
from tests.support.provider import Provider, assert_error, claims_of
from tests.support.provider_browser import VERIFIER, Browser, Landing
from tests.support.provider_seeds import ANH, API, FOREIGN_API

_BOTH: Final = {"scope": "openid doc.read doc.write", "resource": API}


def asks(landing: Landing) -> bool:
    return landing.shows("consent-accept")


def first_page(browser: Browser, **asked: str) -> Landing:
    return browser.log_in(browser.authorize("files", **asked))


def ticked(browser: Browser, landing: Landing, *share: str) -> Landing:
    return browser.press(landing, "consent-accept", {"share": list(share)})


def exchanged(provider: Provider, landing: Landing) -> dict[str, Any]:
    answer = provider.exchange(landing.code, client_id="files", verifier=VERIFIER)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found = answer.get_json()
    assert isinstance(found, dict)
    return found


def the_grant(provider: Provider) -> Grant:
    with provider.services.database.read() as connection:
        (grant,) = live_grants(connection, ANH.account_id, now=provider.now)
    return grant


def consents(provider: Provider) -> tuple[Consent, ...]:
    with provider.services.database.read() as connection:
        return consents_of(connection, ANH.account_id)


def change_client(provider: Provider, change: Callable[[Client], Client]) -> None:
    services = provider.services
    client = services.registry.find_client("files", now=provider.now)
    assert client is not None
    with services.database.transaction() as tx:
        RegistryEditor(services.registry).change_client(tx, change(client), now=provider.now)


def save_server(provider: Provider, **changed: Any) -> None:
    services = provider.services
    server = services.registry.find_resource_server(API, now=provider.now)
    assert isinstance(server, ResourceServer)
    with services.database.transaction() as tx:
        RegistryEditor(services.registry).save_resource_server(
            tx, replace(server, **changed), now=provider.now
        )


# -- granted ---------------------------------------------------------------------------------------


def test_what_was_agreed_to_is_in_the_grant_the_token_and_introspection(
    provider_on_both: Provider,
) -> None:
    """RFC 8707 §2; RFC 6749 §3.3; RFC 9068 §2.2.3; RFC 7662 §2.2."""
    provider = provider_on_both
    browser = Browser(provider)
    landing = first_page(browser, **_BOTH)
    tokens = exchanged(provider, ticked(browser, landing, f"{API}#doc.write"))
    scope = "openid doc.read doc.write"
    assert tokens["scope"] == scope
    assert the_grant(provider).scopes == tuple(scope.split())
    claims = claims_of(tokens["access_token"])
    assert (claims["scope"], claims["aud"]) == (scope, API)
    said = provider.introspect(tokens["access_token"])
    assert (said["scope"], said["aud"]) == (scope, API)


def test_a_refresh_may_ask_for_less_and_never_for_more(
    provider: Provider, browser: Browser
) -> None:
    """RFC 6749 §6: MUST NOT include any scope not originally granted."""
    tokens = browser.tokens("files", scope="openid doc.read", resource=API)
    answer = provider.refresh(tokens["refresh_token"], client_id="files", scope="doc.read")
    less = answer.get_json()
    assert less["scope"] == "doc.read"
    assert claims_of(less["access_token"])["scope"] == "doc.read"
    for more in ("doc.write", "doc.read doc.write", "tax.read"):
        refused = provider.refresh(less["refresh_token"], client_id="files", scope=more)
        assert_error(refused, "invalid_scope")


def test_what_the_operator_takes_from_the_client_is_not_refreshed(
    provider: Provider, browser: Browser
) -> None:
    """RFC 6749 §6: the scope of a refreshed token may be narrower."""
    tokens = browser.tokens("files", scope="openid doc.read", resource=API)
    change_client(
        provider,
        lambda client: replace(
            client,
            scopes=client.scopes - {"doc.read"},
            purposes=tuple(one for one in client.purposes if one.scope != "doc.read"),
        ),
    )
    fresh = provider.refresh(tokens["refresh_token"], client_id="files").get_json()
    assert fresh["scope"] == "openid"
    assert claims_of(fresh["access_token"])["scope"] == "openid"


# -- told and agreed to ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "label", "purpose"),
    [
        ("vi", "Sử dụng Kho hồ sơ thay mặt Ông/Bà (quyền doc.read)", "Việc doc.read"),
        ("en", "Use of Case store on your behalf (permission doc.read)", "For doc.read"),
    ],
)
def test_the_page_names_the_resource_and_the_purpose(
    browser: Browser, language: str, label: str, purpose: str
) -> None:
    """Law 91/2025/QH15 Art. 9: per purpose, in words."""
    landing = first_page(browser, ui_locales=language, **_BOTH)
    assert label in landing.page
    assert purpose in landing.page
    assert label.replace("doc.read", "doc.write") in landing.page


def test_what_is_not_ticked_is_not_granted(provider: Provider, browser: Browser) -> None:
    """Law 91/2025/QH15 Art. 9: silence is no consent."""
    tokens = exchanged(provider, ticked(browser, first_page(browser, **_BOTH)))
    assert tokens["scope"] == "openid doc.read"
    assert the_grant(provider).scopes == ("openid", "doc.read")
    later = browser.authorize("files", **_BOTH)
    assert exchanged(provider, later)["scope"] == "openid doc.read", "declined, not forgotten"


def test_who_says_no_grants_nothing(provider: Provider, browser: Browser) -> None:
    """RFC 6749 §4.1.2.1 access_denied."""
    landing = first_page(browser, **_BOTH)
    assert browser.press(landing, "consent-deny").error == "access_denied"
    silent = browser.authorize("files", prompt="none", **_BOTH)
    assert silent.error == "consent_required"
    assert consents(provider) == ()


def test_the_receipt_names_the_resource(provider: Provider, browser: Browser) -> None:
    """NĐ 356/2025 Art. 6."""
    ticked(browser, first_page(browser, **_BOTH))
    (given,) = consents(provider)
    assert given.kind == CONSENT
    assert given.scopes == (f"{API}#doc.read", f"{API}#doc.write")
    assert given.shared == (f"{API}#doc.read",)
    page = browser.get(f"/account/consents/{given.consent_id}").page
    assert "Sử dụng Kho hồ sơ thay mặt Ông/Bà (quyền doc.read)" in page
    assert "Việc doc.read" in page
    listed = browser.get("/account/consents").page
    assert "Sử dụng Kho hồ sơ thay mặt Ông/Bà (quyền doc.read)" in listed
    assert "doc.write" not in listed


def test_taking_the_consent_back_ends_the_access(provider: Provider, browser: Browser) -> None:
    """Law 91/2025/QH15 Art. 9: consent may be withdrawn at any time."""
    token = browser.tokens("files", scope="openid doc.read", resource=API)["access_token"]
    browser.press(browser.get("/account/consents"), "consent-withdraw-0")
    assert provider.introspect(token) == {"active": False}
    assert asks(browser.authorize("files", scope="openid doc.read", resource=API))


def test_a_consent_for_one_resource_is_none_for_another(browser: Browser) -> None:
    """RFC 8707 §2: both servers have a scope of this name, and it is not the same scope."""
    browser.tokens("files", scope="openid doc.read", resource=API)
    landing = browser.authorize("files", scope="openid doc.read", resource=FOREIGN_API)
    assert asks(landing)
    assert "Kho thuế" in landing.page


def test_no_law_takes_the_place_of_this_consent(provider: Provider, browser: Browser) -> None:
    """A statutory basis is about data that are kept here."""
    services = provider.services
    asked = {"scope": "openid doc.read", "resource": API, "antin_procedure": "1.000001"}

    registration = Registration(services.database, registry=services.registry, log=services.log)
    (basis,) = services.registry.list_bases_of("files")
    registration.approve_basis(basis.basis_id, operator="second", now=provider.now)
    landing = first_page(browser, **asked)
    assert asks(landing)
    assert "Article 7" not in landing.page


# -- ignored ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "resource"),
    [
        ("openid doc.read", None),
        ("openid doc.write", FOREIGN_API),
        ("openid tax.read", API),
        ("openid ghost", API),
        ("openid ghost", None),
    ],
)
def test_a_scope_of_no_named_resource_server_is_ignored(
    provider: Provider, browser: Browser, scope: str, resource: str | None
) -> None:
    """OpenID Connect Core §3.1.2.1: scope values that are not understood should be ignored."""
    landing = browser.sign_in("files", scope=scope, resource=resource)
    assert landing.asked == ("login-submit",)
    assert exchanged(provider, landing)["scope"] == "openid"


def test_a_scope_without_a_purpose_is_ignored(provider: Provider, browser: Browser) -> None:
    """Law 91/2025/QH15 Art. 9: the person could not be told what it is for."""
    landing = browser.sign_in("files", scope="openid tax.read", resource=FOREIGN_API)
    assert landing.asked == ("login-submit",)
    assert exchanged(provider, landing)["scope"] == "openid"


def test_a_resource_of_another_client_opens_no_scope(browser: Browser) -> None:
    """RFC 8707 §2 invalid_target."""
    landing = browser.authorize("choices", scope="openid doc.read", resource=API)
    assert landing.error == "invalid_target"


def test_a_scope_that_ends_while_the_person_reads_is_not_granted(
    provider: Provider, browser: Browser
) -> None:
    """Law 91/2025/QH15 Art. 9: what is granted is what the last page showed."""
    landing = first_page(browser, **_BOTH)
    save_server(provider, scopes=frozenset({"doc.write"}))
    again = ticked(browser, landing, f"{API}#doc.write")
    assert asks(again)
    assert "doc.read" not in again.page
    tokens = exchanged(provider, ticked(browser, again, f"{API}#doc.write"))
    assert tokens["scope"] == "openid doc.write"


def test_a_resource_server_that_is_renamed_is_shown_by_its_new_name_first(
    provider: Provider, browser: Browser
) -> None:
    landing = first_page(browser, **_BOTH)
    save_server(provider, name_vi="Kho lưu trữ")
    again = ticked(browser, landing)
    assert asks(again)
    assert "Kho lưu trữ" in again.page


def test_userinfo_is_not_for_tokens_of_a_resource(provider: Provider, browser: Browser) -> None:
    """RFC 9068 §4: aud."""
    token = browser.tokens("files", scope="openid doc.read", resource=API)["access_token"]
    assert provider.userinfo(token).status_code == 401


def test_the_scopes_of_a_person_keep_their_meaning_beside_a_resource(
    provider: Provider, browser: Browser
) -> None:
    landing = browser.sign_in("files", scope="openid profile doc.read", resource=API)
    assert exchanged(provider, landing)["scope"] == "openid profile doc.read"
    (given,) = consents(provider)
    assert given.scopes == ("profile", f"{API}#doc.read")
    assert not set(given.shared).isdisjoint(SCOPE_CLAIMS["profile"])
