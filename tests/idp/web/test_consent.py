"""The pages that ask and inform: what they say, and that the evidence says the same."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Final

import pytest

from clients.registry.editing import RegistryEditor
from idp.model import Consent
from idp.oauth.claims import VALUES, VNCONNECT_NAMES
from idp.oauth.consent_receipts import ConsentReceipts
from idp.registration import Registration
from idp.storage.consents import consents_of
from idp.web.consent_evidence import Evidence, read_evidence
from idp.web.sentences import DATA_LABELS, SAID_WITH
from tests.support.provider import Provider
from tests.support.provider_browser import Browser, Landing, form_of
from tests.support.provider_seeds import ANH

_PROCEDURE: Final = "1.000001"
_BY_LAW: Final = {"scope": "openid identity email", "antin_procedure": _PROCEDURE}


def approve(provider: Provider) -> None:
    services = provider.services
    registration = Registration(services.database, registry=services.registry, log=services.log)
    (basis,) = services.registry.list_bases_of("statutory")
    registration.approve_basis(basis.basis_id, operator="second", now=provider.now)


def change_client(provider: Provider, client_id: str, **changed: object) -> None:
    services = provider.services
    client = services.registry.find_client(client_id, now=provider.now)
    assert client is not None
    with services.database.transaction() as tx:
        RegistryEditor(services.registry).change_client(
            tx, replace(client, **changed), now=provider.now
        )


def kept(provider: Provider) -> dict[str, tuple[Consent, Evidence]]:
    """The one consent of each kind, with what was kept of its page."""
    services = provider.services
    receipts = ConsentReceipts(services.database, people=services.people, sealer=services.sealer)
    found = {}
    with services.database.read() as connection:
        given = consents_of(connection, ANH.account_id)
    for one in given:
        assert one.kind not in found
        receipt = receipts.find(one.consent_id, account_id=ANH.account_id)
        assert receipt is not None
        found[one.kind] = (one, read_evidence(receipt.text))
    return found


def labels(evidence: Evidence) -> list[str]:
    """The data that a receipt names."""
    return [row.label for shared in evidence.shared for row in shared.rows]


def words(page: str) -> str:
    """What a reader sees of a page, and the addresses of its links."""
    links = " ".join(re.findall(r'href="([^"]+)"', page))
    text = html.unescape(re.sub(r"<[^>]*>", "", page) + " " + links)
    return " ".join(text.split())


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    ("asked", "button", "kind"),
    [
        (_BY_LAW, "consent-accept", "consent"),
        (_BY_LAW, "consent-accept", "information"),
        (_BY_LAW | {"scope": "openid identity"}, "information-continue", "information"),
    ],
)
def test_the_evidence_is_what_the_page_said(
    provider: Provider, browser: Browser, language: str, asked: dict[str, str], button: str,
    kind: str,
) -> None:  # fmt: skip
    """NĐ 356/2025 Art. 6: proof of consent is kept, of this page and not of another."""
    approve(provider)
    change_client(provider, "statutory", policy_uri="https://statutory.example/policy")
    landing = browser.log_in(browser.authorize("statutory", ui_locales=language, **asked))
    assert landing.shows(button)
    said = words(landing.page)
    browser.press(landing, button)
    consent, evidence = kept(provider)[kind]
    assert consent.language == language
    for line in evidence.lines:
        for part in re.split(r"; |: ", line):
            assert part.removesuffix(":") in said, part


def test_each_half_of_a_page_has_a_receipt_of_its_own(provider: Provider, browser: Browser) -> None:
    """Law 91/2025/QH15 Art. 9: what a law hands over was not agreed to, nor the other way round."""
    approve(provider)
    browser.sign_in("statutory", **_BY_LAW)
    found = kept(provider)
    agreed, evidence = found["consent"]
    assert (agreed.scopes, agreed.legal_reference) == (("email",), None)
    assert labels(evidence) == ["Thư điện tử"]
    assert [shared.legal_ref for shared in evidence.shared] == [""]
    told, evidence = found["information"]
    assert (told.scopes, told.legal_reference) == (("identity",), "Article 5")
    assert "Số định danh cá nhân" in labels(evidence)
    assert "Thư điện tử" not in labels(evidence)
    assert agreed.text_sha256 == told.text_sha256, "one page was shown"


def test_the_receipt_of_information_speaks_of_no_agreement(
    provider: Provider, browser: Browser
) -> None:
    approve(provider)
    browser.sign_in("statutory", **_BY_LAW)
    found = kept(provider)
    place = "/account/consents/"
    page = browser.get(place + found["information"][0].consent_id).page
    assert "đã được thông báo" in page
    assert "Bản xác nhận sự đồng ý" not in page
    assert "Người đồng ý" not in page
    page = browser.get(place + found["consent"][0].consent_id).page
    assert "Người đồng ý" in page


def test_the_page_that_informs_speaks_of_what_rests_on_law_alone(
    provider: Provider, browser: Browser
) -> None:
    """What was agreed to before is not handed over by a law, and cannot be declined there."""
    approve(provider)
    browser.sign_in("statutory", scope="openid email")
    landing = browser.authorize("statutory", **_BY_LAW)
    assert landing.shows("information-continue")
    assert "Số định danh cá nhân" in landing.page
    assert "Thư điện tử" not in landing.page


def test_who_was_told_may_still_leave(provider: Provider, browser: Browser) -> None:
    """RFC 6749 §4.1.2.1 access_denied."""
    approve(provider)
    landing = browser.log_in(
        browser.authorize("statutory", **_BY_LAW | {"scope": "openid identity"})
    )
    assert browser.press(landing, "information-cancel").error == "access_denied"
    assert kept(provider) == {}


def asks(landing: Landing) -> bool:
    return landing.shows("consent-accept")


def test_what_was_read_in_one_language_is_not_agreed_to_in_another(
    provider: Provider, browser: Browser
) -> None:
    """NĐ 356/2025 Art. 6: the switch was pressed in another tab; the page is shown again first."""
    landing = browser.log_in(browser.authorize(scope="openid email"))
    assert asks(landing)
    browser.get("/help?lang=en")
    again = browser.press(landing, "consent-accept")
    assert asks(again)
    assert kept(provider) == {}
    assert "code" in browser.press(again, "consent-accept").fields
    assert kept(provider)["consent"][0].language == "en"


def test_what_changed_while_the_person_was_reading_is_shown_first(
    provider: Provider, browser: Browser
) -> None:
    """Law 91/2025/QH15 Art. 9: nobody agrees to what was not on the page."""
    landing = browser.log_in(browser.authorize("listed", scope="openid profile"))
    assert "Ngày sinh" not in landing.page
    change_client(provider, "listed", claims=frozenset({"name", "email", "birthdate"}))
    again = browser.press(landing, "consent-accept")
    assert asks(again)
    assert "Ngày sinh" in again.page


def test_a_form_that_does_not_say_what_it_showed_is_shown_again(browser: Browser) -> None:
    landing = browser.log_in(browser.authorize(scope="openid email"))
    action, fields = form_of(landing.page, "consent-accept")
    for shown in ({}, {"shown": ""}, {"shown": "0" * 64}):
        again = browser.submit(action, {**fields, "shown": ""} | shown)
        assert asks(again)


def test_every_claim_has_a_name_for_people() -> None:
    """Law 91/2025/QH15 Art. 9: the data types are named."""
    assert {*VALUES, *VNCONNECT_NAMES} <= set(DATA_LABELS)
    assert set(SAID_WITH) | set(SAID_WITH.values()) <= set(DATA_LABELS)


@pytest.mark.parametrize(
    ("claim", "label"),
    [
        ("family_name", "Họ"),
        ("email_verified", "Thư điện tử đã được xác minh hay chưa"),
        ("updated_at", "Thời điểm cập nhật hồ sơ"),
    ],
)
def test_a_claim_that_usually_goes_with_another_is_named_when_it_comes_alone(
    browser: Browser, claim: str, label: str
) -> None:
    """Law 91/2025/QH15 Art. 9: no purpose without data."""
    claims = json.dumps({"userinfo": {claim: None}})
    landing = browser.log_in(browser.authorize(scope="openid", claims=claims))
    assert f"<dt>{label}</dt>" in landing.page
    other = browser.authorize(scope="openid profile email")
    assert f"<dt>{label}</dt>" not in other.page
