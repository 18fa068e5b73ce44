"""One person walking through real pages in Chromium: by pointer, by keyboard, or without scripts.

What lives here: `Walk` over a browser page; it holds every page on the way against the alarm, and
against axe where it is another than those before in more than words and tokens.  A picture of where
a walk failed is left in `build/artefacts`.
Not here: the browser itself (`tests/browser/conftest.py`), where a walk leads (the tests).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Response

from tests.support.invented import Invented
from tests.support.page_rules import AXE, violations
from tests.support.pii_alarm import PiiAlarm

Hand = Literal["pointer", "keyboard"]
Walker = Callable[..., AbstractContextManager["Walk"]]

_ROOT: Final = Path(__file__).parents[2]
_ARTEFACTS: Final = _ROOT / "build" / "artefacts"
_TOKENS: Final = re.compile(r' (value|href|action|formaction)="(?!#)[^"]+"')
_WORDS: Final = re.compile(r">[^<>]*\w[^<>]*<")
_FOCUS: Final = """selector => {
  const e = document.activeElement;
  if (e !== document.querySelector(selector)) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  const inside = box.top >= -1 && box.bottom <= window.innerHeight + 1;
  return inside && (style.boxShadow !== "none" || parseFloat(style.outlineWidth) > 0);
}"""
_MOST_TABS: Final = 60
_SAID_TO_ITS_READER: Final = frozenset({422, 429})
"""Statuses of forms that are shown again: what was typed is in them."""
_ONCE_ONLY: Final = ("code", "id_token_hint")
_SOUND: Final[set[bytes]] = set()
"""Pages, each in its size, in which this process found nothing."""


class Walk:
    """A window, and what was seen in it."""

    def __init__(self, page: Page, *, alarm: PiiAlarm, hand: Hand, has_scripts: bool) -> None:
        self.page = page
        self.violations: dict[str, list[str]] = {}
        self.seen: list[str] = []
        """Addresses asked for, in order."""
        self._alarm = alarm
        self._hand = hand
        self._has_scripts = has_scripts
        self._status = 200
        page.on("request", lambda request: self._requested(request.url))
        page.on("response", self._answered)

    # -- walking

    def go(self, url: str, see: str) -> None:
        """Open an address and wait for the element `see`."""
        self.page.goto(url)
        self.see(see)

    def see(self, selector: str) -> None:
        """Wait for an element; then the page it is on is judged."""
        self.page.wait_for_selector(selector)
        self.page.wait_for_load_state()
        self._judge()

    def press(self, selector: str, then: str) -> None:
        """Press a button or link and wait for the element `then`."""
        if self._hand == "keyboard":
            self._tab_to(selector)
            self.page.keyboard.press("Enter")
        else:
            self.page.click(selector)
        self.see(then)

    def type(self, selector: str, text: str) -> None:
        """Type into a field."""
        if self._hand == "keyboard":
            self._tab_to(selector)
            self.page.keyboard.type(text)
        else:
            self.page.fill(selector, text)

    def clear(self, selector: str) -> None:
        """Empty a field."""
        if self._hand == "keyboard":
            self._tab_to(selector)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.press("Delete")
        else:
            self.page.fill(selector, "")

    def tick(self, selector: str) -> None:
        """Tick a box."""
        if self._hand == "keyboard":
            self._tab_to(selector)
            self.page.keyboard.press("Space")
        else:
            self.page.check(selector)

    def sign_in(self, person: Invented, then: str) -> None:
        """Identifier and password, on the page that asks for them."""
        for kind, value in person.secrets.items():
            self._alarm.seed(value, kind=f"{kind} of {person.account_id}")
        self.type("#identifier", person.identifier)
        self.type("#password", person.password)
        self.press("#login-submit", then)

    def text(self, selector: str) -> str:
        """What an element says."""
        return self.page.inner_text(selector)

    def claim(self, name: str) -> str:
        """What a portal shows of one claim."""
        return self.page.inner_text(f"[data-claim={name}] span")

    @property
    def status(self) -> int:
        """Status of the page that is shown."""
        return self._status

    def picture(self, name: str) -> None:
        """Keep a picture for the documentation where ANTIN_PICTURES names a folder."""
        folder = os.environ.get("ANTIN_PICTURES")
        if folder:
            self.page.screenshot(path=Path(folder) / f"{name}.png")

    # -- judging

    def _tab_to(self, selector: str) -> None:
        for _ in range(_MOST_TABS):
            is_seen = self.page.evaluate(_FOCUS, selector)
            if is_seen is not None:
                assert is_seen, f"the focus on {selector} is not seen (WCAG 2.2 §2.4.7)"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by the Tab key (WCAG 2.2 §2.1.1)")

    def _judge(self) -> None:
        self._alarm.watch(self.page.title(), "title of a page")
        if self._status >= 400 and self._status not in _SAID_TO_ITS_READER:
            self._alarm.watch(self.page.content(), f"error page {self._status}")
        if self._has_scripts and (kind := self._kind()) not in _SOUND:
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
            if found := violations(self.page):
                self.violations[f"{self._status} {_place(self.page.url)}"] = found
            else:
                _SOUND.add(kind)

    def _kind(self) -> bytes:
        """Everything by which axe could tell this page from another, in a few bytes."""
        markup = _WORDS.sub(">x<", _TOKENS.sub(r' \1="x"', self.page.content()))
        size = self.page.viewport_size
        return hashlib.sha256(f"{size} {markup}".encode()).digest()

    def _requested(self, url: str) -> None:
        self.seen.append(url)
        self._alarm.watch(url, "url requested")

    def _answered(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.frame == self.page.main_frame:
            self._status = response.status

    def codes(self) -> list[str]:
        """Authorization codes that were brought to portals."""
        queries = [parse_qs(urlsplit(url).query) for url in self.seen]
        return [code for query in queries for code in query.get("code", ())]

    def once_only(self) -> Iterator[str]:
        """Codes and tokens that were in addresses: rightly there, and nowhere else."""
        for url in self.seen:
            given = parse_qs(urlsplit(url).query)
            for name in _ONCE_ONLY:
                yield from given.get(name, ())


def _place(url: str) -> str:
    return re.sub(r"int_[^/?]+", "…", urlsplit(url).path)


def make_walker(browser: Browser, *, alarm: PiiAlarm, name: str) -> Walker:
    """A function that opens walks; what axe found fails the test when a walk ends."""

    @contextmanager
    def opened(
        *,
        width: int = 1280,
        height: int = 800,
        hand: Hand = "pointer",
        has_scripts: bool = True,
        locale: str = "vi-VN",
        context: BrowserContext | None = None,
        **options: Any,
    ) -> Iterator[Walk]:
        mine = context or browser.new_context(
            viewport={"width": width, "height": height},
            java_script_enabled=has_scripts,
            locale=locale,
            **options,
        )
        mine.set_default_timeout(90_000)
        walk = Walk(mine.new_page(), alarm=alarm, hand=hand, has_scripts=has_scripts)
        try:
            yield walk
            assert not walk.violations, walk.violations
        except BaseException:
            _ARTEFACTS.mkdir(parents=True, exist_ok=True)
            walk.page.screenshot(path=_ARTEFACTS / f"{name}.png", full_page=True)
            raise
        finally:
            cookies = [cookie.get("value", "") for cookie in mine.cookies()]
            for at, value in enumerate((*walk.once_only(), *cookies)):
                if len(value) > 20:
                    alarm.seed(value, kind=f"code or cookie {at}")
            walk.page.close()
            if context is None:
                mine.close()

    return opened
