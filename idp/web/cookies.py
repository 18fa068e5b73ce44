"""The three cookies of the provider, and the tokens that tie a form to a browser.

What lives here: names, attributes, CSRF.  `__Host-` and Secure whenever the issuer is https; only
the http sandbox uses plain names, distinct per application since browsers share cookies across
ports.  Source: RFC 6265bis §4.1.3.2; architecture, "Sandbox".
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from typing import Final

from flask import Response, request

from idp.services import Services
from keystore.purposes import MacPurpose

_DEVICE_LIFETIME_S: Final = 180 * 24 * 3600


class Cookies:
    """Reads and writes the cookies of one issuer.

    `session` holds the session token, `browser` ties interactions and forms to a browser, `device`
    is what a browser is known by when attempts are counted.
    """

    def __init__(self, services: Services) -> None:
        self._is_secure = services.settings.is_https
        prefix = "__Host-antin_" if self._is_secure else "antin_"
        self.session = f"{prefix}session"
        self.browser = f"{prefix}browser"
        self.device = f"{prefix}device"
        self._sealer = services.sealer

    def read_session(self) -> str | None:
        """The session token that the browser sent."""
        return request.cookies.get(self.session) or None

    def read_browser(self) -> str | None:
        """The browser token that the browser sent."""
        return request.cookies.get(self.browser) or None

    def read_device(self) -> str | None:
        """The device value that the browser sent, unverified."""
        return request.cookies.get(self.device) or None

    def set_session(self, response: Response, token: str) -> None:
        """Hand out a session token: until the browser is closed, or the session ends."""
        self._set(response, self.session, token, max_age=None)

    def drop_session(self, response: Response) -> None:
        """Take the session token back."""
        self._set(response, self.session, "", max_age=0)

    def ensure_browser(self, response: Response, token: str) -> None:
        """Hand out a browser token unless the browser has that one."""
        known = self.read_browser()
        if known is None or not hmac.compare_digest(known.encode(), token.encode()):
            self._set(response, self.browser, token, max_age=None)

    def set_device(self, response: Response, value: str) -> None:
        """Hand out a device value."""
        self._set(response, self.device, value, max_age=_DEVICE_LIFETIME_S)

    def csrf_token(self, browser: str, *, place: str) -> str:
        """The token for forms of `place` in a browser; another one after every rise of level."""
        message = "\0".join((browser, self.read_session() or "", place))
        mac = self._sealer.mac(MacPurpose.CSRF, message.encode("utf-8", "surrogatepass"))
        return urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")

    def is_csrf_token(self, raw: str | None, *, place: str) -> bool:
        """Whether a form came from a page of ours in this browser."""
        browser = self.read_browser()
        if raw is None or browser is None:
            return False
        expected = self.csrf_token(browser, place=place)
        return hmac.compare_digest(raw.encode("utf-8", "surrogatepass"), expected.encode("ascii"))

    def _set(self, response: Response, name: str, value: str, *, max_age: int | None) -> None:
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            secure=self._is_secure,
            httponly=True,
            samesite="Lax",
            path="/",
        )


def make_browser_token() -> str:
    """A new browser token: 256 random bits, base64url."""
    return secrets.token_urlsafe(32)
