"""Browser sessions and which client has which `sid`, in SQL: they must be listed and ended.

What lives here: two tables and the statements on them.  A session ends by its absolute lifetime,
by logout or by "sign out everywhere"; the row stays until the purge so that clients are told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    String,
    Table,
    bindparam,
    exists,
    insert,
    select,
    text,
    tuple_,
    update,
)

from idp.ids import AccountId, SessionId
from idp.model import Factor, ProvenFactor, Session, SessionClient
from idp.storage.accounts import AccountRow, account, row_of
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, SECRET, found_through, holds
from idp.storage.purge import purged_by
from keystore.clock import from_ms, to_ms
from keystore.statement import Statement

_DECLARED = holds(
    "person",
    purpose="single sign-on and single sign-out",
    retention="30 days after the session could have run; the log keeps the history",
    legal="NĐ 69/2024/NĐ-CP Art. 17(2)",
    legal_from="2024-07-01",
)
_KEEP: Final = timedelta(days=30)

browser_session = Table(
    "browser_session",
    metadata,
    Column("session_id", String(40), primary_key=True, info=NONE),
    Column("account_id", String(40), nullable=False, info=BASIC),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True, info=SECRET),
    Column("factors", String(200), nullable=False, info=NONE),
    Column("created_ms", BigInteger, nullable=False, info=NONE),
    Column("expires_ms", BigInteger, nullable=False, info=NONE),
    Column("ended_ms", BigInteger, info=NONE),
    Column("end_reason", String(20), info=NONE),
    Column("device", String(40), nullable=False, server_default=text("''"), info=BASIC),
    # one that was never ended is one whose portals were never told
    info=_DECLARED
    | purged_by("expires_ms", keep=_KEEP, only=lambda table: table.c.ended_ms.is_not(None)),
)
Index("ix_browser_session_account", browser_session.c.account_id, browser_session.c.ended_ms)
Index("ix_browser_session_expiry", browser_session.c.expires_ms)

session_client = Table(
    "session_client",
    metadata,
    Column("session_id", String(40), primary_key=True, info=NONE),
    Column("client_id", String(128), primary_key=True, info=NONE),
    Column("sid", String(40), nullable=False, unique=True, info=NONE),
    Column("sub", String(64), nullable=False, info=BASIC),
    Column("expires_ms", BigInteger, nullable=False, info=NONE),
    # they say who is to be told when the session ends, so they stay as long as it
    info=_DECLARED
    | found_through("browser_session", session_id="session_id")
    | purged_by(
        "expires_ms",
        keep=_KEEP,
        only=lambda table: ~exists().where(browser_session.c.session_id == table.c.session_id),
    ),
)
Index("ix_session_client_expiry", session_client.c.expires_ms)

_BY_TOKEN = Statement(
    select(browser_session).where(browser_session.c.token_hash == bindparam("token_hash"))
)
_OWN = len(browser_session.c)
_WITH_ACCOUNT = Statement(
    select(browser_session, account)
    .outerjoin(account, account.c.account_id == browser_session.c.account_id)
    .where(browser_session.c.token_hash == bindparam("token_hash"))
)
_BY_ID = Statement(select(browser_session).where(browser_session.c.session_id == bindparam("id")))
_OF_SESSION = select(session_client).where(session_client.c.session_id == bindparam("id"))
_CLIENTS = Statement(_OF_SESSION)
_CLIENTS_OF_SEVERAL = (
    select(session_client)
    .where(session_client.c.session_id.in_(bindparam("ids", expanding=True)))
    .order_by(session_client.c.client_id)
)
_CLIENT = Statement(_OF_SESSION.where(session_client.c.client_id == bindparam("client")))
_BY_SID = Statement(select(session_client).where(session_client.c.sid == bindparam("sid")))
_INSERT = Statement(insert(browser_session))
_INSERT_CLIENT = Statement(insert(session_client))
_RAISE = Statement(
    update(browser_session)
    .where(
        browser_session.c.session_id == bindparam("id"),
        browser_session.c.token_hash == bindparam("old_hash"),
        browser_session.c.ended_ms.is_(None),
    )
    .values(factors=bindparam("new_factors"), token_hash=bindparam("new_hash"))
)
_LOCK = Statement(
    select(browser_session.c.session_id)
    .where(
        browser_session.c.session_id == bindparam("id"),
        browser_session.c.token_hash == bindparam("token_hash"),
        browser_session.c.ended_ms.is_(None),
    )
    .with_for_update()
)
_END = Statement(
    update(browser_session)
    .where(browser_session.c.session_id == bindparam("id"), browser_session.c.ended_ms.is_(None))
    .values(ended_ms=bindparam("at"), end_reason=bindparam("why"))
)


def find_session_by_token(connection: Connection, token_hash: bytes) -> Session | None:
    """The session whose cookie hashes to `token_hash` (SHA-256, 32 bytes), ended or not."""
    row = _BY_TOKEN.one_or_none(connection, {"token_hash": token_hash})
    return None if row is None else _session(row)


def find_session_with_account(
    connection: Connection, token_hash: bytes
) -> tuple[Session, AccountRow | None] | None:
    """The same with the account that it is of, None where that was erased."""
    row = _WITH_ACCOUNT.one_or_none(connection, {"token_hash": token_hash})
    if row is None:
        return None
    session = _session(row[:_OWN])
    return session, row_of(dict(zip(account.c.keys(), row[_OWN:], strict=True)))


def find_session(connection: Connection, session_id: SessionId) -> Session | None:
    """The session of an id, ended or not."""
    row = _BY_ID.one_or_none(connection, {"id": session_id})
    return None if row is None else _session(row)


def has_ended(connection: Connection, session_id: SessionId, *, now: datetime) -> bool:
    """Whether a session that there was is over: what was begun in it is not finished any more."""
    found = find_session(connection, session_id)
    return found is not None and not found.is_live(now)


def live_sessions(
    connection: Connection, account_id: AccountId, *, now: datetime
) -> tuple[Session, ...]:
    """Every session of a person that may still be used, newest first."""
    rows = connection.execute(
        select(browser_session)
        .where(
            browser_session.c.account_id == account_id,
            browser_session.c.ended_ms.is_(None),
            browser_session.c.expires_ms > to_ms(now),
        )
        .order_by(browser_session.c.created_ms.desc())
    )
    return tuple(_session(row) for row in rows)


def expired_sessions(
    connection: Connection, *, now: datetime, limit: int, after: Session | None = None
) -> tuple[Session, ...]:
    """Sessions that ran out and whose clients have not been told yet, oldest first.

    Takes   after: the last one of the page before, which may not have been ended.
    """
    place = (browser_session.c.expires_ms, browser_session.c.session_id)
    query = (
        select(browser_session)
        .where(browser_session.c.expires_ms <= to_ms(now), browser_session.c.ended_ms.is_(None))
        .order_by(*place)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(*place) > (to_ms(after.expires_at), after.session_id))
    return tuple(_session(row) for row in connection.execute(query))


def add_session(tx: Transaction, session: Session) -> None:
    """Store a new session."""
    _INSERT.count(
        tx.connection,
        {
            "session_id": session.session_id,
            "account_id": session.account_id,
            "token_hash": session.token_hash,
            "factors": _factors_text(session.factors),
            "created_ms": to_ms(session.created_at),
            "expires_ms": to_ms(session.expires_at),
            "device": session.device,
        },
    )


def raise_session(
    tx: Transaction,
    session_id: SessionId,
    *,
    old_token_hash: bytes,
    new_token_hash: bytes,
    factors: tuple[ProvenFactor, ...],
) -> bool:
    """Put another cookie and other factors in place; False if another request did so before."""
    result = _RAISE.count(
        tx.connection,
        {
            "id": session_id,
            "old_hash": old_token_hash,
            "new_hash": new_token_hash,
            "new_factors": _factors_text(factors),
        },
    )
    return result == 1


def lock_session(tx: Transaction, session_id: SessionId, *, token_hash: bytes) -> bool:
    """Hold a session until the transaction ends; False if it ended or has another cookie now."""
    row = _LOCK.one_or_none(tx.connection, {"id": session_id, "token_hash": token_hash})
    return row is not None


def end_session(tx: Transaction, session_id: SessionId, *, now: datetime, reason: str) -> bool:
    """End a session, once: True for the caller that ended it (and who tells the clients)."""
    result = _END.count(tx.connection, {"id": session_id, "at": to_ms(now), "why": reason})
    return result == 1


def find_session_client(
    connection: Connection, session_id: SessionId, *, client_id: str
) -> SessionClient | None:
    """The client's entry in a session."""
    row = _CLIENT.one_or_none(connection, {"id": session_id, "client": client_id})
    return None if row is None else _client(row)


def find_by_sid(connection: Connection, sid: str) -> SessionClient | None:
    """The entry that a client knows as `sid`."""
    row = _BY_SID.one_or_none(connection, {"sid": sid})
    return None if row is None else _client(row)


def clients_of_session(connection: Connection, session_id: SessionId) -> tuple[SessionClient, ...]:
    """Every client that was signed in from a session."""
    return tuple(_client(row) for row in _CLIENTS.all(connection, {"id": session_id}))


def clients_of_sessions(
    connection: Connection, session_ids: Sequence[SessionId]
) -> tuple[SessionClient, ...]:
    """The same for several sessions, in one query."""
    rows = connection.execute(_CLIENTS_OF_SEVERAL, {"ids": list(session_ids)})
    return tuple(_client(row) for row in rows)


def add_session_client(tx: Transaction, entry: SessionClient, *, expires_at: datetime) -> None:
    """Remember that a client was signed in from a session; the first entry stays."""
    _INSERT_CLIENT.count(
        tx.connection,
        {
            "session_id": entry.session_id,
            "client_id": entry.client_id,
            "sid": entry.sid,
            "sub": entry.sub,
            "expires_ms": to_ms(expires_at),
        },
    )


def _factors_text(factors: tuple[ProvenFactor, ...]) -> str:
    written = [
        [one.factor.value, to_ms(one.at), *(["synced"] if one.is_synced else [])] for one in factors
    ]
    return json.dumps(written, separators=(",", ":"))


def _session(row: Any) -> Session:
    (session_id, account_id, token_hash, factors, created_ms, expires_ms, ended_ms, *rest) = row
    return Session(
        session_id=SessionId(session_id),
        account_id=AccountId(account_id),
        token_hash=bytes(token_hash),
        factors=tuple(
            ProvenFactor(Factor(name), from_ms(at), "synced" in more)
            for name, at, *more in json.loads(factors)
        ),
        created_at=from_ms(created_ms),
        expires_at=from_ms(expires_ms),
        ended_at=None if ended_ms is None else from_ms(ended_ms),
        device=rest[-1],
    )


def _client(row: Any) -> SessionClient:
    session_id, client_id, sid, sub, _expires = row
    return SessionClient(SessionId(session_id), client_id, sid, sub)
