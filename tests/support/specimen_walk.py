"""Every page of the gallery in one window, one after the other.

What lives here: `each_specimen`.  Not here: the pages (`pages.py`), what is asked of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from playwright.sync_api import Page

from tests.support.pages import SPECIMENS

_GOES_AWAY: Final = "form_post"
_SCRIPT: Final = "**/form_post.js"


def each_specimen(page: Page, *, language: str = "vi") -> Iterator[str]:
    """Open each page and give its name; the one that sends itself off is held back.

    Only there is anything held back: a window in which something is has no cache, and would load
    everything again for each page.
    """
    for name in SPECIMENS:
        if name == _GOES_AWAY:
            page.route(_SCRIPT, lambda route: route.fulfill(body=""))
        page.goto(f"/page/{name}?lang={language}")
        yield name
        if name == _GOES_AWAY:
            page.unroute(_SCRIPT)
