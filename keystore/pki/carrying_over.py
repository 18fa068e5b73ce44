"""What was said of certificates before a backup was restored still holds after it.

What lives here: certificates that were revoked or suspended in the database which a backup replaces
are so in the copy as well.  Whoever was told that a certificate is revoked must not be told
otherwise (RFC 5280 §5.3.1: only what is on hold comes back).  A certificate that the copy does not
know, because it was issued since, comes along without its owner: lists have to name it.  So do the
newest lists themselves: no number that was published may come again (RFC 5280 §5.2.3).
Not here: the command (`idp/cli/restore.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from keystore.log.events import Event, EventType
from keystore.log.record import LogWriter
from keystore.pki.certificate_states import certificate_event
from keystore.pki.model import CertificateRecord, CertificateState
from keystore.pki.offline_lists import crl_number
from keystore.pki.storage import certificates as table
from keystore.pki.storage import crls
from keystore.pki.storage.authorities import read_cas, replace_offline_crl
from keystore.pki.storage.crls import CrlHead
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


@dataclass(frozen=True, slots=True)
class PublishedLists:
    """The newest lists of the database before, of authorities with keys and of those without.

    Takes   offline: id of an authority whose key is offline → its list, DER.
    """

    online: tuple[tuple[CrlHead, bytes], ...] = ()
    offline: Mapping[str, bytes] = field(default_factory=dict)


def read_lists(connection: Any) -> PublishedLists:
    """What is published."""
    offline = {ca.ca_id: ca.offline_crl for ca in read_cas(connection) if ca.offline_crl}
    return PublishedLists(crls.read_newest(connection), offline)


def carry_over_lists(database: DatabaseLike, before: PublishedLists) -> int:
    """Go on from the lists that were published last; returns how many this database did not have.

    Of authorities that it does not know there is nothing to go on with.
    """
    kept = 0
    with database.transaction() as tx:
        known = {ca.ca_id: ca for ca in read_cas(tx.connection)}
        for head, der in before.online:
            last = crls.find_head(tx.connection, ca_id=head.ca_id, shard=head.shard)
            if head.ca_id in known and (last is None or last.number < head.number):
                crls.insert_crl(tx.connection, head, der=der)
                kept += 1
        for ca_id, der in before.offline.items():
            ours = known[ca_id].offline_crl if ca_id in known else None
            if ours is not None and crl_number(ours) < crl_number(der):
                replace_offline_crl(tx.connection, ca_id, crl=der)
                kept += 1
    return kept


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
