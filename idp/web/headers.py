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
_FIXED: Final = (
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()"),
)


def install_headers(app: Flask) -> None:
    """Add the headers to every page of an application."""

    @app.after_request
    def add(response: Response) -> Response:
        headers = response.headers
        if headers.get("Content-Type", "").startswith("text/html"):
            targets = " ".join(dict.fromkeys(("'self'", *g.get("form_action", ()))))
            headers["Content-Security-Policy"] = _POLICY.format(targets)
            for name, value in _FIXED:
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        return response
