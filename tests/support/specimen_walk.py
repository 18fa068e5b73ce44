"""Every page of the gallery in one window, one after the other.

What lives here: `each_specimen`.  Of pages that differ in their words alone, such as a form with
one refusal or the next, the longest stands for all: a browser finds nothing on the others that it
did not find there.  Not here: the pages (`pages.py`), what is asked of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Final

from playwright.sync_api import Page

from tests.support.pages import SPECIMENS, make_gallery

_GOES_AWAY: Final = "form_post"
_SCRIPT: Final = "**/form_post.js"
_WORDS: Final = re.compile(r">[^<>]+<")


def each_specimen(page: Page, *, language: str = "vi") -> Iterator[str]:
    """Open each page and give its name; the one that sends itself off is held back.

    Only there is anything held back: a window in which something is has no cache, and would load
    everything again for each page.
    """
    for name in _unlike():
        if name == _GOES_AWAY:
            page.route(_SCRIPT, lambda route: route.fulfill(body=""))
        answer = page.goto(f"/page/{name}?lang={language}")
        assert answer is not None, name
        assert answer.ok, name
        yield name
        if name == _GOES_AWAY:
            page.unroute(_SCRIPT)


@cache
def _unlike() -> tuple[str, ...]:
    """One name for each page that has a markup of its own."""
    asked = make_gallery().test_client()
    answers = {name: asked.get(f"/page/{name}") for name in SPECIMENS}
    broken = [name for name, answer in answers.items() if answer.status_code != HTTPStatus.OK]
    assert not broken, "pages of a fault are all alike, and fit everywhere"
    texts = {name: answer.get_data(as_text=True) for name, answer in answers.items()}
    longest: dict[str, str] = {}
    for name in sorted(texts, key=lambda one: len(texts[one])):
        markup = texts[name].replace(f"/page/{name}", "")
        longest[_WORDS.sub("><", markup)] = name
    kept = set(longest.values())
    return tuple(name for name in SPECIMENS if name in kept)
