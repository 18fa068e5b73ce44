"""What all pages share: sentences for every code, the switch, the address to look for."""

from __future__ import annotations

from typing import get_args

import pytest
from flask import Flask

from idp.web import pages, sentences
from idp.web.pages import HelpPage, LoginPage, render
from idp.web.theme import Site, install_pages, strong, switch_url
from tests.support.pages import SPECIMENS, make_gallery


@pytest.mark.parametrize(
    ("codes", "table"),
    [
        (pages.LoginProblem, sentences.LOGIN_PROBLEMS),
        (pages.OtpProblem, sentences.OTP_PROBLEMS),
        (pages.ActivationProblem, sentences.ACTIVATION_PROBLEMS),
        (pages.ErrorKind, sentences.ERROR_TEXTS),
    ],
)
def test_every_code_has_a_sentence(codes, table):
    assert set(get_args(codes)) == set(table)


def test_switch_keeps_what_the_address_says():
    with make_gallery().test_request_context(
        "/authorize?scope=openid&resource=a&resource=b&lang=vi"
    ):
        address = switch_url(HelpPage(), "en")
    assert address == "/authorize?scope=openid&resource=a&resource=b&lang=en"


@pytest.mark.parametrize(
    ("here", "address"), [("/i/int_1", "/i/int_1?lang=en"), ("/i?id=1", "/i?id=1&lang=en")]
)
def test_page_may_say_where_the_switch_leads(here, address):
    with make_gallery().test_request_context("/elsewhere?secret=1", method="POST"):
        page = LoginPage(client_name="x", action="/", csrf_token="t", here=here)
        assert switch_url(page, "en") == address


def test_address_to_look_for_is_on_every_page():
    with make_gallery().test_request_context("/"):
        for page in SPECIMENS.values():
            assert "<strong>xacthuc.example.vn</strong>" in render(page)


def test_sandbox_says_so_on_every_page():
    app = Flask("sandbox", static_folder=None)
    install_pages(app, site=Site(domain="localhost", is_secure=False, is_sandbox=True))
    with app.test_request_context("/"):
        assert "Môi trường thử nghiệm" in render(HelpPage())
    with make_gallery().test_request_context("/"):
        assert "Môi trường thử nghiệm" not in render(HelpPage())


def test_help_and_accessibility_are_served():
    client = make_gallery().test_client()
    assert "Mã OTP lấy ở đâu?" in client.get("/help").text
    assert "WCAG 2.2" in client.get("/accessibility").text


def test_bold_text_is_escaped():
    assert strong("<i>") == "<strong>&lt;i&gt;</strong>"
