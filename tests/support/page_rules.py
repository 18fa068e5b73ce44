"""What every page keeps to, asked of one that is open: that it fits, is reached, and is sound.

What lives here: a question for each rule; an answer is empty where the page keeps to it.
Not here: which pages, and in what sizes they are asked (`tests/browser/test_pages_rules.py`); what
no program can judge, see the accessibility page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.sync_api import Page

AXE: Final = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"
"""A script that the window must have run before `violations` is asked."""

_AXE_RUN: Final = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, {runOnly: tags, resultTypes: ["violations"]});
  return found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(" ")).join(", ")}`);
}"""
# what sticks out sideways, and what is cut although it is meant to be read
_SPILLS: Final = """() => {
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
_LARGE_TEXT: Final = "() => { document.documentElement.style.fontSize = '34px'; }"
_USUAL_TEXT: Final = "() => { document.documentElement.style.fontSize = ''; }"
_WIDE_SPACING: Final = """() => {
  for (const e of document.querySelectorAll("body, body *")) {
    e.style.lineHeight = "1.5"; e.style.letterSpacing = "0.12em"; e.style.wordSpacing = "0.16em";
  }
}"""
_SMALL_TARGETS: Final = """() => [...document.querySelectorAll("button, .btn, .choice, input")]
  .concat([...document.querySelectorAll(".form-check")])
  .filter(e => !["hidden", "checkbox", "radio"].includes(e.type) && !e.hidden)
  .filter(e => e.getBoundingClientRect().height < (e.classList.contains("reveal") ? 44 : 48))
  .map(e => `${e.tagName}#${e.id} ${e.getBoundingClientRect().height}`)"""
# radio buttons of one name are one stop: the chosen one, or the first
_NUMBER: Final = """() => {
  for (const e of document.querySelectorAll("[data-number]")) delete e.dataset.number;
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
_FOCUSED: Final = """() => {
  const e = document.activeElement;
  if (!e || e.dataset.number === undefined) return null;
  const box = e.getClientRects()[0];
  const inside = box.top >= -1 && box.bottom <= window.innerHeight + 1 && box.left >= 0;
  const ring = getComputedStyle(e).boxShadow.includes("rgb(255, 213, 74)");
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return {number: +e.dataset.number, seen: ring && inside && (e === top || e.contains(top)),
          what: `${e.tagName}#${e.id}`};
}"""
# from where the next Tab leads to the first control again
_FROM_THE_TOP: Final = """() => {
  window.scrollTo(0, 0);
  document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex");
}"""


def violations(page: Page) -> list[str]:
    """What axe finds: WCAG 2.2, levels A and AA, as far as a program can tell."""
    return list(page.evaluate(_AXE_RUN))


def spills(page: Page) -> list[str]:
    """What sticks out sideways or is cut.  WCAG 2.2 §1.4.10 Reflow."""
    return list(page.evaluate(_SPILLS))


def spills_of_large_text(page: Page) -> list[str]:
    """The same with text at twice the size.  WCAG 2.2 §1.4.4 Resize Text."""
    page.evaluate(_LARGE_TEXT)
    found = spills(page)
    page.evaluate(_USUAL_TEXT)
    return found


def spills_of_wide_spacing(page: Page) -> list[str]:
    """The same with wider spacing, which cannot be taken back.  WCAG 2.2 §1.4.12 Text Spacing."""
    page.evaluate(_FROM_THE_TOP)
    page.evaluate(_WIDE_SPACING)
    return spills(page)


def small_targets(page: Page) -> list[str]:
    """What a thumb misses.  WCAG 2.2 §2.5.8 asks for 24 pixels; the house rule is 48."""
    return list(page.evaluate(_SMALL_TARGETS))


def faults_by_keyboard(page: Page) -> list[str]:
    """What Tab does not reach, or the focus is not seen on.

    WCAG 2.2 §2.1.1, §2.1.2, §2.4.7 and §2.4.11.
    """
    wanted = set(range(page.evaluate(_NUMBER)))
    unseen: list[str] = []
    for _ in range(2 * len(wanted) + 6):
        page.keyboard.down(
            "Tab"
        )  # held down: to let go and press again is a message more each time
        if focused := page.evaluate(_FOCUSED):
            wanted.discard(focused["number"])
            if not focused["seen"]:
                unseen.append(f"{focused['what']} unseen")
        if not wanted:
            break
    page.keyboard.up("Tab")
    page.evaluate(_FROM_THE_TOP)
    return [*unseen, *(f"number {one} unreached" for one in sorted(wanted))]
