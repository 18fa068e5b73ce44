"""One provider under test, ours or the peer: from an operation to a job for the load generator.

What lives here: the requests of the protocol, which are the same for both, and how many codes a run
needs.  Where the two differ is data: paths, and where codes come from.
Sources: RFC 6749 §4.1.3, §4.4.2, §6; OpenID Connect Core §5.3.1; RFC 7662 §2.1.
"""

from __future__ import annotations

import http.client
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote, urlencode

from bench.load import Job, Mode, make_request, make_upload
from bench.processes import Running

REDIRECT_URI: Final = "https://portal.bench.example/callback"
VERIFIER: Final = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE: Final = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""The pair of RFC 7636, Appendix B."""
API: Final = "https://api.bench.example/cases"
API_SCOPE: Final = "cases.read"
SCOPES: Final = ("openid", "profile", "offline_access")
TOKENS: Final = 64
"""People whose tokens userinfo, introspection and refresh go round with."""


class Operation(StrEnum):
    """What is measured; in the order of the table."""

    DISCOVERY = "discovery"
    JWKS = "JWKS"
    CLIENT_CREDENTIALS = "client credentials"
    CODE_EXCHANGE = "code exchange"
    REFRESH = "refresh with rotation"
    USERINFO = "userinfo"
    INTROSPECTION = "introspection"
    SIGN_IN = "whole sign-in"
    TIMESTAMP = "timestamp"
    STATUS = "certificate status"


class Audience(StrEnum):
    """Whom the access token of a code is for."""

    USERINFO = "userinfo"
    API = "api"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client and its secret."""

    client_id: str
    secret: str = field(repr=False)

    def header(self) -> dict[str, str]:
        """client_secret_basic.  RFC 6749 §2.3.1."""
        pair = f"{quote(self.client_id)}:{quote(self.secret)}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the endpoints are."""

    jwks: str = "/jwks"
    token: str = "/token"
    userinfo: str = "/userinfo"
    introspection: str = "/introspect"


@dataclass(frozen=True, slots=True)
class Side:
    """A running provider.

    `mint` returns so many fresh codes; `code_audience` is whom access tokens of the exchange and of
    refresh are for, chosen so that they are signed JWTs; `introspected` the audience of the tokens
    that its introspection takes, asked for by `resource_server`.  `timestamp_query` and
    `status_paths` are asked of `/tsa` and `/ocsp`, where there are any; the year of the run stands
    in every right answer of theirs.
    """

    name: str
    server: Running
    portal: Credentials
    resource_server: Credentials
    mint: Callable[[int, Audience], Sequence[str]] = field(repr=False)
    paths: Paths = Paths()
    code_audience: Audience = Audience.USERINFO
    introspected: Audience = Audience.API
    timestamp_query: bytes = field(default=b"", repr=False)
    status_paths: tuple[str, ...] = ()
    year: int = 0

    def job(self, operation: Operation, *, codes: int, tokens: int = TOKENS) -> Job:
        """A fresh job.

        Takes   codes: how many the exchange may need; tokens: of how many people the others are.
        """
        match operation:
            case Operation.DISCOVERY:
                return self._get("/.well-known/openid-configuration", expected="token_endpoint")
            case Operation.JWKS:
                return self._get(self.paths.jwks, expected='"keys"')
            case Operation.CLIENT_CREDENTIALS:
                form = {"grant_type": "client_credentials", "scope": API_SCOPE, "resource": API}
                return self._token(urlencode(form), values=("",), mode=Mode.CYCLE)
            case Operation.CODE_EXCHANGE:
                values = self.mint(codes, self.code_audience)
                return self._token(_exchange_form(), values=values, mode=Mode.ONCE)
            case Operation.REFRESH:
                values = [one["refresh_token"] for one in self.sign_in(tokens, self.code_audience)]
                body = "grant_type=refresh_token&refresh_token=@VALUE@"
                return self._token(body, values=values, mode=Mode.CHAIN)
            case Operation.USERINFO:
                return self._userinfo(tokens)
            case Operation.INTROSPECTION:
                return self._introspection(tokens)
            case Operation.TIMESTAMP:
                return self._timestamp()
            case Operation.STATUS:
                request = make_request("GET", "@VALUE@")
                return Job(self.server, request, self.status_paths, str(self.year))
            case Operation.SIGN_IN:
                raise ValueError(operation)

    def sign_in(self, people: int, audience: Audience) -> list[dict[str, Any]]:
        """Token responses of so many people, each from a code of their own."""
        answers = []
        headers = self.portal.header() | {"Content-Type": "application/x-www-form-urlencoded"}
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        ) as connection:
            for code in self.mint(people, audience):
                body = _exchange_form().replace("@VALUE@", code)
                connection.request("POST", self.paths.token, body, headers)
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status == 200, text
                answers.append(json.loads(text))
        return answers

    def _timestamp(self) -> Job:
        request = make_upload(
            "/tsa", content_type="application/timestamp-query", body=self.timestamp_query
        )
        return Job(self.server, request, ("",), str(self.year))

    def _get(self, path: str, *, expected: str) -> Job:
        return Job(self.server, make_request("GET", path), ("",), expected)

    def _token(self, body: str, *, values: Sequence[str], mode: Mode) -> Job:
        request = make_request(
            "POST", self.paths.token, headers=self.portal.header(), body=body, value=values[0]
        )
        return Job(self.server, request, tuple(values), '"access_token"', mode)

    def _userinfo(self, tokens: int) -> Job:
        values = self._access_tokens(tokens, Audience.USERINFO)
        header = {"Authorization": "Bearer @VALUE@"}
        request = make_request("GET", self.paths.userinfo, headers=header)
        return Job(self.server, request, values, '"name"')

    def _introspection(self, tokens: int) -> Job:
        values = self._access_tokens(tokens, self.introspected)
        request = make_request(
            "POST", self.paths.introspection, headers=self.resource_server.header(),
            body="token=@VALUE@", value=values[0],
        )  # fmt: skip
        return Job(self.server, request, values, '"active":true')

    def _access_tokens(self, people: int, audience: Audience) -> tuple[str, ...]:
        found = [one["access_token"] for one in self.sign_in(people, audience)]
        # the load generator puts them into one place of one length
        longest = max(len(token) for token in found)
        return tuple(token for token in found if len(token) == longest)


def _exchange_form() -> str:
    fixed = {
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    return f"{urlencode(fixed)}&code=@VALUE@"
