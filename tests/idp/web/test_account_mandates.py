"""The person's pages of mandates, through HTTP: giving, agreeing, ending, and what they refuse."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest

from clients.registry.model import CIVIL_TIME
from idp.accounts.model import MandateStatus
from idp.storage.accounts import find_row
from tests.support.delegations import FIRM, Office
from tests.support.provider import Provider, assert_error
from tests.support.provider_browser import Browser, Landing, form_of
from tests.support.provider_seeds import ANH, BINH, CHI, DUNG, Somebody

_PLACE = "/account/mandates"


@pytest.fixture
def office(provider: Provider) -> Office:
    return Office(provider)


def _page(browser: Browser, who: Somebody) -> Landing:
    return browser.answer_all(browser.get(_PLACE), who=who)


def _form(office: Office, browser: Browser, who: Somebody = BINH) -> Landing:
    """The form for the organisation, after both factors."""
    return browser.answer_all(
        browser.get(f"{_PLACE}/{office.ground(who).mandate_id}/give"), who=who
    )


def _typed(office: Office, **changed: Any) -> dict[str, Any]:
    today = office.provider.now.astimezone(CIVIL_TIME).date()
    return {
        "kind": "delegation",
        "number": ANH.identifier,
        "name": ANH.name,
        "scope": ["submit", "sign"],
        "where": "all",
        "valid_from": today.isoformat(),
        "valid_to": (today + timedelta(days=90)).isoformat(),
        "reference": "12/2026/UQ",
        "dated": "2026-11-01",
        **changed,
    }


def test_giving_needs_two_factors_and_shows_for_whom(office: Office, browser: Browser) -> None:
    """Whoever knows a password alone, or finds a browser left open, gives nothing."""
    assert _page(browser, BINH).asked == ("login-submit",)
    page = _form(office, browser)
    assert page.asked == ("otp-submit",)
    assert FIRM in page.page
    office.provider.clock.advance(hours=1)
    sent = browser.press(page, "mandate-give", _typed(office))
    assert sent.shows("login-submit") or sent.shows("otp-submit")
    assert "account:mandate:given" not in office.provider.events()


def test_somebody_who_was_capped_gives_nothing(office: Office, browser: Browser) -> None:
    """Architecture, decision 10: whoever took an account over has nobody else sign either."""
    page = _form(office, browser)
    services = office.provider.services
    with services.database.transaction() as tx:
        row = find_row(tx.connection, BINH.account_id, is_locked=True)
        assert row is not None
        services.recovery.cap(tx, row, cause="password_reset", now=office.provider.now)
    sent = browser.press(page, "mandate-give", _typed(office))
    assert sent.response.status_code == 404, "a mandate rests while its holder is of level 1"
    assert "account:mandate:given" not in office.provider.events()


def test_a_representative_gives_and_the_delegate_sees_and_renounces(
    provider: Provider, office: Office, browser: Browser
) -> None:
    page = browser.press(
        _form(office, browser), "mandate-give", _typed(office, where="some", portal=["portal"])
    )
    assert page.place == f"{_PLACE}?told=given"
    assert ANH.name in html.unescape(page.page)
    assert "12/2026/UQ" in page.page
    hers = Browser(provider)
    seen = _page(hers, ANH)
    assert "Công ty Mẫu 16" in seen.page
    assert "Cổng portal" in seen.page
    sure = hers.press(seen, "mandate-renounce-0")
    assert sure.shows("mandate-confirm")
    done = hers.press(sure, "mandate-confirm")
    assert not done.shows("mandate-renounce-0")
    assert "Người được ủy quyền từ chối" in done.page


def test_a_revoked_delegate_is_out_at_the_portal_at_once(
    provider: Provider, office: Office, browser: Browser
) -> None:
    """Ended on the page by another representative: refresh refused, the portal told."""
    browser.press(_form(office, browser), "mandate-give", _typed(office))
    scope = "openid profile organization offline_access"
    tokens = Browser(provider).tokens("portal", who=ANH, scope=scope, antin_capacity=FIRM)
    other = Browser(provider)
    _form(office, other, DUNG)
    sure = other.press(_page(other, DUNG), "mandate-end-0-0")
    assert office.provider.logouts_due() == []
    other.press(sure, "mandate-confirm")
    assert_error(provider.refresh(tokens["refresh_token"]), "invalid_grant")
    assert [one["client_id"] for one in provider.logouts_due()] == ["portal"]
    events = provider.events()
    assert events.count("account:mandate:withdrawn") == events.count("account:mandate:ended") == 1


def test_ending_for_the_organisation_needs_two_factors(
    provider: Provider, office: Office, browser: Browser
) -> None:
    given = office.give()
    page = _page(browser, DUNG)
    asked = browser.press(page, "mandate-end-0-0")
    assert asked.shows("otp-submit")
    assert office.find(given.mandate_id).status is MandateStatus.ACTIVE


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": "Người Khác"}, "Số định danh và họ tên phải khớp"),
        ({"number": "003079099999"}, "Số định danh và họ tên phải khớp"),
        ({"number": CHI.identifier, "name": CHI.name}, "Số định danh và họ tên phải khớp"),
        ({"number": ""}, "Chưa nhập số định danh"),
        ({"name": " "}, "Chưa nhập họ và tên"),
        ({"scope": []}, "Chưa chọn phạm vi"),
        ({"kind": "guardian"}, "Chưa chọn loại"),
        ({"where": "some"}, "Chưa chọn cổng"),
        ({"where": "some", "portal": ["nowhere"]}, "không còn hoạt động"),
        ({"valid_to": ""}, "Chưa nhập thời hạn"),
        ({"valid_to": "9999-12-31"}, "Chưa nhập thời hạn"),
        ({"valid_to": "2026-11-01"}, "Ngày kết thúc"),
        ({"valid_to": "2031-01-01"}, "dài quá mức"),
        ({"dated": "hôm qua"}, "Chưa nhập ngày của văn bản"),
        ({"reference": " "}, "Chưa nhập số của văn bản"),
        ({"sha256": "zz"}, "64 ký tự"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_given(
    office: Office, browser: Browser, changed: dict[str, Any], says: str
) -> None:
    page = browser.press(_form(office, browser), "mandate-give", _typed(office, **changed))
    assert page.response.status_code == 422
    assert says in page.page
    assert "12/2026/UQ" in page.page or "reference" in changed, "what was typed stands there again"
    assert "account:mandate:given" not in office.provider.events()


def test_others_agree_each_from_a_fresh_sign_in(
    provider: Provider, office: Office, browser: Browser
) -> None:
    """NĐ 69/2024/NĐ-CP Art. 12."""
    office.demand(1)
    page = browser.press(_form(office, browser), "mandate-give", _typed(office))
    assert page.place == f"{_PLACE}?told=asked"
    assert not page.shows("mandate-agree-0-0"), "nobody agrees with themselves"
    assert "Chờ người đại diện khác đồng ý" in _page(Browser(provider), ANH).page
    other = Browser(provider)
    seen = _page(other, DUNG)
    assert other.press(seen, "mandate-agree-0-0").shows("otp-submit")
    _form(office, other, DUNG)
    sure = other.press(_page(other, DUNG), "mandate-agree-0-0")
    done = other.press(sure, "mandate-confirm")
    assert done.place == f"{_PLACE}?told=agreed"
    assert done.shows("mandate-end-0-0")


def test_another_may_decline(provider: Provider, office: Office) -> None:
    office.demand(1)
    given = office.give()
    other = Browser(provider)
    _form(office, other, DUNG)
    sure = other.press(_page(other, DUNG), "mandate-decline-0-0")
    assert other.press(sure, "mandate-confirm").place == f"{_PLACE}?told=declined"
    assert office.find(given.mandate_id).status is MandateStatus.DECLINED


def test_a_form_of_another_site_does_nothing(office: Office, browser: Browser) -> None:
    given = office.give()
    action, _fields = form_of(_form(office, browser).page, "mandate-give")
    assert browser.submit(action, _typed(office)).response.status_code == 403
    for act in ("end", "agree", "decline"):
        sent = browser.submit(f"{_PLACE}/{given.mandate_id}/{act}", {"decision": "yes"})
        assert sent.response.status_code == 403
    assert office.find(given.mandate_id).status is MandateStatus.ACTIVE


def test_a_mandate_of_others_is_not_found(provider: Provider, office: Office) -> None:
    """Neither seen nor ended nor given under."""
    given = office.give()
    page = _page(Browser(provider), CHI)
    assert "Công ty Mẫu" not in page.page
    assert given.mandate_id not in page.page
    own = Browser(provider)
    page = _form(office, own)
    assert own.get(f"{_PLACE}/{office.ground(DUNG).mandate_id}/give").response.status_code == 404
    assert own.get(f"{_PLACE}/{given.mandate_id}/give").response.status_code == 404
    _action, fields = form_of(page.page, "mandate-give")
    for mandate_id in ("mdt_none", office.ground(DUNG).mandate_id):
        sent = own.submit(f"{_PLACE}/{mandate_id}/end", {**fields, "decision": "yes"})
        assert sent.response.status_code == 404
