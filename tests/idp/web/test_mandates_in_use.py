"""A delegate at a portal: what is offered, what it is told, and what ends with the mandate.

Through HTTP, with a portal that speaks the protocol.
Source: architecture, "Mandates" and "Tokens"; Back-Channel Logout 1.0 §2.3; RFC 7662 §2.2.
"""

from __future__ import annotations

import pytest

from idp.accounts.lifecycle import AccountLifecycle
from idp.accounts.mandates import EndReason
from idp.accounts.model import MandateKind
from tests.support.delegations import FIRM, Office
from tests.support.provider import Provider, assert_error, claims_of
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH, DUNG

_ORG = "openid profile organization offline_access"


@pytest.fixture
def office(provider: Provider) -> Office:
    return Office(provider)


def _as_delegate(browser: Browser, client_id: str = "portal", **changed: str) -> dict[str, str]:
    """Tokens of Ánh, who chose the organisation."""
    return browser.tokens(client_id, who=ANH, antin_capacity=FIRM, **{"scope": _ORG, **changed})


def test_the_portal_is_told_for_whom_as_what_and_until_when(
    provider: Provider, browser: Browser, office: Office
) -> None:
    given = office.give(valid_to=provider.now.replace(year=2027, microsecond=0))
    tokens = _as_delegate(browser)
    claims = claims_of(tokens["id_token"])
    assert claims["org"] == {
        "id": office.account_id,
        "enterprise_code": FIRM,
        "name": "Công ty Mẫu 16",
        "role": "delegation",
        "mandate_id": given.mandate_id,
        "scopes": ["submit", "sign"],
        "valid_to": provider.now.replace(year=2027, microsecond=0).isoformat(),
    }
    assert provider.userinfo(tokens["access_token"]).get_json()["org"] == claims["org"]


def test_the_capacity_keeps_its_ids_and_names_the_role(browser: Browser, office: Office) -> None:
    office.give(kind=MandateKind.SEAL_CLERK, scopes=())
    page = browser.log_in(browser.authorize(scope=_ORG), who=ANH)
    assert page.shows("capacity-0")
    assert page.shows("capacity-1")
    assert "Văn thư" in page.page


def test_a_mandate_for_another_portal_is_not_offered(browser: Browser, office: Office) -> None:
    office.give(portals=("sibling",))
    page = browser.log_in(browser.authorize(scope=_ORG), who=ANH)
    assert not page.shows("capacity-0")
    other = browser.authorize("sibling", scope=_ORG)
    assert other.shows("capacity-1")


def test_a_portal_that_is_not_told_the_scopes_is_not_offered_a_narrow_mandate(
    browser: Browser, office: Office
) -> None:
    """It would take who may fetch results for who may do everything."""
    office.give()
    for client_id, scope in (("portal", "openid profile"), ("listed", _ORG)):
        assert not browser.sign_in(client_id, scope=scope).shows("capacity-0")
        landing = browser.authorize(client_id, scope=scope, antin_capacity=FIRM, prompt="none")
        assert landing.error == "access_denied"


def test_revoked_while_the_delegate_is_signed_in_everything_is_refused_and_the_portal_is_told(
    provider: Provider, browser: Browser, office: Office
) -> None:
    """A mandate revoked while its holder is signed in at a portal ends there at once."""
    given = office.give()
    tokens = _as_delegate(browser)
    own = Browser(provider).tokens("sibling", who=ANH, scope=_ORG, antin_capacity="person")
    assert provider.userinfo(tokens["access_token"]).status_code == 200
    assert provider.introspect(tokens["access_token"])["active"]
    office.provider.services.mandates.delegations.end(
        DUNG.account_id, given.mandate_id, now=provider.now
    )
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert not provider.introspect(tokens["access_token"])["active"]
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")
    (told,) = provider.logouts_due()
    assert (told["client_id"], told["sid"]) == ("portal", claims_of(tokens["id_token"])["sid"])
    assert provider.userinfo(own["access_token"]).status_code == 200, "as herself she stays"
    again = browser.authorize(scope=_ORG, antin_capacity=FIRM, prompt="none")
    assert again.error == "access_denied"


def test_a_portal_that_gave_its_tokens_back_is_told_all_the_same(
    provider: Provider, browser: Browser, office: Office
) -> None:
    given = office.give()
    tokens = _as_delegate(browser)
    provider.revoke(tokens["refresh_token"])
    provider.services.mandates.delegations.end(ANH.account_id, given.mandate_id, now=provider.now)
    assert [one["client_id"] for one in provider.logouts_due()] == ["portal"]


def test_a_code_of_before_the_end_is_worth_nothing_after(
    provider: Provider, browser: Browser, office: Office
) -> None:
    given = office.give()
    landing = browser.sign_in(who=ANH, scope=_ORG, antin_capacity=FIRM)
    provider.services.mandates.delegations.end(BINH.account_id, given.mandate_id, now=provider.now)
    answer = provider.exchange(landing.code, verifier="v" * 20 + "-._~" + "V" * 40)
    assert_error(answer, "invalid_grant")


def test_the_end_of_a_representative_ends_what_she_gave_at_the_portals_too(
    provider: Provider, browser: Browser, office: Office
) -> None:
    """docs/adr/0033."""
    office.give(by=DUNG)
    tokens = _as_delegate(browser)
    hers = Browser(provider).tokens("sibling", who=DUNG, scope=_ORG, antin_capacity=FIRM)
    provider.services.mandates.ending.end(
        office.ground(DUNG).mandate_id, why=EndReason.REGISTER, now=provider.now
    )
    for one in (tokens, hers):
        assert provider.userinfo(one["access_token"]).status_code == 401
    assert [one["client_id"] for one in provider.logouts_due()] == ["portal", "sibling"]


def test_a_closed_organisation_has_nobody_signed_in_for_it(
    provider: Provider, browser: Browser, office: Office
) -> None:
    office.give()
    tokens, services = _as_delegate(browser), provider.services
    AccountLifecycle(
        services.database,
        sealer=services.sealer,
        log=services.log,
        mandates=services.mandates.ending,
    ).close(office.account_id, reason="dissolved", now=provider.now)
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")
    assert [one["client_id"] for one in provider.logouts_due()] == ["portal"]


def test_the_clock_alone_ends_it_as_well(
    provider: Provider, browser: Browser, office: Office
) -> None:
    office.give(valid_to=provider.now.replace(hour=10))
    tokens = _as_delegate(browser)
    provider.clock.now = provider.now.replace(hour=10)
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")
    assert not provider.introspect(tokens["access_token"])["active"]
