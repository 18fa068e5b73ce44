"""Flask without what this service does not use.

What lives here: `Application`.  No view is a coroutine, and nothing is kept in a cookie of Flask's:
neither is looked for in each request.
Source: Flask, "Application Object" (`ensure_sync`, `session_interface`).
Not here: what the application consists of (`idp/app.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface, SessionMixin


class _NoSessions(SessionInterface):
    """Sessions are the database's (`idp/sessions.py`); Flask's can be read, and never written."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin:  # noqa: ARG002 - Flask's
        """Nothing, which says so to whoever writes into it."""
        return NullSession()


class Application(Flask):
    """The application of a worker."""

    session_interface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func
