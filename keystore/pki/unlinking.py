"""Certificates of somebody who was erased: they stay, and say no more whose they were.

What lives here: taking the account out of certificates, the opaque number and the requests of an
account, in the transaction that erases it.  A serial number stands in every signed document beside
a name, so nothing that is kept may lead from it to an account, whose log rows are kept.  What lists
and status answers need stays: serial number, state, reason, since when, until when.  Days stand in
the place of instants that the log has as well; that a certificate was revoked when an account was
erased can still be guessed from the clock, since the revocation is published with its time.
The digest of the key becomes a keyed one: whoever comes with that key is still recognised, and the
stored public half of a personal key is not.
Source: Law 91/2025/QH15 (erasure of personal data); RFC 5280 §5.3.
Not here: revoking them (`keystore/pki/certificate_states.py`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from keystore.pki.storage import certificates as table
from keystore.pki.storage.enrolments import delete_enrolments_of
from keystore.pki.storage.subjects import delete_number
from keystore.sealing import Sealer
from keystore.storage import Transaction

_KIND: Final = "certified_key"
_DAY: Final = timedelta(days=1)


def unlink_account(tx: Transaction, account_id: str, *, sealer: Sealer) -> int:
    """Forget whose the certificates of an account were; returns how many.

    Takes   tx: the transaction that erases the account, after its certificates were revoked in it.
    """
    records = table.find_of_account(tx.connection, account_id, is_locked=True)
    for record in records:
        key = sealer.lookup_mac(record.spki_sha256.hex(), kind=_KIND)
        table.replace_certificate(
            tx.connection,
            replace(
                record,
                account_id=None,
                kid=None,
                spki_sha256=key.mac,
                issued_at=_day(record.issued_at),
                not_before=_day(record.not_before),
                not_after=_day(record.not_after + _DAY),
                replaces=None,
                der_sealed=None,
            ),
        )
    delete_number(tx.connection, account_id)
    delete_enrolments_of(tx.connection, account_id)
    return len(records)


def unlinked_keys(spki_sha256: bytes, *, sealer: Sealer) -> tuple[bytes, ...]:
    """What stands in certificates of erased people where the digest of this key stood."""
    return tuple(one.mac for one in sealer.lookup_macs(spki_sha256.hex(), kind=_KIND))


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
