"""What stands before Flask: request ids, a clean environ, and answers that never change.

What lives here: a WSGI application around the Flask one.  Discovery and the JWK Set are bytes kept
ready; liveness asks nobody.  Variables of the process never reach a request, where `HTTP_…` names
would look like headers.  Source: RFC 8414 §3; architecture §6 (constant bytes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from idp.oauth.discovery import discovery_document
from idp.services import Services

StartResponse = Callable[..., Any]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_DISCOVERY: Final = frozenset(
    {"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}
)
_CORS: Final = ("Access-Control-Allow-Origin", "*")


class Front:
    """The outermost WSGI application of a worker."""

    def __init__(self, app: WsgiApp, *, services: Services) -> None:
        self._app = app
        self._services = services
        self._discovery = discovery_document(services.settings.issuer)
        self._discovery_headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(self._discovery))),
            ("Cache-Control", "public, max-age=3600"),
            _CORS,
        ]
        self._jwks_cache = f"public, max-age={services.settings.jwks_cache_s}"

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer what never changes, hand on the rest."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            if path in _DISCOVERY:
                start_response("200 OK", self._discovery_headers)
                return (self._discovery,)
            if path == "/jwks":
                body = self._services.keyring.jwks_bytes(self._services.time())
                start_response(
                    "200 OK",
                    [
                        ("Content-Type", "application/jwk-set+json"),
                        ("Content-Length", str(len(body))),
                        ("Cache-Control", self._jwks_cache),
                        _CORS,
                    ],
                )
                return (body,)
            if path == "/healthz":
                start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
                return (b"ok\n",)
        return self._app(environ, start_response)
