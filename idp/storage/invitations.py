"""Invitations to enrol anew, in SQL.

What lives here: one table and the statements on it, and the one question to the log that an
invitation hangs on.  Not here: who may (`idp.accounts.invitations`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Row,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from idp.accounts.invitation_model import Invitation, InvitationReason, InvitationState
from idp.ids import AccountId
from idp.model import Factor
from idp.storage.accounts import AccountRow, account
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, found_by, holds
from idp.storage.purge import purged_by
from keystore.clock import from_ms, to_ms
from keystore.log.events import EventType
from keystore.log.record import log_event

enrolment_invitation = Table(
    "enrolment_invitation",
    metadata,
    Column("invitation_id", String(40), primary_key=True, info=NONE),
    Column("account_key", ForeignKey("account.account_key"), nullable=False, info=BASIC),
    Column("first_key", ForeignKey("account.account_key"), nullable=False, info=BASIC),
    Column("second_key", ForeignKey("account.account_key"), info=BASIC),
    Column("controller_id", String(64), nullable=False, info=NONE),
    Column("reason", String(24), nullable=False, info=BASIC),
    Column("state", String(12), nullable=False, info=NONE),
    Column("asked_ms", BigInteger, nullable=False, info=NONE),
    Column("ready_ms", BigInteger, info=NONE),
    Column("expires_ms", BigInteger, nullable=False, info=NONE),
    info=holds(
        "person",
        purpose="who invited a person to enrol second factors anew, and what became of it",
        retention="one year after it lapsed",
        legal="NĐ 69/2024/NĐ-CP Art. 17(2)",
        legal_from="2024-07-01",
    )
    | found_by("account_key")
    | purged_by("expires_ms", keep=timedelta(days=365)),
)
Index("ix_enrolment_invitation_account", enrolment_invitation.c.account_key)
Index("ix_enrolment_invitation_expires", enrolment_invitation.c.expires_ms)

_c = enrolment_invitation.c
_person = account.alias("person")
_first = account.alias("first")
_second = account.alias("second")
_ALL: Final = (
    select(
        enrolment_invitation,
        _person.c.account_id.label("person_id"),
        _first.c.account_id.label("first_id"),
        _second.c.account_id.label("second_id"),
    )
    .join(_person, _person.c.account_key == _c.account_key)
    .join(_first, _first.c.account_key == _c.first_key)
    .outerjoin(_second, _second.c.account_key == _c.second_key)
)
_OF: Final = _ALL.where(_person.c.account_id == bindparam("id")).order_by(
    _c.asked_ms.desc(), _c.invitation_id
)
_BY_ID: Final = _ALL.where(_c.invitation_id == bindparam("one"))
_INSERT: Final = insert(enrolment_invitation)
_STEP: Final = update(enrolment_invitation).where(
    _c.invitation_id == bindparam("one"),
    _c.state.in_(bindparam("before", expanding=True)),
    _c.expires_ms > bindparam("at"),
)
_SIGN_INS: Final = select(log_event.c.facts).where(
    log_event.c.account_id == bindparam("id"),
    log_event.c.type.in_([EventType.SESSION_STARTED, EventType.SESSION_RAISED]),
    log_event.c.at_ms >= bindparam("since"),
)


def insert_invitation(
    tx: Transaction, new: Invitation, *, person: AccountRow, official: AccountRow
) -> None:
    """Keep an invitation that one official asked for."""
    tx.connection.execute(
        _INSERT,
        {
            "invitation_id": new.invitation_id,
            "account_key": person.account_key,
            "first_key": official.account_key,
            "controller_id": new.controller_id,
            "reason": new.reason,
            "state": new.state,
            "asked_ms": to_ms(new.asked_at),
            "expires_ms": to_ms(new.expires_at),
        },
    )


def list_invitations(connection: Connection, account_id: AccountId) -> tuple[Invitation, ...]:
    """Every invitation of a person, the newest first."""
    return tuple(_invitation(row) for row in connection.execute(_OF, {"id": account_id}))


def find_invitation(connection: Connection, invitation_id: str) -> Invitation | None:
    """One invitation, whatever became of it."""
    row = connection.execute(_BY_ID, {"one": invitation_id}).one_or_none()
    return None if row is None else _invitation(row)


def confirm_invitation(
    tx: Transaction,
    invitation_id: str,
    *,
    official: AccountRow,
    ready_at: datetime,
    expires_at: datetime,
    now: datetime,
) -> bool:
    """Note the second official; True for the one transaction that does."""
    step = _STEP.values(
        state=InvitationState.CONFIRMED,
        second_key=official.account_key,
        ready_ms=to_ms(ready_at),
        expires_ms=to_ms(expires_at),
    )
    return _did(tx, step, invitation_id, (InvitationState.ASKED,), now=now)


def settle_invitation(
    tx: Transaction,
    invitation_id: str,
    *,
    before: tuple[InvitationState, ...],
    after: InvitationState,
    now: datetime,
) -> bool:
    """Bring it to an end; True for the one transaction that does."""
    return _did(tx, _STEP.values(state=after), invitation_id, before, now=now)


def used_a_factor_since(connection: Connection, account_id: AccountId, *, since: datetime) -> bool:
    """Whether anything but a password signed in since: its owner still has what was called lost."""
    rows = connection.execute(_SIGN_INS, {"id": account_id, "since": to_ms(since)})
    said = (str(msgspec.json.decode(row.facts).get("factors", "")).split() for row in rows)
    return any(set(factors) - {Factor.PASSWORD.value} for factors in said)


def _did(
    tx: Transaction,
    statement: Any,
    invitation_id: str,
    before: tuple[InvitationState, ...],
    *,
    now: datetime,
) -> bool:
    values = {"one": invitation_id, "before": list(before), "at": to_ms(now)}
    return bool(tx.connection.execute(statement, values).rowcount == 1)


def _invitation(row: Row[*tuple[Any, ...]]) -> Invitation:
    return Invitation(
        invitation_id=row.invitation_id,
        account_id=AccountId(row.person_id),
        first_id=AccountId(row.first_id),
        controller_id=row.controller_id,
        reason=InvitationReason(row.reason),
        asked_at=from_ms(row.asked_ms),
        expires_at=from_ms(row.expires_ms),
        state=InvitationState(row.state),
        second_id=None if row.second_id is None else AccountId(row.second_id),
        ready_at=None if row.ready_ms is None else from_ms(row.ready_ms),
    )
