"""Pairwise subjects: one random `sub` and `TechID` for each person and sector.

`sub` is stored, never derived from the person, never reassigned, and survives renumbering.
Source: OpenID Connect Core §8.1; architecture, "Who belongs to whom".
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Column, Connection, String, Table, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from idp.ids import AccountId
from idp.storage.database import Transaction, metadata
from idp.storage.declared import BASIC, NONE, holds
from keystore.statement import Statement

subject = Table(
    "subject",
    metadata,
    Column("account_id", String(40), primary_key=True, info=BASIC),
    Column("sector_id", String(64), primary_key=True, info=NONE),
    Column("sub", String(64), nullable=False, unique=True, info=BASIC),
    Column("tech_id", String(64), nullable=False, unique=True, info=BASIC),
    info=holds(
        "person",
        purpose="a stable name of the person for one sector of portals",
        retention="account",
        legal="Law 91/2025/QH15 Art. 3",
        legal_from="2026-01-01",
    ),
)

_FIND = Statement(
    select(subject.c.sub, subject.c.tech_id).where(
        subject.c.account_id == bindparam("account"), subject.c.sector_id == bindparam("sector")
    )
)
_BY_SUB = Statement(
    select(subject.c.account_id, subject.c.sector_id).where(subject.c.sub == bindparam("sub"))
)
_INSERT = Statement(insert(subject))


@dataclass(frozen=True, slots=True)
class Subject:
    """`sub`: 43 characters base64url (256 random bits); `tech_id`: 32 hexadecimal digits."""

    sub: str
    tech_id: str


def find_subject(
    connection: Connection, account_id: AccountId, *, sector_id: str
) -> Subject | None:
    """The person's subject in a sector."""
    row = _FIND.one_or_none(connection, {"account": account_id, "sector": sector_id})
    return None if row is None else Subject(row.sub, row.tech_id)


def find_account_by_sub(connection: Connection, sub: str) -> tuple[AccountId, str] | None:
    """Account and sector behind a `sub`."""
    row = _BY_SUB.one_or_none(connection, {"sub": sub})
    return None if row is None else (AccountId(row.account_id), row.sector_id)


def get_or_make_subject(tx: Transaction, account_id: AccountId, *, sector_id: str) -> Subject:
    """The person's subject in a sector, made at the first sign-in there."""
    found = find_subject(tx.connection, account_id, sector_id=sector_id)
    if found is not None:
        return found
    made = Subject(secrets.token_urlsafe(32), secrets.token_hex(16))
    try:
        with tx.savepoint():
            _INSERT.count(
                tx.connection,
                {
                    "account_id": account_id,
                    "sector_id": sector_id,
                    "sub": made.sub,
                    "tech_id": made.tech_id,
                },
            )
    except IntegrityError:
        # two first sign-ins at once: the other transaction's subject is the person's
        other = find_subject(tx.connection, account_id, sector_id=sector_id)
        if other is None:
            raise
        return other
    return made
