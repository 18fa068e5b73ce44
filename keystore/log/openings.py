"""Opening an entry: showing which event is behind its hash.

What lives here: making the canonical event of a row again, with the nonce that was sealed with it.
Event and nonce together are the proof for a person, a court or an auditor; without the nonce
nobody can tell even by guessing, and when the data key is destroyed nobody ever will.
Source: architecture, "State" (the append-only log).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from keystore.clock import from_ms
from keystore.log.errors import EntryUnknown, EventDiffers
from keystore.log.events import Event, EventType, canonical_event
from keystore.log.record import leaf_hash, log_event, seal_context
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer

SEALED_TO_NOBODY: Final = b"\x04"
"""In the place of the sealed part of a row that concerns nobody, by who has no key for it: `Sealer`
and `keystore/recipient.py` have other first bytes."""
_NONCE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Opening:
    """What a leaf is the hash of.  Takes nonce: 32 bytes; event: canonical JSON.

    Does not say that the leaf is in a tree: that is the inclusion proof's.
    """

    nonce: bytes
    event: bytes

    @property
    def leaf(self) -> bytes:
        """The leaf of this event."""
        return leaf_hash(self.nonce, self.event)


def find_owner(connection: Connection, *, writer: str, seq: int) -> str | None:
    """The account that a row concerns.

    Raises  EntryUnknown.
    """
    row = connection.execute(
        select(log_event.c.account_id).where(log_event.c.writer == writer, log_event.c.seq == seq)
    ).first()
    if row is None:
        raise EntryUnknown(f"{writer}/{seq}")
    owner: str | None = row[0]
    return owner


def open_event(
    connection: Connection, *, writer: str, seq: int, sealer: Sealer, data_key: bytes | None
) -> Opening:
    """Open the event of a row.

    Takes   data_key: of the person concerned, if the event is sealed under one.
    Raises  EntryUnknown; SealBroken: the key is another or destroyed, or the row is not what was
            recorded.
    """
    found = connection.execute(
        select(log_event).where(log_event.c.writer == writer, log_event.c.seq == seq)
    ).first()
    if found is None:
        raise EntryUnknown(f"{writer}/{seq}")
    return open_row(found._mapping, sealer=sealer, data_key=data_key)  # noqa: SLF001 - public name


def open_row(values: Any, *, sealer: Sealer, data_key: bytes | None) -> Opening:
    """Open the event of a row that was read, and compare it with the leaf.

    Takes   values: every column of the row, by name.
    Raises  SealBroken; EventDiffers, when it opens and is not what was recorded.
    """
    context = seal_context(values["writer"], values["seq"])
    sealed: bytes = values["sealed"]
    plaintext = (
        sealer.unseal(SealPurpose.LOG, sealed, context=context)
        if data_key is None
        else sealer.unseal_personal(data_key, sealed, context=context)
    )
    nonce, personal = plaintext[:_NONCE_BYTES], plaintext[_NONCE_BYTES:]
    try:
        event = canonical_event(
            Event(
                EventType(values["type"]),
                account_id=values["account_id"],
                client_id=values["client_id"],
                facts=msgspec.json.decode(values["facts"]),
                personal=msgspec.json.decode(personal) if personal else {},
            ),
            now=from_ms(values["at_ms"]),
        )
    except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as problem:
        raise EventDiffers from problem
    opening = Opening(nonce, event)
    if not hmac.compare_digest(opening.leaf, values["leaf"]):
        raise EventDiffers
    return opening
