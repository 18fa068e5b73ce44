"""Every page keeps to the rules: it fits, each control is reached and seen, axe finds nothing.

A page is opened once in each language and asked everything: loading costs more than any question.
Not here: single walks by keyboard (test_pages_keyboard.py); with scripts switched off axe never
answers, so the pages without scripts are walked in test_pages_without_javascript.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Page

from tests.support import page_rules as rules
from tests.support.specimen_walk import each_specimen

_NARROW: Final = {"width": 320, "height": 640}
_PHONE: Final = {"width": 360, "height": 740}
_HALF: Final = {"width": 640, "height": 800}
_SMALL: Final = {"width": 320, "height": 800}
_DESK: Final = {"width": 1280, "height": 800}

_Rule = Callable[[Page], list[str]]
_Size = dict[str, int]
_ASKED: Final[dict[str, tuple[tuple[str, _Size, _Rule], ...]]] = {
    "vi": (
        ("reflow", _NARROW, rules.spills),
        ("large text", _HALF, rules.spills_of_large_text),
        ("targets", _PHONE, rules.small_targets),
        ("axe", _SMALL, rules.violations),
        ("keyboard", _SMALL, rules.faults_by_keyboard),
        ("keyboard, wide", _DESK, rules.faults_by_keyboard),
        # the last one: it cannot be taken back
        ("spacing", _PHONE, rules.spills_of_wide_spacing),
    ),
    "en": (
        ("reflow", _NARROW, rules.spills),
        ("axe", _DESK, rules.violations),
    ),
}
_Found = dict[str, dict[str, list[str]]]


@pytest.fixture(scope="module")
def found_in(open_page) -> Callable[[str], _Found]:
    """What is wrong in a language, by rule and page; asked for once."""
    known: dict[str, _Found] = {}

    def found(language: str) -> _Found:
        if language not in known:
            known[language] = _walk(open_page, language)
        return known[language]

    return found


def _walk(opened, language: str) -> _Found:
    found: _Found = {rule: {} for rule, _, _ in _ASKED[language]}
    with opened() as page:
        page.add_init_script(path=rules.AXE)
        page.set_viewport_size(_NARROW)
        for name in each_specimen(page, language=language):
            for rule, size, ask in _ASKED[language]:
                page.set_viewport_size(size)
                if answer := ask(page):
                    found[rule][name] = answer
            page.set_viewport_size(_NARROW)
    return found


@pytest.mark.parametrize("language", ["vi", "en"])
def test_axe_finds_no_violation(found_in, language):
    """WCAG 2.2, levels A and AA: in Vietnamese on a small phone, in English on a desk."""
    assert found_in(language)["axe"] == {}


@pytest.mark.parametrize("rule", ["keyboard", "keyboard, wide"])
def test_tab_reaches_every_control_and_the_focus_is_seen(found_in, rule):
    """WCAG 2.2 §2.1.1, §2.1.2, §2.4.7 and §2.4.11."""
    assert found_in("vi")[rule] == {}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_nothing_spills_or_is_cut_on_a_narrow_phone(found_in, language):
    """WCAG 2.2 §1.4.10 Reflow: 320 CSS pixels, no scrolling sideways."""
    assert found_in(language)["reflow"] == {}


def test_nothing_spills_with_text_at_twice_the_size(found_in):
    """WCAG 2.2 §1.4.4 Resize Text."""
    assert found_in("vi")["large text"] == {}


def test_nothing_spills_with_wider_spacing(found_in):
    """WCAG 2.2 §1.4.12 Text Spacing."""
    assert found_in("vi")["spacing"] == {}


def test_targets_are_large_enough_for_a_thumb(found_in):
    """WCAG 2.2 §2.5.8 asks for 24 pixels; the house rule is 48."""
    assert found_in("vi")["targets"] == {}
