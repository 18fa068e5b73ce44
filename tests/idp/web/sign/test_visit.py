"""Who is at the page: signed in and back to exactly this place, or somebody else."""

from __future__ import annotations

import pytest

from idp.oauth.own_pages import own_request, way_back
from signing.isolation.blob import Blob
from signing.new_request import NewDocument
from tests.support.provider_seeds import ANH, CHI, DUNG
from tests.support.sign_desk import SignDesk, place_of


@pytest.fixture
def request_of_anh(desk: SignDesk):
    """A file for Anh."""
    desk.give_code_key()
    return desk.ask(NewDocument(name="a.txt", media_type="text/plain", content=Blob.of(b"abc")))


def test_whoever_signs_in_for_a_page_of_ours_comes_back_to_it(desk, request_of_anh):
    browser = desk.browser(None)
    landing = browser.get(place_of(request_of_anh))
    assert landing.shows("login-submit")
    back = browser.answer_all(landing, who=ANH)
    assert back.place == place_of(request_of_anh)
    assert back.shows("sign-open")
    assert not any("grant" in one or "consent" in one for one in desk.provider.events())


def test_a_finished_sign_in_leads_to_the_same_place_again(desk, request_of_anh):
    browser = desk.browser(None)
    landing = browser.get(place_of(request_of_anh))
    browser.answer_all(landing, who=ANH)
    assert browser.get(landing.place).place == place_of(request_of_anh)


def test_whoever_cancels_signing_in_is_at_home(desk, request_of_anh):
    browser = desk.browser(None)
    landing = browser.press(browser.get(place_of(request_of_anh)), "login-cancel")
    assert landing.place == "/"


def test_a_sign_in_that_was_begun_elsewhere_leads_nobody_here(desk, request_of_anh):
    """RFC 9700 §4.7."""
    theirs = desk.browser(None).get(place_of(request_of_anh))
    assert desk.browser(None).get(theirs.place).response.status_code == 403


def test_somebody_else_sees_nothing_of_it_and_may_sign_in_as_another(desk, request_of_anh):
    browser = desk.browser(DUNG)
    desk.pass_time(seconds=1)
    landing = browser.get(place_of(request_of_anh))
    assert landing.shows("sign-other-account")
    assert "Đơn đề nghị cấp phép" not in landing.page
    assert "a.txt" not in landing.page
    asked = browser.press(landing, "sign-other-account")
    assert asked.shows("login-submit")
    assert browser.log_in(asked, who=ANH).shows("sign-open")


def test_a_request_that_is_not_there_looks_like_one_for_somebody_else(desk, request_of_anh):
    browser = desk.browser(DUNG)
    there = browser.get(place_of(request_of_anh)).page
    unknown = browser.get(f"/sign/sig_{'0' * 32}").page
    assert _without_tokens(there) == _without_tokens(unknown)


def _without_tokens(page: str) -> list[str]:
    return [line for line in page.splitlines() if "csrf" not in line and "/sign/" not in line]


@pytest.mark.parametrize("path", ["/sign/requests", "/sign/x", "/sign"])
def test_other_addresses_are_no_pages(desk, path):
    assert desk.browser(None).get(path).response.status_code in {404, 405}


def test_the_sign_in_of_our_own_page_is_no_client_that_anybody_can_name(desk):
    """RFC 9700 §4.11: our own way back is nowhere to be asked for from outside."""
    landing = desk.browser(None).authorize("~own", redirect_uri="/sign/x")
    assert landing.shows("error-reference")
    assert landing.response.status_code == 400


@pytest.mark.parametrize(
    "path",
    ["https://evil.example/", "//evil.example/x", "/sign//x", "/\\evil.example", "/x?y=z", "x", "",
     "/x\n", "/..", "/sign/%2f", "/x#y", "javascript:alert(1)"],
)  # fmt: skip
def test_nothing_but_a_path_of_ours_is_come_back_to(path):
    """RFC 9700 §4.11 (open redirectors)."""
    with pytest.raises(ValueError, match="not a path"):
        own_request(path)


def test_who_did_not_sign_in_is_led_home():
    request = own_request("/account/consents", level=2)
    assert way_back(request, is_signed_in=True) == "/account/consents"
    assert way_back(request, is_signed_in=False) == "/"


def test_a_person_of_level_one_without_a_second_factor_reads_why_she_cannot_sign(desk):
    desk.knows(CHI)
    request = desk.ask(
        NewDocument(name="a.txt", media_type="text/plain", content=Blob.of(b"abc")),
        of=[desk.named(CHI)],
    )
    page = desk.browser(CHI).get(place_of(request))
    assert page.shows("sign-no-certificate")
    assert not page.shows("sign-open")
    assert "mức độ 2" in page.page
