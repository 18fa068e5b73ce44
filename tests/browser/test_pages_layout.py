"""Pages fit: 320 pixels wide, text at twice the size, wider spacing, targets for fingers."""

from __future__ import annotations

import pytest

from tests.support.pages import SPECIMENS

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


def walk(page, question, *, language="vi", change="() => {}"):
    """Ask every specimen; return the names of those with an answer that is not empty."""
    answers = {}
    page.route("**/form_post.js", lambda route: route.fulfill(body=""))
    for name in SPECIMENS:
        page.goto(f"/page/{name}?lang={language}")
        page.evaluate(change)
        if answer := page.evaluate(question):
            answers[name] = answer
    return answers


@pytest.mark.parametrize("language", ["vi", "en"])
def test_nothing_spills_or_is_cut_on_a_narrow_phone(open_page, language):
    """WCAG 2.2 §1.4.10 Reflow: 320 CSS pixels, no scrolling sideways."""
    with open_page(width=320, height=640) as page:
        assert walk(page, _SPILLS, language=language) == {}


def test_nothing_spills_with_text_at_twice_the_size(open_page):
    """WCAG 2.2 §1.4.4 Resize Text."""
    with open_page(width=640, height=800) as page:
        assert walk(page, _SPILLS, change=_LARGE_TEXT) == {}


def test_nothing_spills_with_wider_spacing(open_page):
    """WCAG 2.2 §1.4.12 Text Spacing."""
    with open_page(width=360, height=740) as page:
        assert walk(page, _SPILLS, change=_WIDE_SPACING) == {}


def test_targets_are_large_enough_for_a_thumb(open_page):
    """WCAG 2.2 §2.5.8 asks for 24 pixels; the house rule is 48."""
    with open_page(width=360, height=740) as page:
        assert walk(page, _SMALL_TARGETS) == {}
