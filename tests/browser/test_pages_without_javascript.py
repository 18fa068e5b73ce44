"""Every form is completed without scripts; with scripts the small comforts work."""

from __future__ import annotations

import json

import pytest

CSRF = {"csrf_token": ["csrf-of-the-gallery"]}

STEPS = [
    (
        "login",
        {"identifier": "003190001118", "password": "hai cây cau"},
        "login-submit",
        {"identifier": ["003190001118"], "password": ["hai cây cau"]},
    ),
    ("login", {}, "login-cancel", {}),
    ("otp", {"otp": "123 456"}, "otp-submit", {"otp": ["123 456"], "way": ["app"]}),
    (
        "activation",
        {"activation_code": "KH9T-2M4P"},
        "activation-submit",
        {"activation_code": ["KH9T-2M4P"]},
    ),
    ("enrol", {"otp": "123456"}, "totp-enrol-submit", {"otp": ["123456"]}),
    ("select_account", {}, "account-continue", {"decision": ["continue"]}),
    ("select_account", {}, "account-other", {"decision": ["other"]}),
    ("capacity", {}, "capacity-0", {"capacity": ["self"]}),
    ("capacity", {}, "capacity-2", {"capacity": ["mandate_2"]}),
    ("consent", {}, "consent-accept", {"decision": ["accept"]}),
    ("consent", {}, "consent-deny", {"decision": ["deny"]}),
    ("information", {}, "information-continue", {}),
    ("logout", {}, "logout-confirm", {"decision": ["logout"]}),
    ("logout", {}, "logout-stay", {"decision": ["stay"]}),
]


@pytest.mark.parametrize(("name", "fields", "button", "sent"), STEPS)
def test_form_is_completed_without_scripts(open_page, name, fields, button, sent):
    with open_page(java_script_enabled=False) as page:
        page.goto(f"/page/{name}")
        for field, value in fields.items():
            page.fill(f"#{field}", value)
        page.click(f"#{button}")
        page.wait_for_url("**/sent")
        assert json.loads(page.inner_text("body")) == CSRF | sent


def test_optional_data_is_shared_only_when_ticked(open_page):
    with open_page(java_script_enabled=False) as page:
        page.goto("/page/consent")
        page.click("label:has-text('Thư điện tử')")
        page.click("#consent-accept")
        page.wait_for_url("**/sent")
        assert json.loads(page.inner_text("body"))["share"] == ["email"]


def test_answer_to_the_portal_waits_for_the_button_without_scripts(open_page):
    """OAuth 2.0 Form Post Response Mode §2: the reader may have to press a button."""
    with open_page(java_script_enabled=False) as page:
        page.goto("/page/form_post")
        page.click("#form-post-continue")
        page.wait_for_url("**/sent")
        assert json.loads(page.inner_text("body")) == {"code": ["a-code"], "state": ["a-state"]}


def test_answer_to_the_portal_goes_by_itself_with_scripts(open_page):
    with open_page() as page:
        page.goto("/page/form_post", wait_until="commit")
        page.wait_for_url("**/sent")
        assert json.loads(page.inner_text("body")) == {"code": ["a-code"], "state": ["a-state"]}


def test_buttons_that_need_scripts_are_hidden_without_them(open_page):
    with open_page(java_script_enabled=False) as page:
        page.goto("/page/login")
        assert not page.is_visible("#password-reveal")
        page.goto("/page/receipt")
        assert not page.is_visible("#receipt-print")


def test_password_is_shown_on_demand_and_sent_as_a_password(open_page):
    with open_page() as page:
        page.goto("/page/login")
        page.fill("#password", "hai cây cau")
        page.click("#password-reveal")
        assert page.get_attribute("#password", "type") == "text"
        assert page.inner_text("#password-reveal") == "Ẩn mật khẩu"
        page.evaluate("addEventListener('submit', e => e.preventDefault())")
        page.click("#login-submit")
        assert page.get_attribute("#password", "type") == "password"


@pytest.mark.parametrize("has_scripts", [True, False])
def test_language_is_switched_on_the_same_page(open_page, has_scripts):
    with open_page(java_script_enabled=has_scripts) as page:
        page.goto("/page/otp")
        page.click("#language-en")
        assert page.inner_text("h1") == "Enter your one-time code"
        assert "/page/otp" in page.url
        page.goto("/page/login")
        assert page.inner_text("h1") == "Sign in", "the choice is kept"


def test_receipt_prints_without_the_frame(open_page):
    with open_page() as page:
        page.goto("/page/receipt")
        page.emulate_media(media="print")
        for absent in (".site-foot", ".languages", "#receipt-print"):
            assert not page.is_visible(absent)
        assert page.is_visible("h1")
