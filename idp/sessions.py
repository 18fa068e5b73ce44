"""Browser sessions: opening, raising and ending them.

What lives here: what a proven factor does to a session, and what has to be told to whom when one
ends.  Cookie and CSRF token change at every rise of level, because both hang on the cookie's hash.
Source: architecture §5.7; OWASP ASVS 7.2.4 (a new session token at authentication).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from clients.registry.model import Client
from idp.accounts.notices import Notice, Notices
from idp.ids import AccountId, SessionId, make_id
from idp.model import Factor, ProvenFactor, Session
from idp.oauth.revocation import RevocationReason, Revocations
from idp.storage import sessions as stored
from idp.storage.accounts import AccountRow
from idp.storage.database import Database, Transaction
from idp.storage.grants import grants_of_session, live_grants
from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter

_log = structlog.get_logger("antin.sessions")

BACKCHANNEL_LOGOUT: Final = "backchannel_logout"
"""Kind of the outbox rows that `idp/oauth/backchannel_logout.py` works on; their payload is
`client_id`, `sub` and `sid`."""
_LOGOUT_KEPT_FOR: Final = timedelta(hours=24)


class Clients(Protocol):
    """The registry, as far as this module looks."""

    def find_registered_client(self, client_id: str, *, now: datetime) -> Client | None:
        """A client whatever its status."""


class Deferred(Protocol):
    """The outbox, as far as this module looks."""

    def add(
        self,
        tx: Transaction,
        kind: str,
        payload: dict[str, Any],
        *,
        now: datetime,
        expires: datetime,
        due: datetime | None = None,
        lane: str = "",
    ) -> object:
        """Leave a duty in the transaction of the act."""


class DataKeys(Protocol):
    """Accounts, as far as this module looks."""

    def data_key_of(self, account_id: AccountId) -> bytes | None:
        """The person's wrapped data key."""


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session with the cookie that goes out, once, for it.

    `replaces` is the hash of the cookie before; None for a session that is not stored yet.
    `new_device_at`: the network address of a browser on which the account was never signed in to;
    None where it was.
    """

    session: Session
    token: str = field(repr=False)
    replaces: bytes | None = None
    new_device_at: str | None = field(default=None, repr=False)


def hash_token(token: str) -> bytes:
    """SHA-256 of a session cookie, 32 bytes."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def open_session(
    account_id: AccountId,
    *,
    factor: Factor,
    now: datetime,
    lifetime: timedelta,
    is_synced: bool = False,
    device: str = "",
    new_device_at: str | None = None,
) -> OpenedSession:
    """A session for somebody who has just proven a factor; nothing is stored yet.

    Takes   device: what the browser says that it is, as `idp.web.devices` reads it; new_device_at:
            see `OpenedSession`.
    """
    token = secrets.token_urlsafe(32)
    session = Session(
        session_id=SessionId(make_id("ses")),
        account_id=account_id,
        token_hash=hash_token(token),
        factors=(ProvenFactor(factor, now, is_synced),),
        created_at=now,
        expires_at=now + lifetime,
        device=device,
    )
    return OpenedSession(session, token, new_device_at=new_device_at)


def prove_factor(
    session: Session, *, factor: Factor, now: datetime, is_synced: bool = False
) -> OpenedSession:
    """The session after another factor was proven in it, under another cookie."""
    token = secrets.token_urlsafe(32)
    kept = tuple(one for one in session.factors if one.factor is not factor)
    proven = ProvenFactor(factor, now, is_synced)
    raised = replace(session, token_hash=hash_token(token), factors=(*kept, proven))
    return OpenedSession(raised, token, replaces=session.token_hash)


class Sessions:
    """Stores, finds and ends sessions, and tells the clients."""

    def __init__(
        self,
        database: Database,
        *,
        clients: Clients,
        deferred: Deferred,
        revocations: Revocations,
        data_keys: DataKeys,
        log: LogWriter,
        notices: Notices,
    ) -> None:
        self._database = database
        self._notices = notices
        self._clients = clients
        self._deferred = deferred
        self._revocations = revocations
        self._data_keys = data_keys
        self._log = log

    def find(self, token: str, *, now: datetime) -> Session | None:
        """The live session behind a cookie."""
        with self._database.read() as connection:
            session = stored.find_session_by_token(connection, hash_token(token))
        return session if session is not None and session.is_live(now) else None

    def find_with_account(
        self, token: str, *, now: datetime
    ) -> tuple[Session, AccountRow | None] | None:
        """The same with the account, which is None where it was erased."""
        with self._database.read() as connection:
            found = stored.find_session_with_account(connection, hash_token(token))
        return found if found is not None and found[0].is_live(now) else None

    def store_alone(self, opened: OpenedSession, *, now: datetime) -> bool:
        """`store` where nothing else happens with it."""
        data_key = self._data_keys.data_key_of(opened.session.account_id)
        with self._database.transaction() as tx:
            return self.store(tx, opened, data_key=data_key, now=now)

    def store(
        self, tx: Transaction, opened: OpenedSession, *, data_key: bytes | None, now: datetime
    ) -> bool:
        """Store a new session, or the new cookie and factors of a raised one.

        Takes   data_key: the person's, for the log row.
        Returns False when another request raised it in the meantime: the caller starts over.
        """
        session = opened.session
        if opened.replaces is None:
            stored.add_session(tx, session)
        elif not stored.raise_session(
            tx,
            session.session_id,
            old_token_hash=opened.replaces,
            new_token_hash=session.token_hash,
            factors=session.factors,
        ):
            return False
        self._log.record(
            tx,
            Event(
                type=EventType.SESSION_STARTED
                if opened.replaces is None
                else EventType.SESSION_RAISED,
                account_id=session.account_id,
                facts={
                    "session_id": session.session_id,
                    "factors": " ".join(proven.factor.value for proven in session.factors),
                    **({"device": session.device} if session.device else {}),
                },
            ),
            data_key=data_key,
            now=now,
        )
        self._tell_new_device(tx, opened, data_key=data_key, now=now)
        return True

    def tell_alone(self, opened: OpenedSession, *, now: datetime) -> None:
        """Tell the owner of a new device whose session is not stored after all."""
        if opened.new_device_at is None:
            return
        data_key = self._data_keys.data_key_of(opened.session.account_id)
        with self._database.transaction() as tx:
            self._tell_new_device(tx, opened, data_key=data_key, now=now)

    def _tell_new_device(
        self, tx: Transaction, opened: OpenedSession, *, data_key: bytes | None, now: datetime
    ) -> None:
        if opened.new_device_at is None or data_key is None:
            return
        self._notices.tell_holder(
            tx,
            opened.session.account_id,
            Notice.NEW_DEVICE,
            data_key=data_key,
            now=now,
            facts={"device": opened.session.device, "source": opened.new_device_at},
        )

    def end(self, session: Session, *, reason: str, now: datetime) -> tuple[str, ...]:
        """End one session: its cookies, the grants that live by it, and, later, at its clients.

        Returns the ids of the clients that will be told by back-channel logout; empty when the
        session had ended already.
        Source  OpenID Connect Back-Channel Logout §2.3; architecture §5.8 (offline grants stay).
        """
        with self._database.transaction() as tx:
            return self._end(tx, session, reason=reason, now=now)

    def in_name_of(self, operator: str) -> Sessions:
        """The same sessions; what ends here is written down as done by `operator`."""
        return Sessions(
            self._database,
            clients=self._clients,
            deferred=self._deferred,
            revocations=self._revocations,
            data_keys=self._data_keys,
            log=self._log.in_name_of(operator),
            notices=self._notices,
        )

    def end_all(self, account_id: AccountId, *, now: datetime) -> int:
        """Sign out everywhere: every session, and every grant, offline ones too.

        Returns how many sessions ended.
        """
        with self._database.transaction() as tx:
            return self.end_all_in(tx, account_id, now=now)

    def end_all_in(self, tx: Transaction, account_id: AccountId, *, now: datetime) -> int:
        """`end_all` as a part of another act: both happen or neither."""
        sessions = stored.live_sessions(tx.connection, account_id, now=now)
        for session in sessions:
            self._end(tx, session, reason="everywhere", now=now)
        self._revocations.revoke(
            tx,
            live_grants(tx.connection, account_id, now=now),
            reason=RevocationReason.SIGNED_OUT_EVERYWHERE,
            now=now,
        )
        self._log.record(
            tx,
            Event(
                type=EventType.SESSIONS_ALL_ENDED,
                account_id=account_id,
                facts={"sessions": len(sessions)},
            ),
            data_key=self._data_keys.data_key_of(account_id),
            now=now,
        )
        return len(sessions)

    def end_others_in(
        self, tx: Transaction, held: Session, *, now: datetime, all_grants: bool = False
    ) -> int | None:
        """Sign out everywhere but here, as a part of another act: both happen or neither.

        Every grant ends that does not live by `held` alone, offline ones too.
        Takes   all_grants: those that live by `held` end as well.
        Returns how many sessions ended; None when `held` itself has ended or has another cookie
                by now, and nothing was done.
        """
        if not stored.lock_session(tx, held.session_id, token_hash=held.token_hash):
            return None
        others = [
            one
            for one in stored.live_sessions(tx.connection, held.account_id, now=now)
            if one.session_id != held.session_id
        ]
        for session in others:
            self._end(tx, session, reason="others", now=now)
        self._revocations.revoke(
            tx,
            [
                grant
                for grant in live_grants(tx.connection, held.account_id, now=now)
                if all_grants or grant.is_offline or grant.session_id != held.session_id
            ],
            reason=RevocationReason.SIGNED_OUT_EVERYWHERE,
            now=now,
        )
        self._log.record(
            tx,
            Event(
                type=EventType.SESSIONS_OTHERS_ENDED,
                account_id=held.account_id,
                facts={"session_id": held.session_id, "sessions": len(others)},
            ),
            data_key=self._data_keys.data_key_of(held.account_id),
            now=now,
        )
        return len(others)

    def renew_in(self, tx: Transaction, held: Session) -> str | None:
        """Another cookie for a session that proved nothing more; the one before is worth nothing.

        Returns the cookie; None when it has ended or has another one by now.
        """
        token = secrets.token_urlsafe(32)
        is_held = stored.raise_session(
            tx,
            held.session_id,
            old_token_hash=held.token_hash,
            new_token_hash=hash_token(token),
            factors=held.factors,
        )
        return token if is_held else None

    def end_expired(
        self, *, now: datetime, limit: int = 200, goes_on: Callable[[], bool] = lambda: True
    ) -> int:
        """End every session whose lifetime is over, so that its clients are told; how many.

        One that cannot be ended is written to the log of operations and passed over: it waits for
        the next call, and nobody waits behind it.
        Takes   limit: how many are read at a time; goes_on: asked before reading more.
        Raises  StorageUnavailable.
        """
        ended = 0
        last: Session | None = None
        while True:
            with self._database.read() as connection:
                over: Sequence[Session] = stored.expired_sessions(
                    connection, now=now, limit=limit, after=last
                )
            ended += sum(self._end_expired(session, now=now) for session in over)
            if len(over) < limit or not goes_on():
                return ended
            last = over[-1]

    def _end_expired(self, session: Session, *, now: datetime) -> bool:
        try:
            self.end(session, reason="expired", now=now)
        except Exception as failure:
            if not self._database.is_up():
                raise
            _log.error("session_not_ended", reason=type(failure).__name__)
            return False
        return True

    def _end(
        self, tx: Transaction, session: Session, *, reason: str, now: datetime
    ) -> tuple[str, ...]:
        if not stored.end_session(tx, session.session_id, now=now, reason=reason):
            return ()
        told: list[str] = []
        for entry in stored.clients_of_session(tx.connection, session.session_id):
            # one that is disabled meanwhile still has to close what was opened for the person
            client = self._clients.find_registered_client(entry.client_id, now=now)
            if client is None or client.backchannel_logout_uri is None:
                continue
            told.append(client.client_id)
            self._deferred.add(
                tx,
                BACKCHANNEL_LOGOUT,
                {"client_id": client.client_id, "sub": entry.sub, "sid": entry.sid},
                now=now,
                expires=now + _LOGOUT_KEPT_FOR,
                lane=client.client_id,
            )
        grants = grants_of_session(tx.connection, session.session_id, now=now)
        self._revocations.revoke(
            tx,
            [grant for grant in grants if not grant.is_offline],
            reason=RevocationReason.SESSION_ENDED,
            now=now,
        )
        self._log.record(
            tx,
            Event(
                type=EventType.SESSION_ENDED,
                account_id=session.account_id,
                facts={"session_id": session.session_id, "reason": reason, "told": len(told)},
            ),
            data_key=self._data_keys.data_key_of(session.account_id),
            now=now,
        )
        return tuple(told)
