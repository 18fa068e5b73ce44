"""How a person is reached, in SQL: beside the address, what it is good for.

What lives here: one table.  The addresses themselves stand in the
profile, sealed; a row here belongs to one address by a keyed hash of it, so that an address that
was changed any other way is good for nothing until its owner says so again.
Source: architecture, "State"; NIST SP 800-63B-4 §3.1.3 (out-of-band authenticators).
Not here: who may change what (`idp/accounts/contacts.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from idp.accounts.channels import Channel
from idp.ids import AccountId
from idp.storage.accounts import AccountRow
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, holds, withheld
from keystore.clock import from_ms, to_ms
from keystore.log.events import EventType
from keystore.log.on_record import find_on_record
from keystore.statement import Statement

contact = Table(
    "contact",
    metadata,
    Column("account_key", ForeignKey("account.account_key"), primary_key=True, info=NONE),
    Column("channel", String(8), primary_key=True, info=NONE),
    Column("address_mac", LargeBinary(32), nullable=False, info=withheld(BASIC, "keyed hash")),
    Column("is_factor", Boolean, nullable=False, info=NONE),
    Column("since_ms", BigInteger, nullable=False, info=NONE),
    Column("serves_ms", BigInteger, nullable=False, info=NONE),
    Column("used_ms", BigInteger, info=NONE),
    info=holds(
        "person",
        purpose="whether a code sent there is a second factor, and from when on",
        retention="until_erased",
        legal="NĐ 356/2025/NĐ-CP Art. 4(1)(i)",
        legal_from="2026-01-01",
    ),
)

_IS_IT: Final = (
    contact.c.account_key == bindparam("key"),
    contact.c.channel == bindparam("which"),
)
_OF_ACCOUNT: Final = Statement(select(contact).where(contact.c.account_key == bindparam("key")))
_INSERT: Final = Statement(insert(contact))
_DROP: Final = Statement(delete(contact).where(*_IS_IT))
_SWITCH_OFF: Final = Statement(
    update(contact).where(contact.c.account_key == bindparam("key")).values(is_factor=False)
)
_USE: Final = Statement(
    update(contact)
    .where(*_IS_IT, or_(contact.c.used_ms.is_(None), contact.c.used_ms < bindparam("before")))
    .values(used_ms=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class ContactRow:
    """What one address of an account is good for.

    Takes   since: when it became the account's; serves_from: from when on its codes sign in;
            is_factor: whether the person wants that.
    """

    channel: Channel
    address_mac: bytes = field(repr=False)
    is_factor: bool
    since: datetime
    serves_from: datetime
    used_at: datetime | None = None


def list_contacts(connection: Connection, row: AccountRow) -> dict[Channel, ContactRow]:
    """What is known beside the addresses of an account."""
    rows = _OF_ACCOUNT.all(connection, {"key": row.account_key})
    return {
        Channel(one.channel): ContactRow(
            Channel(one.channel),
            one.address_mac,
            bool(one.is_factor),
            from_ms(one.since_ms),
            from_ms(one.serves_ms),
            None if one.used_ms is None else from_ms(one.used_ms),
        )
        for one in rows
    }


def put_contact(tx: Transaction, row: AccountRow, new: ContactRow) -> None:
    """Keep it in the place of what was known; the account row is locked."""
    _DROP.count(tx.connection, {"key": row.account_key, "which": new.channel})
    _INSERT.count(
        tx.connection,
        {
            "account_key": row.account_key,
            "channel": new.channel,
            "address_mac": new.address_mac,
            "is_factor": new.is_factor,
            "since_ms": to_ms(new.since),
            "serves_ms": to_ms(new.serves_from),
            "used_ms": None if new.used_at is None else to_ms(new.used_at),
        },
    )


def note_contact_use(
    connection: Connection, row: AccountRow, channel: Channel, *, since: datetime, now: datetime
) -> None:
    """Remember that a code sent there signed in, unless it did after `since` already."""
    _USE.count(
        connection,
        {"key": row.account_key, "which": channel, "at": to_ms(now), "before": to_ms(since)},
    )


def find_switched_off(connection: Connection, account_id: AccountId) -> datetime | None:
    """When the person last had an address serve no longer as a second factor."""
    return find_on_record(
        connection,
        EventType.CONTACT_FACTOR_CHANGED,
        account_id=account_id,
        facts={"is_factor": False},
    )


def switch_off_contacts(tx: Transaction, row: AccountRow) -> None:
    """No address of an account is a second factor any more; a young one stays young."""
    _SWITCH_OFF.count(tx.connection, {"key": row.account_key})
