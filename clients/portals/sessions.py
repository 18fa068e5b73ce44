"""Who is signed in at this portal, and who is on the way.

What lives here: two stores in memory, for a portal of one process.  With several processes keep
both in a store that all of them share, or single sign-out ends only what one process knows.
Cookies carry random keys and nothing else, so ending a session here really ends it.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from clients.sdk import Login, LogoutNotice, PendingLogin, Secret

Person = TypeVar("Person")

_SESSION_LIFETIME = timedelta(hours=8)
_PENDING_LIFETIME = timedelta(hours=1)
_KEPT_AT_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Generic[Person]):
    """One browser that is signed in; `person` is what the portal shows and no more."""

    subject: str = field(repr=False)
    sid: str | None = field(repr=False)
    id_token: Secret
    csrf_token: Secret
    person: Person = field(repr=False)
    ends_at: datetime


class SessionStore(Generic[Person]):
    """Sessions by the random key that the browser's cookie carries."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._sessions: dict[str, Session[Person]] = {}

    def start(self, login: Login, person: Person, *, now: datetime) -> str:
        """Keep a new session and return its key, 256 random bits."""
        key = secrets.token_urlsafe(32)
        session = Session(
            subject=login.subject,
            sid=login.sid,
            id_token=login.tokens.id_token,
            csrf_token=Secret(secrets.token_urlsafe(32)),
            person=person,
            ends_at=now + _SESSION_LIFETIME,
        )
        with self._lock:
            self._drop(lambda kept: kept.ends_at <= now)
            while len(self._sessions) >= _KEPT_AT_MOST:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[key] = session
        return key

    def find(self, key: str | None, *, now: datetime) -> Session[Person] | None:
        """Return the session of a cookie, unless it has ended."""
        session = self._sessions.get(key or "")
        return session if session is not None and now < session.ends_at else None

    def end(self, key: str | None) -> None:
        """End the session of one browser."""
        with self._lock:
            self._sessions.pop(key or "", None)

    def end_named(self, notice: LogoutNotice) -> None:
        """End the sessions that a logout token names: by `sid`, without one all of the person."""
        with self._lock:
            if notice.sid is not None:
                self._drop(lambda kept: kept.sid == notice.sid)
            else:
                self._drop(lambda kept: kept.subject == notice.subject)

    def _drop(self, is_over: Callable[[Session[Person]], bool]) -> None:
        self._sessions = {
            key: session for key, session in self._sessions.items() if not is_over(session)
        }


class PendingLogins:
    """Sign-ins that were started, by browser and state: several tabs may be on the way."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[PendingLogin, datetime]] = {}

    def keep(self, pending: PendingLogin, *, browser: str, now: datetime) -> None:
        """Keep one for an hour."""
        with self._lock:
            self._kept = {name: kept for name, kept in self._kept.items() if kept[1] > now}
            while len(self._kept) >= _KEPT_AT_MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[browser, pending.state] = (pending, now + _PENDING_LIFETIME)

    def consume(self, *, browser: str | None, state: str, now: datetime) -> PendingLogin | None:
        """Return what this browser started under this state, once."""
        with self._lock:
            pending, ends_at = self._kept.pop((browser or "", state), (None, now))
        return pending if ends_at > now else None
