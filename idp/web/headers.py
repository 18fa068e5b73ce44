"""Security headers of pages.

What lives here: one place that adds them to every HTML answer. Source: OWASP Secure Headers; CSP 3.
"""

from __future__ import annotations

from flask import Flask, Response, g


def install_headers(app: Flask, *, is_https: bool) -> None:
    """Add the headers to every page of an application."""

    @app.after_request
    def add(response: Response) -> Response:
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        if response.mimetype == "text/html":
            targets = " ".join(dict.fromkeys(("'self'", *g.get("form_action", ()))))
            headers["Content-Security-Policy"] = (
                "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; "
                f"img-src 'self' data:; form-action {targets}; "
                "frame-ancestors 'none'; base-uri 'none'"
            )
            headers["Referrer-Policy"] = "no-referrer"
            headers["X-Frame-Options"] = "DENY"
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
            headers.setdefault("Cache-Control", "no-store")
        if is_https:
            headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        return response
