"""The browser sessions of one person, as the person sees and ends them.

What lives here: the list with what happened in each session, and ending one, all others or all.
Ending goes through `idp.sessions`, so that the portals are told, and is one transaction with its
rows in the log.  A session of somebody else does not exist as far as anybody can see.
Source: OWASP ASVS 7.4.3 and 7.5.2 (a person sees and ends every session).
Not here: pages, what sessions are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from idp.errors import AntinError
from idp.ids import SessionId
from idp.model import Session
from idp.sessions import Sessions
from idp.storage.database import Database
from idp.storage.grants import last_grants
from idp.storage.sessions import clients_of_sessions, find_session, live_sessions


class SessionUnknown(AntinError):
    """There is no such session, or it is somebody else's."""

    code = "session_unknown"


class SessionOver(AntinError):
    """The session in which this was asked has ended meanwhile, or has another cookie."""

    code = "session_over"


@dataclass(frozen=True, slots=True)
class RunningSession:
    """A session that may still be used.

    `used_at` is when a factor was given in it, or a client was last signed in from it; `clients`
    are the ids of those, sorted.
    """

    session: Session
    used_at: datetime
    clients: tuple[str, ...]


class OwnSessions:
    """Safe for any number of threads."""

    def __init__(self, database: Database, *, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions

    def list_of(self, held: Session, *, now: datetime) -> tuple[RunningSession, ...]:
        """Every running session of the person, the one in hand first, then the newest."""
        with self._database.read() as connection:
            live = live_sessions(connection, held.account_id, now=now)
            ids = [one.session_id for one in live]
            entries = clients_of_sessions(connection, ids)
            granted = last_grants(connection, ids)
        shown = [
            RunningSession(
                one,
                max(
                    one.created_at,
                    granted.get(one.session_id, one.created_at),
                    *(proven.at for proven in one.factors),
                ),
                tuple(entry.client_id for entry in entries if entry.session_id == one.session_id),
            )
            for one in live
        ]
        return tuple(sorted(shown, key=lambda one: one.session.session_id != held.session_id))

    def end_one(self, held: Session, session_id: SessionId, *, now: datetime) -> None:
        """Sign out in one browser; one that has ended already stays ended.

        Raises  SessionUnknown.
        """
        with self._database.read() as connection:
            found = find_session(connection, session_id)
        if found is None or found.account_id != held.account_id:
            raise SessionUnknown
        self._sessions.end(found, reason="by_holder", now=now)

    def end_others(self, held: Session, *, now: datetime) -> int:
        """Sign out everywhere but here; how many sessions ended.

        Raises  SessionOver.
        """
        with self._database.transaction() as tx:
            ended = self._sessions.end_others_in(tx, held, now=now)
        if ended is None:
            raise SessionOver
        return ended

    def end_all(self, held: Session, *, now: datetime) -> int:
        """Sign out everywhere, here too; how many sessions ended."""
        return self._sessions.end_all(held.account_id, now=now)
