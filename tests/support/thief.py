"""A thief at the provider: everything that is tried with what was stolen, and what it came to.

What lives here: `Thief`.  It knows no code of Anh's app and no code of her signing key.
Not here: what was stolen (each test).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from signing.isolation.blob import Blob
from signing.model import SigningRequest
from signing.new_request import NewDocument
from tests.support.provider import Provider, claims_of
from tests.support.provider_browser import VERIFIER, Browser, Landing
from tests.support.reset_hands import ResetHands
from tests.support.sign_desk import SignDesk, place_of

_LEVEL_TWO: Final = "urn:vn:auth:2"
_GUESSES: Final = ("", "000000", "123456")


@dataclass
class Thief:
    """One thief, with one browser of their own."""

    desk: SignDesk
    guesses: tuple[str, ...] = _GUESSES
    browser: Browser = field(init=False)
    hands: ResetHands = field(init=False)
    request: SigningRequest = field(init=False)

    def __post_init__(self) -> None:
        """Let a document wait for Anh."""
        self.desk.give_code_key()
        file = NewDocument(name="a.txt", media_type="text/plain", content=Blob.of(b"Noi dung"))
        self.request = self.desk.ask(file)
        self.browser = self.desk.browser(None)
        self.hands = ResetHands(self.provider)

    @property
    def provider(self) -> Provider:
        """Where it is tried."""
        return self.desk.provider

    def press_all(self, path: str, button: str, **typed: str) -> Landing | None:
        """Open a page and press a button, if the page is shown at all."""
        page = self.browser.get(path)
        if not page.shows(button):
            return None
        return self.browser.press(page, button, typed)

    def reached(self) -> str:
        """What the thief has come to: "level two", "signature", or nothing."""
        if self._signs():
            return "signature"
        return "level two" if self._is_at_level_two() else ""

    def _is_at_level_two(self) -> bool:
        page = self.browser.authorize("level2")
        for _ in range(8):
            step = next(
                (one for one in ("account-continue", "consent-accept") if page.shows(one)), None
            )
            if step is None:
                break
            page = self.browser.press(page, step)
        if page.shows("otp-submit"):
            for guess in self.guesses:
                page = self.browser.press(page, "otp-submit", {"otp": guess})
                if not page.shows("otp-submit"):
                    break
        if page.shows("activation-submit"):
            page = self.browser.press(page, "activation-submit", {"activation_code": "0" * 12})
        if page.url is None or "code" not in page.fields:
            return False
        answer = self.provider.exchange(page.code, client_id="level2", verifier=VERIFIER)
        return bool(claims_of(answer.get_json()["id_token"])["acr"] == _LEVEL_TWO)

    def _signs(self) -> bool:
        page = self.browser.get(place_of(self.request))
        if page.shows("sign-open"):
            page = self.browser.press(page, "sign-open")
        for guess in self.guesses:
            if page.shows("sign-confirm"):
                page = self.browser.press(page, "sign-confirm", {"otp": guess})
        return self.desk.state(self.request) != "waiting"

    def forms(self, path: str) -> list[str]:
        """The ids of the buttons on a page."""
        return re.findall(r'<button\b[^>]*\bid="([^"]+)"', self.browser.get(path).page)
