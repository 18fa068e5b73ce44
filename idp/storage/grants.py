"""Grants with their code and refresh family: one row is the whole life of one authorization.

What lives here: the table and the few statements that decide something once.  A code is spent and
a refresh token replaced by one conditional UPDATE that also records what was issued, so there is no
moment in which one exists without the other (docs/adr/0003); nothing is locked in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)

from idp.accounts.model import AccountStatus
from idp.ids import AccountId, GrantId, MandateId, SessionId
from idp.model import Code, Grant, RefreshFamily
from idp.storage.accounts import account
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, SECRET, holds
from idp.storage.purge import purged_by
from keystore.clock import from_ms, to_ms
from keystore.statement import Statement

oauth_grant = Table(
    "oauth_grant",
    metadata,
    Column("grant_id", String(40), primary_key=True, info=NONE),
    Column("account_id", String(40), nullable=False, info=BASIC),
    Column("client_id", String(128), nullable=False, info=NONE),
    Column("sector_id", String(64), nullable=False, info=NONE),
    Column("sub", String(64), nullable=False, info=BASIC),
    Column("session_id", String(40), info=NONE),
    Column("sid", String(40), nullable=False, info=NONE),
    Column("mandate_id", String(40), info=BASIC),
    Column("scopes", Text, nullable=False, info=NONE),
    Column("claims", Text, nullable=False, info=NONE),
    Column("shared", Text, nullable=False, info=NONE),
    Column("claims_locales", String(200), nullable=False, info=NONE),
    Column("resource", String(2000), info=NONE),
    Column("is_offline", Boolean, nullable=False, info=NONE),
    Column("acr", String(40), nullable=False, info=NONE),
    Column("amr", String(60), nullable=False, info=NONE),
    Column("auth_time_ms", BigInteger, nullable=False, info=NONE),
    Column("nonce", Text, info=NONE),
    Column("created_ms", BigInteger, nullable=False, info=NONE),
    Column("expires_ms", BigInteger, nullable=False, info=NONE),
    Column("revoked_ms", BigInteger, info=NONE),
    Column("revoked_reason", String(30), info=NONE),
    Column("code_hash", LargeBinary(32), info=SECRET),
    Column("code_redirect_uri", Text, info=NONE),
    Column("code_challenge", String(128), info=NONE),
    Column("code_expires_ms", BigInteger, info=NONE),
    Column("code_spent_ms", BigInteger, info=NONE),
    Column("refresh_hash", LargeBinary(32), info=SECRET),
    Column("refresh_previous_hash", LargeBinary(32), info=SECRET),
    Column("refresh_rotated_ms", BigInteger, info=NONE),
    Column("refresh_sealed", LargeBinary, info=SECRET),
    Column("refresh_generation", Integer, info=NONE),
    Column("refresh_expires_ms", BigInteger, info=NONE),
    info={
        **holds(
            "person",
            purpose="what a person allowed a client, and what may still be issued under it",
            retention="30 days after the grant expired; the log keeps the history",
            legal="Law 91/2025/QH15 Art. 9",
            legal_from="2026-01-01",
        ),
        **purged_by("expires_ms", keep=timedelta(days=30)),
    },
)
Index("ix_oauth_grant_account", oauth_grant.c.account_id, oauth_grant.c.client_id)
Index("ix_oauth_grant_session", oauth_grant.c.session_id)
Index("ix_oauth_grant_expiry", oauth_grant.c.expires_ms)

_c = oauth_grant.c
GRANT_COLUMNS = (
    _c.grant_id, _c.account_id, _c.client_id, _c.sector_id, _c.sub, _c.session_id, _c.sid,
    _c.mandate_id, _c.scopes, _c.claims, _c.shared, _c.claims_locales, _c.resource, _c.is_offline,
    _c.acr, _c.amr, _c.auth_time_ms, _c.nonce, _c.created_ms, _c.expires_ms, _c.revoked_ms,
)  # fmt: skip
_CODE_COLUMNS = (
    _c.code_hash, _c.code_redirect_uri, _c.code_challenge, _c.code_expires_ms, _c.code_spent_ms,
)  # fmt: skip
_REFRESH_COLUMNS = (
    _c.refresh_hash, _c.refresh_previous_hash, _c.refresh_rotated_ms, _c.refresh_sealed,
    _c.refresh_generation, _c.refresh_expires_ms,
)  # fmt: skip

_FIND = Statement(select(*GRANT_COLUMNS).where(_c.grant_id == bindparam("id")))
_WITH_STATUS = oauth_grant.outerjoin(account, account.c.account_id == _c.account_id)
_FIND_CODE = Statement(
    select(*GRANT_COLUMNS, *_CODE_COLUMNS, account.c.status)
    .select_from(_WITH_STATUS)
    .where(_c.grant_id == bindparam("id"))
)
_FIND_REFRESH = Statement(
    select(*GRANT_COLUMNS, *_REFRESH_COLUMNS, account.c.status)
    .select_from(_WITH_STATUS)
    .where(_c.grant_id == bindparam("id"))
)
_INSERT = Statement(insert(oauth_grant))
_SPEND = Statement(
    update(oauth_grant)
    .where(_c.grant_id == bindparam("id"), _c.code_spent_ms.is_(None), _c.revoked_ms.is_(None))
    .values(
        code_spent_ms=bindparam("at"),
        expires_ms=bindparam("until"),
        refresh_hash=bindparam("hash"),
        refresh_generation=bindparam("generation"),
        refresh_expires_ms=bindparam("refresh_until"),
    )
)
_ROTATE = Statement(
    update(oauth_grant)
    .where(
        _c.grant_id == bindparam("id"),
        _c.refresh_hash == bindparam("previous"),
        _c.revoked_ms.is_(None),
    )
    .values(
        refresh_hash=bindparam("hash"),
        refresh_previous_hash=bindparam("previous"),
        refresh_rotated_ms=bindparam("at"),
        refresh_sealed=bindparam("sealed"),
        refresh_generation=bindparam("generation"),
    )
)
_REVOKE = Statement(
    update(oauth_grant)
    .where(_c.grant_id == bindparam("id"), _c.revoked_ms.is_(None))
    .values(revoked_ms=bindparam("at"), revoked_reason=bindparam("why"))
)


def add_grant(tx: Transaction, grant: Grant, *, code: Code) -> None:
    """Store a grant together with its code."""
    _INSERT.count(
        tx.connection,
        {
            "grant_id": grant.grant_id,
            "account_id": grant.account_id,
            "client_id": grant.client_id,
            "sector_id": grant.sector_id,
            "sub": grant.sub,
            "session_id": grant.session_id,
            "sid": grant.sid,
            "mandate_id": grant.mandate_id,
            "scopes": " ".join(grant.scopes),
            "claims": msgspec.json.encode(grant.claims).decode(),
            "shared": " ".join(grant.shared),
            "claims_locales": " ".join(grant.claims_locales),
            "resource": grant.resource,
            "is_offline": grant.is_offline,
            "acr": grant.acr,
            "amr": " ".join(grant.amr),
            "auth_time_ms": to_ms(grant.auth_time),
            "nonce": grant.nonce,
            "created_ms": to_ms(grant.created_at),
            "expires_ms": to_ms(grant.expires_at),
            "code_hash": code.secret_hash,
            "code_redirect_uri": code.redirect_uri,
            "code_challenge": code.code_challenge,
            "code_expires_ms": to_ms(code.expires_at),
        },
    )


def find_grant(connection: Connection, grant_id: GrantId) -> Grant | None:
    """The grant with this id, revoked or not."""
    row = _FIND.one_or_none(connection, {"id": grant_id})
    return None if row is None else read_grant(row)


def find_code(connection: Connection, grant_id: GrantId) -> tuple[Grant, Code, bool] | None:
    """A grant with its code, spent or not, and whether the account is active.

    Does not compare hash, client, URI and challenge: the caller does.
    """
    row = _FIND_CODE.one_or_none(connection, {"id": grant_id})
    if row is None or row.code_hash is None:
        return None
    code = Code(
        secret_hash=bytes(row.code_hash),
        redirect_uri=row.code_redirect_uri,
        code_challenge=row.code_challenge,
        expires_at=from_ms(row.code_expires_ms),
        spent_at=None if row.code_spent_ms is None else from_ms(row.code_spent_ms),
    )
    return read_grant(row), code, row.status == AccountStatus.ACTIVE


def spend_code(
    connection: Connection,
    grant_id: GrantId,
    *,
    now: datetime,
    grant_expires_at: datetime,
    refresh_hash: bytes | None,
    refresh_expires_at: datetime | None,
) -> bool:
    """Spend the code of a grant and put its refresh token in place, once.

    Returns True for exactly one of any number of callers, and only while the grant is not
    revoked; the grant then lives until `grant_expires_at`.
    Does not check the code's hash, client or expiry: the code grant does.
    Source  RFC 6749 §4.1.2.
    """
    result = _SPEND.count(
        connection,
        {
            "id": grant_id,
            "at": to_ms(now),
            "until": to_ms(grant_expires_at),
            "hash": refresh_hash,
            "generation": 0 if refresh_hash is not None else None,
            "refresh_until": None if refresh_expires_at is None else to_ms(refresh_expires_at),
        },
    )
    return result == 1


def find_refresh(
    connection: Connection, grant_id: GrantId
) -> tuple[Grant, RefreshFamily, bool] | None:
    """A grant with its refresh family, and whether the account is active; None if it has none."""
    row = _FIND_REFRESH.one_or_none(connection, {"id": grant_id})
    if row is None or row.refresh_hash is None:
        return None
    family = RefreshFamily(
        current_hash=bytes(row.refresh_hash),
        previous_hash=_bytes(row.refresh_previous_hash),
        rotated_at=None if row.refresh_rotated_ms is None else from_ms(row.refresh_rotated_ms),
        sealed_current=_bytes(row.refresh_sealed),
        generation=row.refresh_generation,
        expires_at=from_ms(row.refresh_expires_ms),
    )
    return read_grant(row), family, row.status == AccountStatus.ACTIVE


def rotate_refresh(
    connection: Connection,
    grant_id: GrantId,
    *,
    previous_hash: bytes,
    current_hash: bytes,
    sealed_current: bytes,
    generation: int,
    now: datetime,
) -> bool:
    """Put a successor in place of the refresh token whose hash is `previous_hash`, once.

    Returns True for exactly one of any number of callers, and only while that token is the live
    one of a grant that is not revoked.
    """
    result = _ROTATE.count(
        connection,
        {
            "id": grant_id,
            "hash": current_hash,
            "previous": previous_hash,
            "at": to_ms(now),
            "sealed": sealed_current,
            "generation": generation,
        },
    )
    return result == 1


def revoke_grant(tx: Transaction, grant_id: GrantId, *, now: datetime, reason: str) -> bool:
    """Revoke a grant with all that hangs on it; True for the caller that did it."""
    result = _REVOKE.count(tx.connection, {"id": grant_id, "at": to_ms(now), "why": reason})
    return result == 1


def live_grants(
    connection: Connection,
    account_id: AccountId,
    *,
    now: datetime,
    client_id: str | None = None,
) -> tuple[Grant, ...]:
    """Grants of a person (to one client, if named) that are neither revoked nor expired."""
    query = select(*GRANT_COLUMNS).where(
        _c.account_id == account_id, _c.revoked_ms.is_(None), _c.expires_ms > to_ms(now)
    )
    if client_id is not None:
        query = query.where(_c.client_id == client_id)
    return tuple(read_grant(row) for row in connection.execute(query))


def grants_under(
    connection: Connection, account_id: AccountId, *, mandate_id: MandateId, now: datetime
) -> tuple[Grant, ...]:
    """Grants that have not expired, revoked or not, in which a person used a mandate."""
    query = select(*GRANT_COLUMNS).where(
        _c.account_id == account_id, _c.mandate_id == mandate_id, _c.expires_ms > to_ms(now)
    )
    return tuple(read_grant(row) for row in connection.execute(query))


def grants_of_session(
    connection: Connection, session_id: SessionId, *, now: datetime
) -> tuple[Grant, ...]:
    """Live grants that came out of one browser session."""
    query = select(*GRANT_COLUMNS).where(
        _c.session_id == session_id, _c.revoked_ms.is_(None), _c.expires_ms > to_ms(now)
    )
    return tuple(read_grant(row) for row in connection.execute(query))


def last_grants(
    connection: Connection, session_ids: Sequence[SessionId]
) -> Mapping[SessionId, datetime]:
    """When each of these browser sessions last let somebody sign in at a client, if ever."""
    query = (
        select(_c.session_id, func.max(_c.created_ms))
        .where(_c.session_id.in_(list(session_ids)))
        .group_by(_c.session_id)
    )
    return {SessionId(row[0]): from_ms(row[1]) for row in connection.execute(query)}


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


def read_grant(row: Any) -> Grant:
    """The grant in a row that has GRANT_COLUMNS."""
    return Grant(
        grant_id=GrantId(row.grant_id),
        account_id=AccountId(row.account_id),
        client_id=row.client_id,
        sector_id=row.sector_id,
        sub=row.sub,
        session_id=None if row.session_id is None else SessionId(row.session_id),
        sid=row.sid,
        mandate_id=None if row.mandate_id is None else MandateId(row.mandate_id),
        scopes=tuple(row.scopes.split()),
        claims=msgspec.json.decode(row.claims),
        shared=tuple(row.shared.split()),
        claims_locales=tuple(row.claims_locales.split()),
        resource=row.resource,
        is_offline=bool(row.is_offline),
        acr=row.acr,
        amr=tuple(row.amr.split()),
        auth_time=from_ms(row.auth_time_ms),
        nonce=row.nonce,
        created_at=from_ms(row.created_ms),
        expires_at=from_ms(row.expires_ms),
        revoked_at=None if row.revoked_ms is None else from_ms(row.revoked_ms),
    )
