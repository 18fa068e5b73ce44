"""Pages fit: 320 pixels wide, text at twice the size, wider spacing, targets for fingers."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.support.specimen_walk import each_specimen

# what sticks out sideways, and what is cut although it is meant to be read
_SPILLS = """() => {
  const spills = [];
  const wide = document.scrollingElement.scrollWidth;
  if (wide > window.innerWidth) spills.push(`page ${wide}`);
  for (const e of document.querySelectorAll("body *")) {
    const style = getComputedStyle(e);
    if (style.clipPath !== "none" || style.clip !== "auto" || e.closest("svg")) continue;
    const box = e.getBoundingClientRect();
    if (box.width && box.right > window.innerWidth + 1) spills.push(`${e.tagName} to the right`);
    if (["INPUT", "BODY"].includes(e.tagName) || e.classList.contains("visually-hidden")) continue;
    if (style.textOverflow === "ellipsis") spills.push(`${e.tagName} ellipsis`);
    if (style.overflow !== "visible" && e.scrollWidth > e.clientWidth + 1)
      spills.push(`${e.tagName}.${e.className} cut`);
  }
  return spills;
}"""
_LARGE_TEXT = "() => { document.documentElement.style.fontSize = '34px'; }"
_USUAL_TEXT = "() => { document.documentElement.style.fontSize = ''; }"
_WIDE_SPACING = """() => {
  for (const e of document.querySelectorAll("body, body *")) {
    e.style.lineHeight = "1.5"; e.style.letterSpacing = "0.12em"; e.style.wordSpacing = "0.16em";
  }
}"""
_SMALL_TARGETS = """() => [...document.querySelectorAll("button, .btn, .choice, input")]
  .concat([...document.querySelectorAll(".form-check")])
  .filter(e => !["hidden", "checkbox", "radio"].includes(e.type) && !e.hidden)
  .filter(e => e.getBoundingClientRect().height < (e.classList.contains("reveal") ? 44 : 48))
  .map(e => `${e.tagName}#${e.id} ${e.getBoundingClientRect().height}`)"""


_NARROW = {"width": 320, "height": 640}
_PHONE = {"width": 360, "height": 740}
_HALF = {"width": 640, "height": 800}


@pytest.fixture(scope="module")
def found(chromium, gallery_url):
    """What does not fit, by rule and page: each page is opened once and asked everything.

    With twice the size before wider spacing, which cannot be taken back.
    """
    found: dict[str, dict[str, list[str]]] = {}

    def ask(rule, name, question):
        if answer := page.evaluate(question):
            found.setdefault(rule, {})[name] = answer

    with closing(chromium.new_context(base_url=gallery_url, locale="vi-VN")) as context:
        context.set_default_timeout(90_000)
        page = context.new_page()
        page.set_viewport_size(_NARROW)
        for name in each_specimen(page, language="en"):
            ask("reflow en", name, _SPILLS)
        for name in each_specimen(page):
            ask("reflow vi", name, _SPILLS)
            page.set_viewport_size(_HALF)
            page.evaluate(_LARGE_TEXT)
            ask("large text", name, _SPILLS)
            page.evaluate(_USUAL_TEXT)
            page.set_viewport_size(_PHONE)
            ask("targets", name, _SMALL_TARGETS)
            page.evaluate(_WIDE_SPACING)
            ask("spacing", name, _SPILLS)
            page.set_viewport_size(_NARROW)
    return found


@pytest.mark.parametrize("language", ["vi", "en"])
def test_nothing_spills_or_is_cut_on_a_narrow_phone(found, language):
    """WCAG 2.2 §1.4.10 Reflow: 320 CSS pixels, no scrolling sideways."""
    assert f"reflow {language}" not in found, found


def test_nothing_spills_with_text_at_twice_the_size(found):
    """WCAG 2.2 §1.4.4 Resize Text."""
    assert "large text" not in found, found


def test_nothing_spills_with_wider_spacing(found):
    """WCAG 2.2 §1.4.12 Text Spacing."""
    assert "spacing" not in found, found


def test_targets_are_large_enough_for_a_thumb(found):
    """WCAG 2.2 §2.5.8 asks for 24 pixels; the house rule is 48."""
    assert "targets" not in found, found
