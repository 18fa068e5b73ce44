"""What was said of certificates before a backup was restored still holds after it.

What lives here: certificates that were revoked or suspended in the database which a backup replaces
are so in the copy as well.  Whoever was told that a certificate is revoked must not be told
otherwise (RFC 5280 §5.3.1: only what is on hold comes back).  A certificate that the copy does not
know, because it was issued since, comes along without its owner: lists have to name it.
Not here: the command (`idp/cli/restore.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.pki.certificate_states import certificate_event
from keystore.pki.model import CertificateRecord, CertificateState
from keystore.pki.storage import certificates as table
from keystore.storage import DatabaseLike, Transaction

DataKeyOf = Callable[[Any, str], bytes | None]
"""The wrapped data key of an account, given a connection and its id; None when it has none."""

_BATCH: Final = 500
_WEIGHT: Final = {
    CertificateState.GOOD: 0,
    CertificateState.SUSPENDED: 1,
    CertificateState.REVOKED: 2,
}


def carry_over(
    database: DatabaseLike,
    ended: Sequence[CertificateRecord],
    *,
    data_key_of: DataKeyOf,
    log: LogWriter,
    now: datetime,
) -> int:
    """Revoke and suspend what was so before; returns how many certificates that changed.

    Takes   ended: revoked and suspended ones of the database before; data_key_of: the wrapped data
            key of an account of this database, for the rows of the log.
    """
    changed = 0
    for start in range(0, len(ended), _BATCH):
        with database.transaction() as tx:
            for before in ended[start : start + _BATCH]:
                record = _carry_over(tx, before, now=now)
                if record is None:
                    continue
                owner = record.account_id
                data_key = None if owner is None else data_key_of(tx.connection, owner)
                log.record(tx, _event(record, before, data_key), data_key=data_key, now=now)
                changed += 1
    return changed


def _carry_over(
    tx: Transaction, before: CertificateRecord, *, now: datetime
) -> CertificateRecord | None:
    """The certificate as this database knew it; None when it is as ended already."""
    found = table.find_by_serial(tx.connection, before.serial, ca_id=before.ca_id, is_locked=True)
    if found and _WEIGHT[found[0].state] >= _WEIGHT[before.state]:
        return None
    record = found[0] if found else _without_owner(before)
    if not found:
        table.insert_certificates(tx.connection, [record])
    table.change_state(
        tx.connection,
        ca_id=before.ca_id,
        serial=before.serial,
        state=before.state,
        reason=before.reason,
        at=before.changed_at or now,
        now=now,
    )
    return record


def _without_owner(record: CertificateRecord) -> CertificateRecord:
    return replace(record, account_id=None, kid=None, replaces=None, der=None, der_sealed=None)


def _event(record: CertificateRecord, before: CertificateRecord, data_key: bytes | None) -> Event:
    is_revoked = before.state is CertificateState.REVOKED
    return certificate_event(
        EventType.CERTIFICATE_REVOKED if is_revoked else EventType.CERTIFICATE_SUSPENDED,
        record,
        facts={"reason": "" if before.reason is None else before.reason.value, "restored": True},
        is_sealed=data_key is not None,
    )
