"""Answers that need no application: they never change, or change with the keys alone.

What lives here: discovery, the JWK Set, the description of the JSON endpoints, liveness and
readiness.  They go on while the database is gone: the keys are in memory.
Source: OpenID Connect Discovery §4; RFC 8414 §3; RFC 7517 §8.5.1; OpenAPI 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from idp.errors import AntinError
from idp.oauth.discovery import discovery_document
from idp.services import Services
from idp.web.health import Health
from idp.web.openapi import openapi_document
from keystore.errors import KeystoreError

Headers = tuple[tuple[str, str], ...]
_CORS: Final = ("Access-Control-Allow-Origin", "*")
_ALLOW: Final = ("Allow", "GET, HEAD, OPTIONS")
_AN_HOUR: Final = "public, max-age=3600"


@dataclass(frozen=True, slots=True)
class Standing:
    """One whole answer."""

    status: str
    headers: Headers
    body: bytes = field(repr=False)


class StandingAnswers:
    """The answers by path.  `find` is asked for every request, before anything else."""

    def __init__(self, services: Services, *, health: Health) -> None:
        issuer = services.settings.issuer
        self._keyring = services.keyring
        self._time = services.time
        self._health = health
        self._jwks_cache = f"public, max-age={services.settings.jwks_cache_s}"
        self._jwks = self._answer_keys(b"")
        discovery = _answer(discovery_document(issuer), cache=_AN_HOUR)
        openapi = _answer(
            openapi_document(issuer, signs=services.signing is not None), cache=_AN_HOUR
        )
        alive = _plain("200 OK", b"ok\n")
        self._by_path: Mapping[str, Callable[[], Standing]] = {
            "/.well-known/openid-configuration": lambda: discovery,
            "/.well-known/oauth-authorization-server": lambda: discovery,
            "/openapi.json": lambda: openapi,
            "/jwks": self._give_keys,
            "/healthz": lambda: alive,
            "/readyz": self._judge,
        }
        self._ready = _plain("200 OK", b"ready\n")
        self._unready = _plain("503 Service Unavailable", b"unavailable\n")
        self._preflight = Standing("204 No Content", (_ALLOW, _CORS), b"")
        self._refusal = Standing("405 Method Not Allowed", (_ALLOW, ("Content-Length", "0")), b"")

    def find(self, path: str, *, method: str) -> Standing | None:
        """The answer to this path, or None when it is the application's."""
        give = self._by_path.get(path)
        if give is None:
            return None
        if method in {"GET", "HEAD"}:
            return give()
        return self._preflight if method == "OPTIONS" else self._refusal

    def _give_keys(self) -> Standing:
        try:
            body = self._keyring.jwks_bytes(self._time())
        except (AntinError, KeystoreError):
            return _retry_later()
        if self._jwks.body is not body:
            self._jwks = self._answer_keys(body)
        return self._jwks

    def _answer_keys(self, body: bytes) -> Standing:
        return _answer(body, cache=self._jwks_cache, kind="application/jwk-set+json")

    def _judge(self) -> Standing:
        return self._ready if self._health.is_ready() else self._unready


def _answer(body: bytes, *, cache: str, kind: str = "application/json") -> Standing:
    headers = (
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("Cache-Control", cache),
        _CORS,
    )
    return Standing("200 OK", headers, body)


def _plain(status: str, body: bytes) -> Standing:
    headers: Headers = (
        ("Content-Type", "text/plain"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    )
    return Standing(status, headers, body)


def _retry_later() -> Standing:
    """The keys are too old to be told: clients keep theirs and ask again."""
    answer = _plain("503 Service Unavailable", b"unavailable\n")
    return Standing(answer.status, (*answer.headers, ("Retry-After", "5")), answer.body)
