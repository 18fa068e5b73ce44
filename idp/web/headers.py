"""Security headers of pages.

What lives here: one place that adds them to every HTML answer; what every answer carries, pages or
not, is added by `idp/web/front.py`.
Source: OWASP Secure Headers; Content Security Policy Level 3; OpenID Connect Core §16.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, g

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; "
    "img-src 'self' data:; form-action {}; frame-ancestors 'none'; base-uri 'none'"
)
_CONNECT: Final = "; connect-src 'self'"
_OF_MOST: Final = _POLICY.format("'self'")
_ALWAYS: Final = (
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()"),
)


def allow_connecting() -> None:
    """Let the scripts of the page that is being made send something here and read the answer."""
    g.may_connect = True


def install_headers(app: Flask) -> None:
    """Add the headers to every page of an application; a view's own policy stays."""

    @app.after_request
    def add(response: Response) -> Response:
        headers = response.headers
        if headers.get("Content-Type", "").startswith("text/html"):
            if "Content-Security-Policy" in headers:
                for name, value in _ALWAYS:
                    headers.setdefault(name, value)
            else:
                headers.extend((*_ALWAYS, ("Content-Security-Policy", _policy())))
            headers.setdefault("Cache-Control", "no-store")
        return response


def _policy() -> str:
    targets, may_connect = g.get("form_action", ()), g.get("may_connect", False)
    if not targets and not may_connect:
        return _OF_MOST
    policy = _POLICY.format(" ".join(dict.fromkeys(("'self'", *targets))))
    return policy + _CONNECT if may_connect else policy
