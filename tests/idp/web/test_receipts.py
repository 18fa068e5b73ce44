"""The printable receipt of a consent."""

from __future__ import annotations

from sqlalchemy import select

from idp.storage.consents import consent
from tests.support.provider import Provider
from tests.support.provider_browser import Browser
from tests.support.provider_seeds import ANH, BINH


def newest_consent(provider: Provider) -> tuple[str, str]:
    with provider.services.database.read() as connection:
        row = connection.execute(
            select(consent.c.consent_id, consent.c.text_sha256).order_by(consent.c.given_ms.desc())
        ).first()
    assert row is not None
    return row.consent_id, row.text_sha256


def test_the_person_opens_the_receipt_of_what_was_agreed_to(
    provider: Provider, browser: Browser
) -> None:
    """Law 91/2025/QH15 Art. 9: data, purpose, controller, rights; the text with its hash."""
    browser.sign_in(who=ANH)
    consent_id, digest = newest_consent(provider)
    page = browser.get(f"/account/consents/{consent_id}").page
    assert consent_id in page
    assert digest in page
    assert "Mục đích xử lý" in page
    assert "rút lại sự đồng ý" in page


def test_nobody_else_sees_that_there_is_one(provider: Provider, browser: Browser) -> None:
    browser.sign_in(who=ANH)
    consent_id, _digest = newest_consent(provider)
    stranger = Browser(provider)
    for number in (consent_id, "con_unknown"):
        assert stranger.get(f"/account/consents/{number}").shows("login-submit")
    stranger.sign_in(who=BINH)
    assert stranger.get(f"/account/consents/{consent_id}").response.status_code == 404
    assert stranger.get("/account/consents/con_unknown").response.status_code == 404
