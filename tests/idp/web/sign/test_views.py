"""The pages of a signing request: what is shown when, and what its forms do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import pytest

from idp.web.sign_sentences import SIGN_PROBLEMS
from keystore.signer.errors import PersonalKeySuspended, SignerUnavailable
from signing.isolation.blob import Blob
from signing.model import RequestState, Role
from signing.new_request import NewDocument
from tests.support.handmade_pdf import plain_document
from tests.support.provider_browser import Landing
from tests.support.provider_seeds import ANH, BINH
from tests.support.sign_desk import SignDesk, answer, place_of
from tests.support.signatory import AbsentStatus

_FILE: Final = b"Noi dung de nghi"


def _file(content: bytes = _FILE, *, name: str = "Văn bản.txt") -> NewDocument:
    return NewDocument(name=name, media_type="text/plain", content=Blob.of(content))


def _open(desk: SignDesk, request, browser) -> Landing:
    return browser.press(browser.get(place_of(request)), "sign-open")


def _says(landing: Landing, problem: str) -> bool:
    return SIGN_PROBLEMS[problem].sentence in landing.page


@pytest.fixture
def request_of_anh(desk: SignDesk):
    """A request to Anh, who has a key that takes a code."""
    desk.give_code_key()
    return desk.ask(_file(), return_uri="https://portal.example/back?x=1")


def test_the_page_says_who_asks_what_and_until_when(desk, request_of_anh):
    page = desk.browser().get(place_of(request_of_anh)).page
    for said in ("Cổng portal", "Đơn đề nghị cấp phép", "Văn bản.txt", "Người Mây Suối"):
        assert said in page
    digest = request_of_anh.documents[0].digest.hex().upper()
    assert " ".join(digest[at : at + 4] for at in range(0, 16, 4)) in page
    assert 'id="sign-open"' in page
    assert 'id="otp"' not in page  # nothing can be confirmed before it was opened


def test_a_code_signs_and_the_portal_is_offered(desk, request_of_anh):
    browser = desk.browser()
    confirm = _open(desk, request_of_anh, browser)
    assert confirm.shows("otp")
    assert "không dùng để đăng nhập" in confirm.page
    done = browser.press(confirm, "sign-confirm", {"otp": "246 810"})
    assert done.shows("sign-signed")
    assert desk.state(request_of_anh) == "signed"
    back = re.search(r'id="sign-return"[^>]*href="([^"]+)"', done.page)
    assert back is not None
    assert back[1] == (
        f"https://portal.example/back?x=1&amp;request_id={request_of_anh.request_id}"
        "&amp;state=signed"
    )


def test_a_passkey_signs(desk):
    holder = desk.give_passkey_key()
    request = desk.ask(_file(), _file(b"another one", name="Khác.txt"))
    browser = desk.browser()
    confirm = _open(desk, request, browser)
    assert confirm.shows("sign-passkey")
    assert not confirm.shows("otp")
    done = browser.press(confirm, "sign-passkey", answer(holder, confirm))
    assert done.shows("sign-signed")
    assert done.shows("sign-signed-1")


@pytest.mark.parametrize("broken", ["signature", "client_data_json", "authenticator_data"])
def test_an_assertion_that_was_changed_signs_nothing(desk, broken):
    """WebAuthn Level 3 §7.2."""
    holder = desk.give_passkey_key()
    request = desk.ask(_file())
    browser = desk.browser()
    confirm = _open(desk, request, browser)
    given = answer(holder, confirm)
    given[broken] = given[broken][:-4] + ("AAAA" if given[broken][-4:] != "AAAA" else "BBBB")
    refused = browser.press(confirm, "sign-passkey", given)
    assert refused.response.status_code == 422
    assert _says(refused, "evidence_refused")
    assert desk.state(request) == "waiting"


def test_an_empty_assertion_is_told(desk):
    desk.give_passkey_key()
    browser = desk.browser()
    refused = browser.press(_open(desk, desk.ask(_file()), browser), "sign-passkey")
    assert _says(refused, "passkey_missing")


@pytest.mark.parametrize(
    ("code", "problem"), [("000000", "wrong_code"), ("", "code_missing"), ("  ", "code_missing")]
)
def test_a_code_that_does_not_confirm_is_told_beside_its_field(desk, request_of_anh, code, problem):
    """WCAG 2.2 §3.3.1."""
    browser = desk.browser()
    refused = browser.press(_open(desk, request_of_anh, browser), "sign-confirm", {"otp": code})
    assert refused.response.status_code == 422
    assert _says(refused, problem)
    assert 'aria-invalid="true"' in refused.page
    assert desk.state(request_of_anh) == "waiting"


def test_a_code_that_signed_in_does_not_sign(desk, request_of_anh):
    browser = desk.browser()
    confirm = _open(desk, request_of_anh, browser)
    refused = browser.press(confirm, "sign-confirm", {"otp": browser.next_code(ANH)})
    assert _says(refused, "wrong_code")
    assert desk.state(request_of_anh) == "waiting"


def test_a_form_without_its_token_does_nothing(desk, request_of_anh):
    """OWASP ASVS 3.5.1: state changes only from our own pages."""
    browser = desk.browser()
    place = place_of(request_of_anh)
    confirm = _open(desk, request_of_anh, browser)
    window = re.search(r'name="window" value="([0-9a-f]+)"', confirm.page)
    assert window is not None
    for path, form in (
        ("open", {}),
        ("confirm", {"otp": "246810", "window": window[1]}),
        ("refuse", {"decision": "refuse"}),
        ("account", {}),
        ("certificate", {"way": "code"}),
        ("certificate/confirm", {"otp": "135790"}),
    ):
        for token in ({}, {"csrf_token": "x"}):
            refused = browser.submit(f"{place}/{path}", {**form, **token})
            assert refused.response.status_code == 403
            assert refused.shows("error-reference")
    assert desk.state(request_of_anh) == "waiting"


def test_a_window_that_was_opened_elsewhere_is_not_confirmed_by_an_older_page(desk, request_of_anh):
    browser = desk.browser()
    older = _open(desk, request_of_anh, browser)
    desk.house.windows.open(
        request_of_anh,
        signer=desk.house.people.get_signer(ANH.account_id, role=Role.PERSON, organisation_id=None),
        credential=desk.credentials.of[ANH.account_id][0],
        now=desk.now,
    )
    refused = browser.press(older, "sign-confirm", {"otp": "246810"})
    assert _says(refused, "window_changed")
    assert desk.state(request_of_anh) == "waiting"
    assert browser.press(refused, "sign-confirm", {"otp": "246810"}).shows("sign-signed")


def test_a_window_that_ran_out_is_told_and_opened_again(desk, request_of_anh):
    browser = desk.browser()
    confirm = _open(desk, request_of_anh, browser)
    desk.pass_time(seconds=301)
    late = browser.press(confirm, "sign-confirm", {"otp": "246810"})
    assert _says(late, "window_closed")
    assert desk.state(request_of_anh) == "waiting"
    again = browser.press(late, "sign-open")
    assert browser.press(again, "sign-confirm", {"otp": "246810"}).shows("sign-signed")


def test_the_clock_of_the_page_leads_to_what_happened(desk, request_of_anh):
    browser = desk.browser()
    confirm = _open(desk, request_of_anh, browser)
    over = re.search(r'data-countdown="300" data-over="([^"]+)"', confirm.page)
    assert over is not None
    assert browser.get(over[1]).shows("sign-confirm")  # still open: a clock that runs too fast
    desk.pass_time(seconds=300)
    assert _says(browser.get(over[1]), "window_closed")


def test_a_request_that_ran_out_says_so(desk, request_of_anh):
    browser = desk.browser()
    confirm = _open(desk, request_of_anh, browser)
    desk.provider.clock.now = request_of_anh.expires_at - timedelta(seconds=1)
    browser = desk.browser()
    desk.pass_time(seconds=2)
    late = browser.submit(f"{place_of(request_of_anh)}/confirm", {"csrf_token": "x"})
    assert late.response.status_code == 403
    assert browser.get(place_of(request_of_anh)).shows("sign-expired")
    assert confirm.shows("sign-confirm")


def test_refusing_asks_once_more_and_ends_it(desk, request_of_anh):
    browser = desk.browser()
    asked = browser.press(browser.get(place_of(request_of_anh)), "sign-refuse")
    assert asked.shows("sign-refuse-confirm")
    assert desk.state(request_of_anh) == "waiting"
    done = browser.press(asked, "sign-refuse-confirm", decision="refuse", reason="content_wrong")
    assert done.shows("sign-refused")
    assert "Nội dung tài liệu chưa đúng" in done.page
    found = desk.house.requests.get(request_of_anh.request_id)
    assert (found.state, found.reason) == (RequestState.REFUSED, "content_wrong")


def test_a_reason_that_was_not_offered_is_not_kept(desk, request_of_anh):
    browser = desk.browser()
    asked = browser.press(browser.get(place_of(request_of_anh)), "sign-refuse")
    browser.press(asked, "sign-refuse-confirm", decision="refuse", reason="Người Mây Suối nói")
    assert desk.house.requests.get(request_of_anh.request_id).reason == ""


def test_whoever_does_not_choose_a_certificate_is_told(desk, request_of_anh):
    browser = desk.browser()
    page = browser.get(place_of(request_of_anh))
    assert _says(browser.press(page, "sign-open", credential="key_foreign"), "credential_missing")


def test_several_certificates_are_chosen_from(desk, request_of_anh):
    holder = desk.give_passkey_key()
    browser = desk.browser()
    page = browser.get(place_of(request_of_anh))
    assert page.shows("credential-1")
    chosen = re.findall(r'name="credential" value="([^"]+)"', page.page)
    touch = next(one for one in chosen if one.startswith(holder.credential.key_id))
    assert browser.press(page, "sign-open", credential=touch).shows("sign-passkey")


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        (SignerUnavailable(), "signer_away"),
        (PersonalKeySuspended(), "personal_key_suspended"),
    ],
)
def test_what_the_signer_says_is_said_in_words(desk, request_of_anh, failure, problem):
    browser = desk.browser()
    confirm = _open(desk, request_of_anh, browser)
    desk.house.door.failure = failure
    refused = browser.press(confirm, "sign-confirm", {"otp": "246810"})
    assert _says(refused, problem)
    assert refused.shows("sign-open")
    assert desk.state(request_of_anh) == "waiting"
    # and whoever comes back later reads why it waits again
    assert _says(browser.get(place_of(request_of_anh)), problem) or problem == "signer_away"


def test_a_mandate_that_ended_signs_nothing(desk, request_of_anh):
    browser = desk.browser()
    confirm = _open(desk, request_of_anh, browser)
    desk.house.people.ended.add(ANH.account_id)
    refused = browser.press(confirm, "sign-confirm", {"otp": "246810"})
    assert _says(refused, "mandate_ended")
    assert desk.house.door.seen == []


def test_a_certificate_that_ended_after_opening_is_not_confirmed_with(desk, request_of_anh):
    browser = desk.browser()
    _open(desk, request_of_anh, browser)
    desk.credentials.of.clear()
    page = browser.get(place_of(request_of_anh))
    assert page.shows("sign-no-certificate")
    assert not page.shows("sign-confirm")


def test_a_document_that_was_changed_at_rest_is_not_signed(desk, request_of_anh):
    (file,) = desk.document_files()
    damaged = bytearray(file.read_bytes())
    damaged[-20] ^= 1
    file.write_bytes(damaged)
    browser = desk.browser()
    assert _says(_open(desk, request_of_anh, browser), "document_changed")
    assert desk.state(request_of_anh) == "waiting"


def test_several_signers_wait_for_each_other(desk):
    for who in (ANH, BINH):
        desk.give_code_key(who, code=f"24681{who is ANH:d}")
    content = Blob.of(plain_document().classic())
    pdf = NewDocument(name="Đơn.pdf", media_type="application/pdf", content=content)
    request = desk.ask(pdf, of=[desk.named(BINH), desk.named(ANH)])
    anh, binh = desk.browser(ANH), desk.browser(BINH)
    assert anh.get(place_of(request)).shows("sign-not-yet")
    done = binh.press(_open(desk, request, binh), "sign-confirm", {"otp": "246810"})
    assert done.shows("sign-waiting-for-others")
    assert "1 / 2" in done.page
    done = anh.press(_open(desk, request, anh), "sign-confirm", {"otp": "246811"})
    assert done.shows("sign-signed")
    assert binh.get(place_of(request)).shows("sign-signed")


def test_what_is_under_way_reloads_by_itself(desk, request_of_anh):
    """WCAG 2.2 §2.2.1: the page only tells how it stands; nothing that is typed is lost."""
    desk.use(status=AbsentStatus())
    browser = desk.browser()
    confirm = _open(desk, request_of_anh, browser)
    page = browser.press(confirm, "sign-confirm", {"otp": "246810"})
    assert page.shows("sign-under-way")
    assert page.response.headers["Refresh"] == "4"
    assert desk.state(request_of_anh) == "confirmed"


def test_a_withdrawn_request_says_by_whom(desk, request_of_anh):
    desk.house.requests.withdraw(request_of_anh, now=desk.now)
    page = desk.browser().get(place_of(request_of_anh))
    assert page.shows("sign-failed")
    assert "Cổng dịch vụ đã rút lại yêu cầu này." in page.page


def test_a_problem_in_the_address_says_nothing_of_its_own(desk, request_of_anh):
    page = desk.browser().get(f"{place_of(request_of_anh)}?problem=%3Cscript%3E")
    assert page.shows("sign-open")
    assert "problem" not in page.page.split("<main", 1)[1].split("signing", 1)[0]
