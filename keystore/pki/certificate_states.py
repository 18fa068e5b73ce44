"""What becomes of a certificate: suspended, lifted, revoked.

What lives here: which state may follow which, each change with its log row in one transaction.
Status answers and revocation lists read what is written here; nothing has to be told.
Source: RFC 5280 §5.3.1 (reasons); Decree 23/2025/ND-CP (suspension, revocation).
Not here: who may ask for it (the caller), how it is published (OCSP, CRL).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.pki.errors import CertificateStateRefused, CertificateUnknown
from keystore.pki.model import (
    OPERATOR_REASONS,
    CertificateRecord,
    CertificateState,
    RevocationReason,
)
from keystore.pki.storage import certificates as table
from keystore.storage import DatabaseLike, Transaction

_LIVE: Final = frozenset({CertificateState.GOOD, CertificateState.SUSPENDED})


class CertificateStates:
    """Changes the states of certificates.

    `data_key` is that of the person concerned, so that the log row is sealed to them; None where
    there is none, or it is not at hand.
    """

    def __init__(self, database: DatabaseLike, *, log: LogWriter) -> None:
        self._database = database
        self._log = log

    def suspend(self, serial: int, *, now: datetime, data_key: bytes | None = None) -> None:
        """Put a good certificate on hold; `lift` takes it back.

        Raises  CertificateUnknown, CertificateStateRefused.
        """
        with self._database.transaction() as tx:
            record = find_locked(tx, serial)
            _check_state(record, allowed=frozenset({CertificateState.GOOD}), now=now)
            self._suspend(tx, record, data_key=data_key, now=now)

    def lift(self, serial: int, *, now: datetime, data_key: bytes | None = None) -> None:
        """Make a suspended certificate good again.

        Raises  CertificateUnknown, CertificateStateRefused.
        """
        with self._database.transaction() as tx:
            record = find_locked(tx, serial)
            _check_state(record, allowed=frozenset({CertificateState.SUSPENDED}), now=now)
            _change(tx, record, CertificateState.GOOD, reason=None, at=now, now=now)
            self._record(tx, EventType.CERTIFICATE_LIFTED, record, data_key=data_key, now=now)

    def revoke(
        self,
        serial: int,
        *,
        reason: RevocationReason,
        now: datetime,
        data_key: bytes | None = None,
    ) -> None:
        """End a certificate for good.

        One that was suspended counts as revoked since it was suspended: what was signed meanwhile
        must not become valid by the revocation.
        Raises  CertificateUnknown, CertificateStateRefused; ValueError for a reason that is none of
                `OPERATOR_REASONS`.
        """
        with self._database.transaction() as tx:
            record = find_locked(tx, serial)
            _check_state(record, allowed=_LIVE, now=now)
            self._revoke(tx, record, reason=reason, data_key=data_key, now=now)

    def suspend_all(
        self, tx: Transaction, account_id: str, *, now: datetime, data_key: bytes | None
    ) -> int:
        """Put every good certificate of an account on hold; returns how many.

        Takes   tx: the transaction of the act that is the reason for it.
        """
        records = _of_account(tx, account_id, states=frozenset({CertificateState.GOOD}), now=now)
        for record in records:
            self._suspend(tx, record, data_key=data_key, now=now)
        return len(records)

    def revoke_all(
        self,
        tx: Transaction,
        account_id: str,
        *,
        reason: RevocationReason,
        now: datetime,
        data_key: bytes | None,
    ) -> int:
        """End every certificate of an account; returns how many.

        Takes   tx: the transaction of the act that is the reason for it.
        """
        records = _of_account(tx, account_id, states=_LIVE, now=now)
        for record in records:
            self._revoke(tx, record, reason=reason, data_key=data_key, now=now)
        return len(records)

    def _suspend(
        self, tx: Transaction, record: CertificateRecord, *, data_key: bytes | None, now: datetime
    ) -> None:
        hold = RevocationReason.CERTIFICATE_HOLD
        _change(tx, record, CertificateState.SUSPENDED, reason=hold, at=now, now=now)
        self._record(tx, EventType.CERTIFICATE_SUSPENDED, record, data_key=data_key, now=now)

    def _revoke(
        self,
        tx: Transaction,
        record: CertificateRecord,
        *,
        reason: RevocationReason,
        data_key: bytes | None,
        now: datetime,
    ) -> None:
        if reason not in OPERATOR_REASONS:
            raise ValueError("reason")
        is_held = record.state is CertificateState.SUSPENDED
        since = record.changed_at if is_held and record.changed_at is not None else now
        _change(tx, record, CertificateState.REVOKED, reason=reason, at=since, now=now)
        self._record(
            tx,
            EventType.CERTIFICATE_REVOKED,
            record,
            data_key=data_key,
            now=now,
            facts={"reason": reason.value},
        )

    def _record(
        self,
        tx: Transaction,
        event_type: EventType,
        record: CertificateRecord,
        *,
        data_key: bytes | None,
        now: datetime,
        facts: dict[str, Fact] | None = None,
    ) -> None:
        event = certificate_event(event_type, record, facts=facts or {})
        self._log.record(tx, event, data_key=data_key, now=now)


def certificate_event(
    event_type: EventType, record: CertificateRecord, *, facts: Mapping[str, Fact]
) -> Event:
    """The log event about one certificate."""
    return Event(
        event_type,
        account_id=record.account_id,
        facts={"ca": record.ca_id, "serial": serial_fact(record.serial), **facts},
    )


def serial_fact(serial: int) -> str:
    """A serial number for the log: 32 hexadecimal digits at least.

    A short one of another authority would look like somebody's number, which the log refuses.
    """
    return f"{serial:032x}"


def find_locked(tx: Transaction, serial: int) -> CertificateRecord:
    """One certificate, held by this transaction.

    Raises  CertificateUnknown.
    """
    found = table.find_certificate(tx.connection, serial=serial, is_locked=True)
    if found is None:
        raise CertificateUnknown
    return found


def _of_account(
    tx: Transaction, account_id: str, *, states: frozenset[CertificateState], now: datetime
) -> list[CertificateRecord]:
    found = table.find_of_account(tx.connection, account_id, is_locked=True)
    return [record for record in found if record.state in states and now <= record.not_after]


def _check_state(
    record: CertificateRecord, *, allowed: frozenset[CertificateState], now: datetime
) -> None:
    if record.state not in allowed:
        raise CertificateStateRefused(serial=record.serial, state=record.state)
    if now > record.not_after:
        raise CertificateStateRefused(serial=record.serial, state="expired")


def _change(
    tx: Transaction,
    record: CertificateRecord,
    state: CertificateState,
    *,
    reason: RevocationReason | None,
    at: datetime,
    now: datetime,
) -> None:
    table.change_state(
        tx.connection,
        ca_id=record.ca_id,
        serial=record.serial,
        state=state,
        reason=reason,
        at=at,
        now=now,
    )
