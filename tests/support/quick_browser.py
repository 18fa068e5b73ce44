"""A browser of few words, for thousands of sign-ins: cookies and forms.

What lives here: `QuickBrowser`, which goes from an authorization request to the portal's address
and exchanges codes; a connection for each request, or one that is kept.  A connection that breaks
is `Cut`, never hidden.
Not here: judging pages (`tests/support/walk.py`), the portal's checks (`tests/relying_party`).
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import secrets
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

_CSRF: Final = re.compile(r'name="csrf_token" value="([^"]+)"')
_ACTION: Final = re.compile(r'<form[^>]*method="post"[^>]*action="([^"]+)"')
_VERIFIER: Final = "v" * 43
_CHALLENGE: Final = (
    base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
_PATIENCE_S: Final = 60


class Cut(Exception):
    """The connection ended before the answer did."""


class Unexpected(AssertionError):
    """An answer that no step of a sign-in may get."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: http.client.HTTPMessage = field(repr=False)
    text: str = field(repr=False)

    @property
    def location(self) -> str:
        """Where a redirect leads; empty when this is none."""
        return self.headers.get("Location") or ""


@dataclass(frozen=True, slots=True)
class QuickClient:
    """A client of the provider under test."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    scope: str = "openid"


class Line(Protocol):
    """How requests get to the provider and answers back."""

    def exchange(
        self, method: str, path: str, *, body: bytes | str | None, headers: Mapping[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """One request and its whole answer.  Raises Cut."""


@dataclass(frozen=True, slots=True)
class OneEach:
    """A connection for each request: what is cut concerns this one and no other."""

    port: int

    def exchange(
        self, method: str, path: str, *, body: bytes | str | None, headers: Mapping[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """See `Line`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)
        with closing(connection):
            return _exchange(connection, method, path, body, {"Connection": "close", **headers})


class Kept:
    """One connection for each thread, kept as browsers and programs keep theirs.

    One that the server closed meanwhile is `Cut` as well, and the next request has a new one.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._of_thread = threading.local()

    def exchange(
        self, method: str, path: str, *, body: bytes | str | None, headers: Mapping[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """See `Line`."""
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_S)
            self._of_thread.connection = connection
        try:
            return _exchange(connection, method, path, body, headers)
        except Cut:
            connection.close()  # which connects anew the next time
            raise


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | str | None,
    headers: Mapping[str, str],
) -> tuple[int, http.client.HTTPMessage, bytes]:
    try:
        connection.request(method, path, body=body, headers=headers)
        raw = connection.getresponse()
        return raw.status, raw.headers, raw.read()
    except (OSError, http.client.HTTPException) as problem:
        raise Cut(type(problem).__name__) from problem


class QuickBrowser:
    """One person's browser at the provider on `localhost:port`, on this line or on one for each."""

    def __init__(self, port: int, *, line: Line | None = None) -> None:
        self._line = line or OneEach(port)
        self.cookies: dict[str, str] = {}
        self.passwords_given = 0

    @property
    def has_session(self) -> bool:
        """Whether a session was answered."""
        return bool(self.cookies.get("antin_session"))

    def request(
        self,
        method: str,
        path: str,
        *,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request.  Raises Cut."""
        sent = dict(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if form is not None:
            body = urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        status, answered, raw = self._line.exchange(method, path, body=body, headers=sent)
        answer = Answer(status, answered, raw.decode("utf-8", "replace"))
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return answer

    def sign_in(
        self, client: QuickClient, *, identifier: str = "", password: str = "", **extra: str
    ) -> dict[str, str]:
        """From an authorization request to the portal; returns the fields of the response.

        Raises  Cut; Unexpected: an error, or a password asked for although a session was answered.
        """
        had_session = self.has_session
        query = urlencode(
            {
                "client_id": client.client_id,
                "redirect_uri": client.redirect_uri,
                "response_type": "code",
                "scope": client.scope,
                "state": secrets.token_urlsafe(8),
                "nonce": secrets.token_urlsafe(8),
                "code_challenge": _CHALLENGE,
                "code_challenge_method": "S256",
                **extra,
            }
        )
        answer = self.request("GET", f"/authorize?{query}")
        for _ in range(10):
            if answer.location.startswith(client.redirect_uri):
                fields = parse_qs(urlsplit(answer.location).query)
                return {name: values[0] for name, values in fields.items()}
            if answer.status == 303:
                answer = self.request("GET", urlsplit(answer.location).path)
                continue
            if answer.status != 200 or 'id="login-submit"' not in answer.text:
                raise Unexpected(f"{answer.status} {_ids(answer.text)}")
            if had_session:
                raise Unexpected("a session that was answered is not honoured")
            self.passwords_given += 1
            csrf, action = _CSRF.search(answer.text), _ACTION.search(answer.text)
            assert csrf is not None
            assert action is not None
            answer = self.request(
                "POST",
                action[1],
                form={"csrf_token": csrf[1], "identifier": identifier, "password": password},
            )
        raise Unexpected("no end")

    def exchange(self, client: QuickClient, code: str) -> dict[str, Any]:
        """A code for tokens.  Raises Cut; Unexpected."""
        return self.token(
            client,
            grant_type="authorization_code",
            code=code,
            redirect_uri=client.redirect_uri,
            code_verifier=_VERIFIER,
        )

    def token(self, client: QuickClient, **form: str) -> dict[str, Any]:
        """A token request.  Raises Cut; Unexpected."""
        pair = f"{client.client_id}:{client.client_secret}".encode()
        basic = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        answer = self.request("POST", "/token", form=form, headers=basic)
        if answer.status != 200:
            raise Unexpected(f"/token answered {answer.status} {answer.text[:200]}")
        tokens: dict[str, Any] = json.loads(answer.text)
        return tokens

    def userinfo(self, access_token: str) -> Answer:
        """Userinfo."""
        return self.request("GET", "/userinfo", headers={"Authorization": f"Bearer {access_token}"})

    def sign_out(self) -> None:
        """Sign out at the provider, from the confirmation page on.  Raises Cut; Unexpected."""
        page = self.request("GET", "/logout")
        csrf = _CSRF.search(page.text)
        if csrf is None:
            raise Unexpected(f"/logout answered {page.status} {_ids(page.text)}")
        answer = self.request("POST", "/logout", form={"csrf_token": csrf[1], "decision": "logout"})
        if answer.status != 303:
            raise Unexpected(f"/logout answered {answer.status} {_ids(answer.text)}")


def _ids(page: str) -> list[str]:
    """The ids on a page, for messages of failed tests; they name no one."""
    return re.findall(r'\bid="([^"]+)"', page)[:20]
