"""A certificate at first need: confirmed for itself, then the document is signed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idp.accounts.credentials import Passkey
from idp.web.sign.shown import encode
from idp.web.sign_sentences import SIGN_PROBLEMS
from signing.isolation.blob import Blob
from signing.new_request import NewDocument
from tests.support.provider_seeds import BINH
from tests.support.sign_desk import SignDesk, place_of


@pytest.fixture
def request_of_binh(desk: SignDesk):
    """A file for Binh, who has nothing to sign with yet."""
    desk.enrolment.ready = desk.make_code_key(BINH)
    desk.enrolment.reason = ""
    document = NewDocument(name="a.txt", media_type="text/plain", content=Blob.of(b"abc"))
    return desk.ask(document, of=[desk.named(BINH)])


def _passkey(desk: SignDesk) -> Passkey:
    return Passkey(
        passkey_id="pk_1",
        credential_id=b"c" * 16,
        public_key=b"k" * 70,
        sign_count=0,
        is_backup_eligible=False,
        is_backed_up=False,
        aaguid="",
        transports=(),
        name="Điện thoại",
        created_at=desk.now,
    )


def test_one_code_makes_the_key_and_another_one_signs(desk, request_of_binh):
    browser = desk.browser(BINH)
    page = browser.get(place_of(request_of_binh))
    assert page.shows("sign-no-certificate")
    asked = browser.press(page, "sign-enrol")
    assert asked.place == f"{place_of(request_of_binh)}/certificate"
    assert "không ký tài liệu nào" in asked.page
    back = browser.press(asked, "certificate-confirm", {"otp": "135790"})
    assert back.place == place_of(request_of_binh)
    assert desk.state(request_of_binh) == "waiting"
    confirm = browser.press(back, "sign-open")
    assert SIGN_PROBLEMS["wrong_code"].sentence in (
        browser.press(confirm, "sign-confirm", {"otp": "135790"}).page
    )
    assert browser.press(confirm, "sign-confirm", {"otp": "246810"}).shows("sign-signed")


@pytest.mark.parametrize(("code", "problem"), [("000000", "wrong_code"), ("", "code_missing")])
def test_a_wrong_code_makes_nothing(desk, request_of_binh, code, problem):
    browser = desk.browser(BINH)
    asked = browser.press(browser.get(place_of(request_of_binh)), "sign-enrol")
    refused = browser.press(asked, "certificate-confirm", {"otp": code})
    assert refused.response.status_code == 422
    assert SIGN_PROBLEMS[problem].sentence in refused.page
    assert desk.credentials.of == {}


def test_a_passkey_is_chosen_and_confirms_for_itself(desk, request_of_binh):
    desk.enrolment.passkeys = (_passkey(desk),)
    browser = desk.browser(BINH)
    page = browser.get(place_of(request_of_binh))
    assert "Điện thoại" in page.page
    asked = browser.press(page, "sign-enrol", way=encode(b"c" * 16))
    assert asked.shows("certificate-passkey")
    assert SIGN_PROBLEMS["passkey_missing"].sentence in (
        browser.press(asked, "certificate-passkey").page
    )
    parts = ("credential_id", "client_data_json", "authenticator_data", "signature")
    browser.press(asked, "certificate-passkey", dict.fromkeys(parts, encode(b"x")))
    (given,) = desk.enrolment.given
    assert given.credential_id == b"x"


def test_what_was_not_offered_is_not_taken(desk, request_of_binh):
    browser = desk.browser(BINH)
    page = browser.get(place_of(request_of_binh))
    refused = browser.press(page, "sign-enrol", way=encode(b"somebody else's"))
    assert SIGN_PROBLEMS["passkey_unknown"].sentence in refused.page


def test_who_may_have_none_is_told_why(desk, request_of_binh):
    browser = desk.browser(BINH)
    page = browser.get(place_of(request_of_binh))
    desk.enrolment.reason = "certificate_suspended"
    refused = browser.press(page, "sign-enrol", way="code")
    assert SIGN_PROBLEMS["certificate_suspended"].sentence in refused.page
    assert not refused.shows("sign-enrol")


def test_what_ran_out_is_begun_again(desk, request_of_binh):
    browser = desk.browser(BINH)
    asked = browser.press(browser.get(place_of(request_of_binh)), "sign-enrol")
    desk.provider.clock.now += timedelta(seconds=301)
    late = browser.press(asked, "certificate-confirm", {"otp": "135790"})
    assert late.shows("sign-enrol")
    assert desk.credentials.of == {}


def test_a_page_for_another_key_confirms_nothing(desk, request_of_binh):
    browser = desk.browser(BINH)
    asked = browser.press(browser.get(place_of(request_of_binh)), "sign-enrol")
    browser.press(browser.get(place_of(request_of_binh)), "sign-enrol")
    refused = browser.press(asked, "certificate-confirm", {"otp": "135790"})
    assert SIGN_PROBLEMS["window_changed"].sentence in refused.page
    assert desk.credentials.of == {}


def test_a_certificate_that_was_only_late_is_found(desk, request_of_binh):
    desk.enrolment.late = desk.enrolment.ready
    assert desk.browser(BINH).get(place_of(request_of_binh)).shows("sign-open")


def test_nothing_that_is_pending_leads_back_to_the_document(desk, request_of_binh):
    landing = desk.browser(BINH).get(f"{place_of(request_of_binh)}/certificate")
    assert landing.place == place_of(request_of_binh)
