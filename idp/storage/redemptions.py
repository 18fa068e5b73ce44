"""Codes and refresh tokens that are redeemed in one statement.

What lives here: the two UPDATEs whose conditions are all that such a token has to fulfil and whose
answer is its grant: reading, deciding and spending are one round trip, and there is nothing between
them that a second request could use.  They take grants that depend on nothing but an active
account: no mandate, no `claims` parameter, no resource.  Whoever gets None learns nothing from it
and has changed nothing: the caller reads (`grants.py`), and finds out whether it is one of the
other grants, or why the token is refused.
Source: RFC 6749 §4.1.3, §6; RFC 7636 §4.6; docs/adr/0003.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Connection, and_, bindparam, case, exists, func, update

from idp.accounts.model import AccountStatus
from idp.ids import GrantId
from idp.model import Grant
from idp.storage.accounts import account
from idp.storage.grants import GRANT_COLUMNS, oauth_grant, read_grant
from keystore.clock import to_ms
from keystore.statement import Statement

_c = oauth_grant.c
_NOW = bindparam("at", type_=BigInteger)
_REFRESH_UNTIL = bindparam("refresh_until", type_=BigInteger)
_HOLDS = and_(
    _c.grant_id == bindparam("id"),
    _c.client_id == bindparam("client"),
    _c.revoked_ms.is_(None),
    _c.expires_ms > _NOW,
    _c.mandate_id.is_(None),
    _c.resource.is_(None),
    _c.claims == "{}",
    exists().where(
        account.c.account_id == _c.account_id, account.c.status == AccountStatus.ACTIVE.value
    ),
)
_ENDS_WITH_SESSION = and_(_c.is_offline.is_(False), _c.expires_ms < _REFRESH_UNTIL)
_SPENDING = (
    update(oauth_grant)
    .where(
        _HOLDS,
        _c.code_hash == bindparam("code"),
        _c.code_redirect_uri == bindparam("redirect_uri"),
        # an empty text stands for none: no challenge is empty
        func.coalesce(_c.code_challenge, "") == bindparam("challenge"),
        _c.code_spent_ms.is_(None),
        _c.code_expires_ms > _NOW,
    )
    .values(code_spent_ms=_NOW)
    .returning(*GRANT_COLUMNS)
)
_SPEND = Statement(_SPENDING)
_SPEND_FOR_REFRESH = Statement(
    _SPENDING.values(
        # without offline_access the family ends with the session; with it, the grant lives as long
        expires_ms=case((_ENDS_WITH_SESSION, _c.expires_ms), else_=_REFRESH_UNTIL),
        refresh_expires_ms=case((_ENDS_WITH_SESSION, _c.expires_ms), else_=_REFRESH_UNTIL),
        refresh_hash=bindparam("refresh"),
        refresh_generation=0,
    )
)
_ROTATE = Statement(
    update(oauth_grant)
    .where(
        _HOLDS,
        _c.refresh_hash == bindparam("presented"),
        _c.refresh_expires_ms > _NOW,
    )
    .values(
        refresh_hash=bindparam("successor"),
        refresh_previous_hash=bindparam("presented"),
        refresh_rotated_ms=_NOW,
        refresh_sealed=bindparam("sealed"),
        refresh_generation=_c.refresh_generation + 1,
    )
    .returning(*GRANT_COLUMNS)
)


def redeem_code(
    connection: Connection,
    grant_id: GrantId,
    *,
    client_id: str,
    code_hash: bytes,
    redirect_uri: str,
    code_challenge: str | None,
    refresh_hash: bytes | None,
    refresh_expires_at: datetime | None,
    now: datetime,
) -> Grant | None:
    """Spend the code of a grant if it is this one, unspent, and everything sent with it is right.

    Takes   code_challenge: S256 of the verifier that was sent, None if none was; refresh_hash,
            refresh_expires_at: the refresh token to put in place, or None for none.
    Returns the grant, to exactly one of any number of callers; None where nothing was changed.
    Source  RFC 6749 §4.1.3; RFC 7636 §4.6.
    """
    facts = {
        "id": grant_id,
        "client": client_id,
        "code": code_hash,
        "redirect_uri": redirect_uri,
        "challenge": code_challenge or "",
        "at": to_ms(now),
    }
    statement = _SPEND
    if refresh_hash is not None and refresh_expires_at is not None:
        statement = _SPEND_FOR_REFRESH
        facts |= {"refresh": refresh_hash, "refresh_until": to_ms(refresh_expires_at)}
    row = statement.one_or_none(connection, facts)
    return None if row is None else read_grant(row)


def redeem_refresh(
    connection: Connection,
    grant_id: GrantId,
    *,
    client_id: str,
    presented_hash: bytes,
    successor_hash: bytes,
    sealed_successor: bytes,
    now: datetime,
) -> Grant | None:
    """Put a successor in place of a refresh token if it is the live one of a grant that holds.

    Returns the grant, to exactly one of any number of callers; None where nothing was changed.
    Source  RFC 6749 §6; RFC 9700 §4.14.2.
    """
    row = _ROTATE.one_or_none(
        connection,
        {
            "id": grant_id,
            "client": client_id,
            "presented": presented_hash,
            "successor": successor_hash,
            "sealed": sealed_successor,
            "at": to_ms(now),
        },
    )
    return None if row is None else read_grant(row)
