"""What a signer reads: pictures and documents, for her alone and while they are hers to read."""

from __future__ import annotations

import hashlib

import pytest

from signing.isolation.blob import Blob
from signing.new_request import NewDocument
from tests.support.handmade_pdf import plain_document
from tests.support.provider import ISSUER
from tests.support.provider_seeds import ANH, BINH, DUNG
from tests.support.sign_desk import SignDesk, place_of

_PDF = plain_document(pages=2).classic()


@pytest.fixture
def request_of_anh(desk: SignDesk):
    """A PDF for Anh."""
    desk.give_code_key()
    content = Blob.of(_PDF)
    document = NewDocument(name="Đơn số 1.pdf", media_type="application/pdf", content=content)
    return desk.ask(document)


def _get(browser, path):
    return browser.http.get(path, base_url=ISSUER)


def test_pages_are_pictures_that_nothing_runs_in(desk, request_of_anh):
    browser = desk.browser()
    small = _get(browser, f"{place_of(request_of_anh)}/documents/0/pages/1")
    large = _get(browser, f"{place_of(request_of_anh)}/documents/0/pages/1/large")
    for picture in (small, large):
        assert picture.status_code == 200
        assert picture.mimetype == "image/webp"
        assert picture.headers["Cache-Control"] == "no-store"
        assert picture.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert picture.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert len(large.data) > len(small.data)


def test_the_picture_on_the_page_is_one_of_these(desk, request_of_anh):
    page = desk.browser().get(f"{place_of(request_of_anh)}?document=0&page=2").page
    assert f'src="{place_of(request_of_anh)}/documents/0/pages/2"' in page
    assert 'id="page-previous"' in page
    assert 'id="page-next"' not in page


@pytest.mark.parametrize(
    "asked", ["page=0", "page=99999", "page=-1", "page=x", "document=7", "page=%EF%BC%91"]
)
def test_a_page_that_is_not_there_is_one_that_is(desk, request_of_anh, asked):
    shown = desk.browser().get(f"{place_of(request_of_anh)}?{asked}")
    assert shown.response.status_code == 200
    assert shown.shows("sign-page")


@pytest.mark.parametrize(
    "path",
    ["documents/0/pages/3", "documents/0/pages/0", "documents/1/pages/1", "documents/1/content",
     "documents/0/signed", "documents/99999999999/content"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(desk, request_of_anh, path):
    assert _get(desk.browser(), f"{place_of(request_of_anh)}/{path}").status_code == 404


def test_the_document_itself_is_a_download(desk, request_of_anh):
    got = _get(desk.browser(), f"{place_of(request_of_anh)}/documents/0/content")
    assert got.data == _PDF
    assert got.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert got.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["pages/1", "pages/1/large", "content", "signed"])
def test_nobody_else_reads_anything(desk, request_of_anh, path):
    """Only for the signer: neither for who is not signed in nor for another person."""
    address = f"{place_of(request_of_anh)}/documents/0/{path}"
    nobody = _get(desk.browser(None), address)
    assert nobody.status_code == 303
    assert nobody.headers["Location"].startswith("/interaction/")
    other = _get(desk.browser(DUNG), address)
    assert "sign-other-account" in other.get_data(as_text=True)
    assert _PDF not in other.data


def test_whoever_signs_later_reads_when_it_is_her_turn(desk):
    for who, code in ((ANH, "246810"), (BINH, "246811")):
        desk.give_code_key(who, code=code)
    document = NewDocument(name="a.pdf", media_type="application/pdf", content=Blob.of(_PDF))
    request = desk.ask(document, of=[desk.named(ANH), desk.named(BINH)])
    address = f"{place_of(request)}/documents/0"
    binh, anh = desk.browser(BINH), desk.browser(ANH)
    assert _get(binh, f"{address}/content").status_code == 404
    confirm = anh.press(anh.get(place_of(request)), "sign-open")
    anh.press(confirm, "sign-confirm", {"otp": "246810"})
    revision = _get(binh, f"{address}/content").data
    assert revision.startswith(_PDF)  # what she signs is what the one before her signed
    assert len(revision) > len(_PDF)
    assert _get(binh, f"{address}/pages/1").status_code == 200
    assert _get(anh, f"{address}/pages/1").status_code == 200  # and who has signed reads it still
    digest = hashlib.sha256(_PDF).hexdigest().upper()[:4]
    assert digest in binh.get(place_of(request)).page


def test_nothing_is_read_any_more_once_it_was_refused(desk, request_of_anh):
    browser = desk.browser()
    asked = browser.press(browser.get(place_of(request_of_anh)), "sign-refuse")
    browser.press(asked, "sign-refuse-confirm")
    for path in ("pages/1", "content", "signed"):
        got = _get(browser, f"{place_of(request_of_anh)}/documents/0/{path}")
        assert got.status_code == 404


def test_what_was_signed_is_a_download(desk, request_of_anh):
    browser = desk.browser()
    confirm = browser.press(browser.get(place_of(request_of_anh)), "sign-open")
    browser.press(confirm, "sign-confirm", {"otp": "246810"})
    got = _get(browser, f"{place_of(request_of_anh)}/documents/0/signed")
    assert got.mimetype == "application/pdf"
    assert got.data.startswith(_PDF)
    assert b"/ByteRange" in got.data[len(_PDF) :]
