"""The table of opaque numbers: what tells two people of one name apart in certificates.

What lives here: SQL.  A number is random, one per account, the same in every certificate of that
account, and derived from nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, String, Table, delete, insert, select

from keystore.clock import to_ms
from keystore.storage import metadata

certified_subject = Table(
    "certified_subject",
    metadata,
    Column("account_id", String(64), primary_key=True, info={"data": "basic"}),
    Column("number", String(32), nullable=False, unique=True, info={"data": "basic"}),
    Column("created_ms", BigInteger, nullable=False, info={"data": "none"}),
    info={
        "subject": "person",
        "purpose": "the serial number in the names of one person's certificates",
        "retention": "10 years after the last certificate ends",
        "legal": "Decree 23/2025/ND-CP on electronic signatures and trust services",
        "legal_from": "2025-04-10",
    },
)


def find_numbers(connection: Connection, account_ids: frozenset[str]) -> dict[str, str]:
    """The numbers that these accounts have, by account."""
    table = certified_subject.c
    rows = connection.execute(
        select(table.account_id, table.number).where(table.account_id.in_(account_ids))
    )
    return {row.account_id: row.number for row in rows}


def insert_numbers(connection: Connection, numbers: Mapping[str, str], *, now: datetime) -> None:
    """Store numbers of accounts that had none; the caller holds the lock."""
    connection.execute(
        insert(certified_subject),
        [
            {"account_id": account_id, "number": number, "created_ms": to_ms(now)}
            for account_id, number in numbers.items()
        ],
    )


def delete_number(connection: Connection, account_id: str) -> None:
    """Forget the number of an account."""
    connection.execute(
        delete(certified_subject).where(certified_subject.c.account_id == account_id)
    )
