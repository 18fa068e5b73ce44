"""Every control is reached by the Tab key alone, seen when it has the focus, and usable."""

from __future__ import annotations

import json

import pytest

from tests.support.specimen_walk import each_specimen

# radio buttons of one name are one stop: the chosen one, or the first
_NUMBER = """() => {
  const stop = e => {
    const group = [...e.form.querySelectorAll(`input[name="${e.name}"]`)];
    return group.find(one => one.checked) || group[0];
  };
  const controls = [...document.querySelectorAll("a[href], button, input, [tabindex='0']")]
    .filter(e => e.type !== "hidden" && !e.hidden && e.checkVisibility())
    .filter(e => e.type !== "radio" || e === stop(e));
  controls.forEach((e, i) => { e.dataset.number = i; });
  return controls.length;
}"""
_FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e.dataset.number === undefined) return null;
  const box = e.getClientRects()[0];
  const inside = box.top >= -1 && box.bottom <= window.innerHeight + 1 && box.left >= 0;
  const ring = getComputedStyle(e).boxShadow.includes("rgb(255, 213, 74)");
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return {number: +e.dataset.number, seen: ring && inside && (e === top || e.contains(top)),
          what: `${e.tagName}#${e.id}`};
}"""


@pytest.mark.parametrize("width", [1280, 320])
def test_tab_reaches_every_control_and_the_focus_is_seen(open_page, width):
    """WCAG 2.2 §2.1.1, §2.1.2, §2.4.7 and §2.4.11."""
    unreached, unseen = {}, []
    with open_page(width=width) as page:
        for name in each_specimen(page):
            wanted = set(range(page.evaluate(_NUMBER)))
            for _ in range(2 * len(wanted) + 6):
                page.keyboard.press("Tab")
                focused = page.evaluate(_FOCUSED)
                if focused:
                    wanted.discard(focused["number"])
                    if not focused["seen"]:
                        unseen.append((name, focused["what"]))
                if not wanted:
                    break
            if wanted:
                unreached[name] = wanted
    assert unreached == {}
    assert unseen == []


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
