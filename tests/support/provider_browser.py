"""A browser at the provider in this process: what a person does between request and answer.

What lives here: `Browser` with cookies of its own, the forms of our pages read by their names and
ids, and the authorization response at the end.  Not here: the direct endpoints (`provider.py`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import pyotp
from werkzeug.datastructures import MultiDict
from werkzeug.test import Client as WsgiClient
from werkzeug.test import TestResponse

from tests.support.provider import ISSUER, Provider, redirect_of, s256
from tests.support.provider_seeds import ANH, Somebody, totp_text

VERIFIER: Final = "v" * 20 + "-._~" + "V" * 40
_MOST_HOPS: Final = 12
_FORM: Final = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
_ATTRIBUTE: Final = r'\b{}="([^"]*)"'
_CODES: Final[dict[tuple[int, str], int]] = {}


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a walk ended: at the portal (`url`, `fields`) or on a page of ours (`page`)."""

    response: TestResponse
    place: str
    url: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """The page that is shown."""
        assert self.url is None, f"the browser is back at the portal: {dict(self.fields)}"
        return self.response.get_data(as_text=True)

    @property
    def code(self) -> str:
        """The authorization code that the portal got."""
        assert "code" in self.fields, self.describe()
        return self.fields["code"]

    @property
    def error(self) -> str:
        """The error that the portal got."""
        assert "error" in self.fields, self.describe()
        assert "code" not in self.fields
        return self.fields["error"]

    def shows(self, element_id: str) -> bool:
        """Whether the page has an element with this id."""
        return self.url is None and f'id="{element_id}"' in self.page

    def describe(self) -> str:
        """For messages of failed tests; names no one."""
        ids = re.findall(r'\bid="([^"]+)"', self.response.get_data(as_text=True))
        return f"{self.response.status_code} {self.place} {dict(self.fields)} {ids[:30]}"


class Browser:
    """One browser."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.http = WsgiClient(provider.app)

    # -- the words of a portal ---------------------------------------------------------------------

    def request(self, client_id: str = "portal", **changed: str | None) -> dict[str, str]:
        """The parameters of an ordinary request; one set to None is left out."""
        members: dict[str, str | None] = {
            "client_id": client_id,
            "redirect_uri": redirect_of(client_id),
            "response_type": "code",
            "scope": "openid profile",
            "state": "st-1",
            "nonce": "no-1",
            "code_challenge": s256(VERIFIER),
            "code_challenge_method": "S256",
            **changed,
        }
        return {name: value for name, value in members.items() if value is not None}

    def authorize(self, client_id: str = "portal", **changed: str | None) -> Landing:
        """Send the browser to the authorization endpoint and follow to the first page or answer."""
        self._provider.clock.advance(milliseconds=5)  # nobody clicks in no time
        return self.get(f"/authorize?{urlencode(self.request(client_id, **changed))}")

    def sign_in(
        self, client_id: str = "portal", *, who: Somebody = ANH, **changed: str | None
    ) -> Landing:
        """Ask for authorization and answer every page until the portal has its answer."""
        return self.answer_all(self.authorize(client_id, **changed), who=who)

    def tokens(
        self, client_id: str = "portal", *, who: Somebody = ANH, **changed: str | None
    ) -> dict[str, Any]:
        """Sign in and exchange the code."""
        landing = self.sign_in(client_id, who=who, **changed)
        verifier = VERIFIER if changed.get("code_challenge", "") is not None else None
        extra = {}
        if (uri := changed.get("redirect_uri")) is not None:
            extra["redirect_uri"] = uri
        answer = self._provider.exchange(
            landing.code, client_id=client_id, verifier=verifier, **extra
        )
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found = answer.get_json()
        assert isinstance(found, dict)
        return found

    # -- the words of a person ---------------------------------------------------------------------

    def answer_all(self, landing: Landing, *, who: Somebody = ANH) -> Landing:
        """Fill in page after page: signs in, gives codes, chooses the first, agrees to all."""
        asked: list[str] = []
        for _ in range(_MOST_HOPS):
            if landing.url is not None:
                break
            step = next((one for one in self._steps() if landing.shows(one)), None)
            if step is None or asked[-2:] == [step, step]:
                break
            asked.append(step)
            landing = self.press(landing, step, self._typed(step, landing, who))
        return Landing(landing.response, landing.place, landing.url, landing.fields, tuple(asked))

    def log_in(
        self, landing: Landing, *, who: Somebody = ANH, password: str | None = None
    ) -> Landing:
        """Identifier and password."""
        typed = {"identifier": who.identifier, "password": password or who.password}
        return self.press(landing, "login-submit", typed)

    def give_code(self, landing: Landing, *, who: Somebody = ANH) -> Landing:
        """A one-time code that was not used yet."""
        return self.press(landing, "otp-submit", {"otp": self.next_code(who)})

    def next_code(self, who: Somebody) -> str:
        """A code of this step; the clock moves on when this step's is spent."""
        assert who.totp_secret is not None
        key = (id(self._provider), who.identifier)
        step = int(self._provider.now.timestamp()) // 30
        if step <= _CODES.get(key, 0):
            self._provider.clock.now += timedelta(seconds=30)
            step += 1
        _CODES[key] = step
        return pyotp.TOTP(totp_text(who.totp_secret)).at(step * 30)

    def press(
        self, landing: Landing, button: str, typed: Mapping[str, Any] | None = None, **also: str
    ) -> Landing:
        """Submit the form of a button with what was typed, and follow."""
        action, fields = form_of(landing.page, button)
        members = MultiDict({**fields, **(typed or {}), **also})
        return self.submit(action, members)

    def submit(self, path: str, form: Mapping[str, Any]) -> Landing:
        """Send a form of ours, and follow."""
        response = self.http.post(
            path, base_url=ISSUER, data=form, environ_overrides={"REMOTE_ADDR": "192.0.2.7"}
        )
        return self.follow(response, place=path)

    def get(self, path: str) -> Landing:
        """Open an address of the provider, and follow."""
        return self.follow(self.http.get(path, base_url=ISSUER), place=path)

    def follow(self, response: TestResponse, *, place: str) -> Landing:
        """Follow redirects within the provider; stop at the portal or on a page."""
        for _ in range(_MOST_HOPS):
            location = response.headers.get("Location")
            if location is None:
                break
            parts = urlsplit(location)
            if parts.netloc and f"{parts.scheme}://{parts.netloc}" != ISSUER:
                return Landing(response, place, location, dict(parse_qsl(parts.query)))
            if parts.scheme and not parts.netloc:
                return Landing(response, place, location, dict(parse_qsl(parts.query)))
            place = parts.path + (f"?{parts.query}" if parts.query else "")
            response = self.http.get(place, base_url=ISSUER)
        page = response.get_data(as_text=True)
        if 'id="form-post"' in page:
            action, fields = form_of(page, "form-post-continue")
            return Landing(response, place, action, fields)
        return Landing(response, place)

    def cookie(self, name: str) -> str | None:
        """The value of a cookie; `name` without its prefix."""
        found = self.http.get_cookie(f"__Host-antin_{name}", domain=urlsplit(ISSUER).netloc)
        return None if found is None else found.value

    def set_cookie(self, name: str, value: str) -> None:
        """Put a cookie in by hand."""
        self.http.set_cookie(f"__Host-antin_{name}", value, domain=urlsplit(ISSUER).netloc)

    def _steps(self) -> tuple[str, ...]:
        return (
            "login-submit", "otp-submit", "capacity-0", "consent-accept", "information-continue",
            "account-continue",
        )  # fmt: skip

    def _typed(self, step: str, landing: Landing, who: Somebody) -> dict[str, Any]:
        if step == "login-submit":
            return {"identifier": who.identifier, "password": who.password}
        if step == "otp-submit":
            return {"otp": self.next_code(who)}
        if step == "consent-accept":
            return {"share": re.findall(r'name="share" value="([^"]*)"', landing.page)}
        return {}


def form_of(page: str, button: str) -> tuple[str, dict[str, str]]:
    """Action and hidden fields of the form around a button, with the button's own value."""
    for form in _FORM.findall(page):
        if f'id="{button}"' not in form:
            continue
        opening = form.partition(">")[0]
        action = html.unescape(_attribute(opening, "action") or "")
        fields: dict[str, str] = {}
        for tag in re.findall(r"<input\b[^>]*>", form):
            if _attribute(tag, "type") == "hidden":
                fields[html.unescape(_attribute(tag, "name") or "")] = html.unescape(
                    _attribute(tag, "value") or ""
                )
        own = next(tag for tag in re.findall(r"<button\b[^>]*>", form) if f'id="{button}"' in tag)
        name = _attribute(own, "name")
        if name is not None:
            fields[name] = html.unescape(_attribute(own, "value") or "")
        return action, fields
    ids = re.findall(r'\bid="([^"]+)"', page)
    raise AssertionError(f"no form with {button}: {ids[:40]}")


def _attribute(tag: str, name: str) -> str | None:
    found = re.search(_ATTRIBUTE.format(name), tag)
    return None if found is None else found.group(1)
