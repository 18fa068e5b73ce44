"""The pages are used by the keyboard alone; that it reaches everything: test_pages_rules.py."""

from __future__ import annotations

import json


def test_sign_in_by_keyboard_alone(open_page):
    with open_page() as page:
        page.goto("/page/login")
        for _ in range(3):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "identifier":
                break
        page.keyboard.type("003190001118")
        page.keyboard.press("Tab")
        page.keyboard.type("hai cây cau")
        page.keyboard.press("Enter")
        page.wait_for_url("**/sent")
        sent = json.loads(page.inner_text("body"))
    assert sent == {
        "csrf_token": ["csrf-of-the-gallery"],
        "identifier": ["003190001118"],
        "password": ["hai cây cau"],
    }


def test_skip_link_is_first_and_leads_to_the_content(open_page):
    """WCAG 2.2 §2.4.1 Bypass Blocks."""
    with open_page() as page:
        page.goto("/page/consent")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "share-0-0"


def test_wrong_field_has_the_focus_when_the_page_opens(open_page):
    """WCAG 2.2 §3.3.1: the reader lands where something must be corrected."""
    with open_page() as page:
        page.goto("/page/login_identifier_format")
        assert page.evaluate("document.activeElement.id") == "identifier"
