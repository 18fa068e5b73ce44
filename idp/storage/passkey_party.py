"""For which relying party passkeys are enrolled here: settled by the first of them, for good.

What lives here: one row.  A passkey works for the RP ID that it was made for and for no other: with
another in the settings none of those that people have would ever be asked again.
Source: WebAuthn Level 3 §4 (relying party identifier), §7.1 step 16.
Not here: the setting (`signer_rp_id`), passkeys themselves (`passkeys`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, insert, select

from idp.storage.database import Transaction, metadata
from idp.storage.declared import NONE, holds
from keystore.clock import to_ms
from keystore.storage import lock_until_commit

passkey_party = Table(
    "passkey_party",
    metadata,
    Column("party_id", Integer, primary_key=True, autoincrement=False, info=NONE),
    Column("rp_id", String(253), nullable=False, info=NONE),
    Column("settled_ms", BigInteger, nullable=False, info=NONE),
    info=holds(
        "none",
        purpose="keeps the passkeys that people have usable",
        retention="forever",
        legal="none: no personal data",
        legal_from="2026-11-22",
    ),
)

_FIND: Final = select(passkey_party.c.rp_id)


def find_rp_id(connection: Connection) -> str | None:
    """The RP ID that passkeys are enrolled for; None while there has been none."""
    row = connection.execute(_FIND).one_or_none()
    return None if row is None else str(row.rp_id)


def settle_rp_id(tx: Transaction, rp_id: str, *, now: datetime) -> str:
    """The RP ID for good: `rp_id` if no passkey was enrolled before, or that of the first one."""
    settled = find_rp_id(tx.connection)
    if settled is None:
        lock_until_commit(tx, name="passkey_party")
        settled = find_rp_id(tx.connection)
    if settled is not None:
        return settled
    tx.connection.execute(
        insert(passkey_party), {"party_id": 1, "rp_id": rp_id, "settled_ms": to_ms(now)}
    )
    return rp_id
