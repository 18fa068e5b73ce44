"""A browser without JavaScript: cookies, requests, and redirects that the test follows by hand.

What lives here: one cookie jar and one `Answer` per request.  Redirects are never followed by
themselves, so that a test sees each hop and stops at the relying party's own address.
Source: RFC 6265 §5 as far as one host needs it.  Not here: what is on a page (`pages.py`), who
fills it in (`person.py`).
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from tests.relying_party.pages import Button, Page, read_page

Pairs = Sequence[tuple[str, str]]
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TIMEOUT: Final = urllib3.Timeout(connect=10, read=60)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole."""

    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode("utf-8")

    @property
    def media_type(self) -> str:
        """Content type without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def location(self) -> str | None:
        """Where a redirect leads, absolute; None when this is no redirect."""
        raw = self.headers.get("location")
        return urljoin(self.url, raw) if raw and self.status in REDIRECTS else None

    def json(self) -> Any:
        """The body as JSON; a member that comes twice is refused."""
        return json.loads(self.body, object_pairs_hook=_members_once)

    def page(self) -> Page:
        """The body as a page; fails when it is none."""
        assert self.media_type == "text/html", f"{self.status} {self.media_type!r} is no page"
        return read_page(self.text, url=self.url)


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    assert len(members) == len(pairs), "a JSON member comes twice"
    return members


@dataclass(slots=True)
class _Cookie:
    value: str
    path: str
    is_secure: bool


class Browser:
    """One person's browser on one machine."""

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        watch: Callable[[str, str], None] | None = None,
        languages: str = "vi",
    ) -> None:
        """Takes context: whom to trust; watch: told every address that a redirect names."""
        self._pool = urllib3.PoolManager(
            ssl_context=context, retries=False, timeout=_TIMEOUT, num_pools=4
        )
        self._cookies: dict[tuple[str, str, str], _Cookie] = {}
        self._watch = watch
        self._languages = languages

    def close(self) -> None:
        """Drop the connections; cookies stay."""
        self._pool.clear()

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """GET one address."""
        return self.request("GET", url, headers=headers)

    def post(
        self, url: str, form: Mapping[str, str] | Pairs, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """POST a form."""
        pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
        content = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.request("POST", url, body=urlencode(pairs).encode(), headers=content)

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request with the cookies that belong to it; keep those that come back."""
        sent = {"Accept-Language": self._languages, "Accept": "text/html, */*;q=0.8"}
        sent.update(headers or {})
        cookies = self.cookies_for(url)
        if cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        target = url.partition("#")[0]
        raw = self._pool.request(method, target, body=body, headers=sent, redirect=False)
        for line in raw.headers.getlist("set-cookie"):
            self._keep(line, url=url)
        found = {name.lower(): value for name, value in raw.headers.items()}
        answer = Answer(url=url, status=raw.status, headers=found, body=raw.data)
        if self._watch is not None and answer.location is not None:
            self._watch(answer.location, "url in Location")
        return answer

    def press(
        self,
        page: Page,
        button: Button,
        typed: Mapping[str, str] | None = None,
        *,
        ticked: Pairs = (),
    ) -> Answer:
        """Submit the button's form with what was typed over what it held, and what was ticked."""
        form = page.form_of(button)
        values = dict(typed or {})
        pairs = [(name, values.pop(name, value)) for name, value in form.fields]
        missing = set(values) - form.open_fields
        assert not missing, f"the form of {button.id!r} has no field {sorted(missing)}"
        pairs += [*values.items(), *ticked]
        if button.name:
            pairs.append((button.name, button.value))
        action = button.form_action or form.action
        if (button.form_method or form.method) == "post":
            assert form.encoding == "application/x-www-form-urlencoded"
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
            return self.post(action, pairs, headers={"Origin": origin, "Referer": page.url})
        return self.get(f"{action.partition('?')[0]}?{urlencode(pairs)}")

    def cookies_for(self, url: str) -> dict[str, str]:
        """Name and value of the cookies that a request to `url` carries."""
        parts = urlsplit(url)
        path = parts.path or "/"
        return {
            name: cookie.value
            for (host, name, _), cookie in self._cookies.items()
            if host == parts.hostname
            and (parts.scheme == "https" or not cookie.is_secure)
            and (path == cookie.path or path.startswith(cookie.path.rstrip("/") + "/"))
        }

    def _keep(self, line: str, *, url: str) -> None:
        pair, *attributes = line.split(";")
        name, _, value = pair.strip().partition("=")
        given: dict[str, str] = {}
        for attribute in attributes:
            key, _, text = attribute.strip().partition("=")
            given[key.lower()] = text
        parts = urlsplit(url)
        path = given.get("path", "")
        if not path.startswith("/"):
            path = parts.path.rpartition("/")[0] or "/"
        if name.startswith("__Host-"):
            assert "secure" in given, f"{name} without Secure is refused by browsers"
            assert path == "/", f"{name} with another Path than / is refused by browsers"
            assert "domain" not in given, f"{name} with Domain is refused by browsers"
        place = (parts.hostname or "", name, path)
        if _is_over(given):
            self._cookies.pop(place, None)
        else:
            self._cookies[place] = _Cookie(value, path, "secure" in given)


def _is_over(given: Mapping[str, str]) -> bool:
    if "max-age" in given:
        return int(given["max-age"]) <= 0
    if given.get("expires"):
        return parsedate_to_datetime(given["expires"]).year <= 1971  # how servers delete
    return False
