"""What becomes of a certificate: suspended, lifted, revoked.

What lives here: which state may follow which, each change with its log row in one transaction.
Status answers and revocation lists read what is written here; nothing has to be told.
Source: RFC 5280 §5.3.1 (reasons); Decree 23/2025/ND-CP (suspension, revocation).
Not here: who may ask for it (the caller), how it is published (OCSP, CRL).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog

from keystore.log.events import Event, EventType, Fact
from keystore.log.record import LogWriter
from keystore.pki.ended_certificates import EndedCertificates
from keystore.pki.errors import (
    CaRefused,
    CertificateAmbiguous,
    CertificateStateRefused,
    CertificateUnknown,
)
from keystore.pki.model import (
    HOLDER,
    OPERATOR_REASONS,
    CaKind,
    CertificateRecord,
    CertificateState,
    RevocationReason,
)
from keystore.pki.storage import certificates as table
from keystore.pki.storage.authorities import read_cas
from keystore.storage import DatabaseLike, Transaction

_IN_CERTIFICATE: Final = frozenset({"serial", "spki", "until", "replaces"})
_LIVE: Final = frozenset({CertificateState.GOOD, CertificateState.SUSPENDED})

_log = structlog.get_logger("antin.certificates")


class CertificateStates:
    """Changes the states of certificates.

    `data_key` is that of the person concerned, so that the log row is sealed to them; None where
    there is none, or it is not at hand.  `ca_id` names the authority where two gave one number.
    `listed`: where changes are listed apart from the database.
    A certificate of somebody else's authority keeps the state that this authority gives it: the
    acts on one certificate refuse it (CaRefused, external), those on an account pass it over.
    """

    def __init__(
        self,
        database: DatabaseLike,
        *,
        log: LogWriter,
        listed: EndedCertificates | None = None,
    ) -> None:
        self._database = database
        self._log = log
        self._listed = listed

    def recorded_by(self, log: LogWriter) -> CertificateStates:
        """The same, with every event written by `log`."""
        return CertificateStates(self._database, log=log, listed=self._listed)

    def suspend(
        self,
        serial: int,
        *,
        ca_id: str | None = None,
        now: datetime,
        data_key: bytes | None = None,
    ) -> None:
        """Put a good certificate on hold; `lift` takes it back.

        One that its holder had put on hold stays on hold, and not as hers any more.
        Raises  CertificateUnknown, CertificateAmbiguous, CaRefused, CertificateStateRefused.
        """
        with self._database.transaction() as tx:
            record = _get_own(tx, serial, ca_id=ca_id)
            allowed = _LIVE if record.held_by == HOLDER else frozenset({CertificateState.GOOD})
            _check_state(record, allowed=allowed, now=now)
            self._suspend(tx, record, data_key=data_key, now=now)

    def lift(
        self,
        serial: int,
        *,
        ca_id: str | None = None,
        now: datetime,
        data_key: bytes | None = None,
    ) -> None:
        """Make a suspended certificate good again.

        Raises  CertificateUnknown, CertificateAmbiguous, CaRefused, CertificateStateRefused.
        """
        with self._database.transaction() as tx:
            record = _get_own(tx, serial, ca_id=ca_id)
            _check_state(record, allowed=frozenset({CertificateState.SUSPENDED}), now=now)
            self._lift(tx, record, data_key=data_key, now=now)

    def revoke(
        self,
        serial: int,
        *,
        ca_id: str | None = None,
        reason: RevocationReason,
        now: datetime,
        data_key: bytes | None = None,
    ) -> None:
        """End a certificate for good.

        One that was suspended counts as revoked since it was suspended: what was signed meanwhile
        must not become valid by the revocation.
        Raises  CertificateUnknown, CertificateAmbiguous, CaRefused, CertificateStateRefused;
                ValueError for a reason that is none of `OPERATOR_REASONS`.
        """
        with self._database.transaction() as tx:
            record = _get_own(tx, serial, ca_id=ca_id)
            _check_state(record, allowed=_LIVE, now=now)
            self._revoke(tx, record, reason=reason, data_key=data_key, now=now)

    def suspend_all(
        self, tx: Transaction, account_id: str, *, now: datetime, data_key: bytes | None
    ) -> int:
        """Put every good certificate of an account that is ours on hold; returns how many.

        Those that their holder had put on hold count too: they are not hers to lift any more.
        Takes   tx: the transaction of the act that is the reason for it.
        """
        found = _of_account(tx, account_id, states=_LIVE, now=now)
        good = CertificateState.GOOD
        records = [one for one in found if one.state is good or one.held_by == HOLDER]
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
        kids: frozenset[str] | None = None,
    ) -> int:
        """End every certificate of an account that is ours; returns how many.

        Takes   tx: the transaction of the act that is the reason for it; kids: of these keys alone.
        """
        found = _of_account(tx, account_id, states=_LIVE, now=now)
        records = [one for one in found if kids is None or one.kid in kids]
        for record in records:
            self._revoke(tx, record, reason=reason, data_key=data_key, now=now)
        return len(records)

    def of_key(
        self, tx: Transaction, account_id: str, *, kid: str | None, now: datetime
    ) -> tuple[CertificateRecord, ...]:
        """The certificates of one key that have not ended, ours, held by this transaction."""
        found = _of_account(tx, account_id, states=_LIVE, now=now)
        return tuple(one for one in found if one.kid == kid)

    def change_by_holder(
        self,
        tx: Transaction,
        records: Sequence[CertificateRecord],
        *,
        to: CertificateState,
        reason: RevocationReason | None = None,
        by: Mapping[str, Fact],
        data_key: bytes | None,
        now: datetime,
    ) -> None:
        """Let a holder suspend, lift or revoke what `of_key` found, in the same transaction.

        Takes   to: good or suspended, or revoked with a `reason`; by: who it was, for the log.
        Raises  CertificateStateRefused: it is in that state, or somebody else put it on hold;
                ValueError for a reason that is none of `OPERATOR_REASONS`.
        """
        facts = {**by, "by": HOLDER}
        for record in records:
            is_held = record.state is CertificateState.SUSPENDED
            if to is CertificateState.REVOKED:
                why = reason or RevocationReason.UNSPECIFIED
                self._revoke(tx, record, reason=why, data_key=data_key, facts=facts, now=now)
            elif is_held == (to is CertificateState.SUSPENDED):
                raise CertificateStateRefused(serial=record.serial, state=record.state)
            elif to is CertificateState.SUSPENDED:
                self._suspend(tx, record, data_key=data_key, held_by=HOLDER, facts=facts, now=now)
            elif record.held_by != HOLDER:
                raise CertificateStateRefused(serial=record.serial, state=record.state)
            else:
                self._lift(tx, record, data_key=data_key, facts=facts, now=now)

    def _suspend(
        self,
        tx: Transaction,
        record: CertificateRecord,
        *,
        data_key: bytes | None,
        now: datetime,
        held_by: str | None = None,
        facts: Mapping[str, Fact] | None = None,
    ) -> None:
        hold = RevocationReason.CERTIFICATE_HOLD
        since = record.changed_at if record.state is CertificateState.SUSPENDED else None
        self._change(
            tx,
            record,
            CertificateState.SUSPENDED,
            reason=hold,
            at=since or now,
            held_by=held_by,
            now=now,
        )
        self._record(
            tx, EventType.CERTIFICATE_SUSPENDED, record, data_key=data_key, facts=facts, now=now
        )

    def _lift(
        self,
        tx: Transaction,
        record: CertificateRecord,
        *,
        data_key: bytes | None,
        now: datetime,
        facts: Mapping[str, Fact] | None = None,
    ) -> None:
        self._change(tx, record, CertificateState.GOOD, reason=None, at=now, now=now)
        self._record(
            tx, EventType.CERTIFICATE_LIFTED, record, data_key=data_key, facts=facts, now=now
        )

    def _revoke(
        self,
        tx: Transaction,
        record: CertificateRecord,
        *,
        reason: RevocationReason,
        data_key: bytes | None,
        now: datetime,
        facts: Mapping[str, Fact] | None = None,
    ) -> None:
        if reason not in OPERATOR_REASONS:
            raise ValueError("reason")
        is_held = record.state is CertificateState.SUSPENDED
        since = record.changed_at if is_held and record.changed_at is not None else now
        self._change(tx, record, CertificateState.REVOKED, reason=reason, at=since, now=now)
        self._record(
            tx,
            EventType.CERTIFICATE_REVOKED,
            record,
            data_key=data_key,
            now=now,
            facts={**(facts or {}), "reason": reason.value},
        )

    def _change(
        self,
        tx: Transaction,
        record: CertificateRecord,
        state: CertificateState,
        *,
        reason: RevocationReason | None,
        at: datetime,
        now: datetime,
        held_by: str | None = None,
    ) -> None:
        listed = self._listed
        if listed is not None and state is CertificateState.GOOD:
            tx.on_commit(lambda: listed.add(record, state=state, reason=None, since=at, now=now))
        elif listed is not None:
            listed.add(record, state=state, reason=reason, since=at, now=now)
        table.change_state(
            tx.connection,
            ca_id=record.ca_id,
            serial=record.serial,
            state=state,
            reason=reason,
            at=at,
            held_by=held_by,
            now=now,
        )

    def _record(
        self,
        tx: Transaction,
        event_type: EventType,
        record: CertificateRecord,
        *,
        data_key: bytes | None,
        now: datetime,
        facts: Mapping[str, Fact] | None = None,
    ) -> None:
        event = certificate_event(
            event_type, record, facts=facts or {}, is_sealed=data_key is not None
        )
        self._log.record(tx, event, data_key=data_key, now=now)


def certificate_event(
    event_type: EventType,
    record: CertificateRecord,
    *,
    facts: Mapping[str, Fact],
    is_sealed: bool = True,
) -> Event:
    """The log event about one certificate.

    What stands in the certificate itself is sealed beside an account: whoever has a document that
    somebody signed must not find that person's rows by it once the data key is destroyed.
    Takes   is_sealed: whether the row will be sealed under the data key of the record's account;
            one that is not is about a certificate alone, and names no account.
    """
    every = {"ca": record.ca_id, "serial": serial_fact(record.serial), **facts}
    if record.account_id is None or not is_sealed:
        return Event(event_type, facts=every)
    return Event(
        event_type,
        account_id=record.account_id,
        facts={name: fact for name, fact in every.items() if name not in _IN_CERTIFICATE},
        personal={name: fact for name, fact in every.items() if name in _IN_CERTIFICATE},
    )


def serial_fact(serial: int) -> str:
    """A serial number for the log: 32 hexadecimal digits at least.

    A short one of another authority would look like somebody's number, which the log refuses.
    """
    return f"{serial:032x}"


def get_certificate(
    found: Sequence[CertificateRecord],
) -> CertificateRecord:
    """The one certificate that was found by its number.

    Raises  CertificateUnknown, CertificateAmbiguous.
    """
    if not found:
        raise CertificateUnknown
    if len(found) > 1:
        raise CertificateAmbiguous(tuple(record.ca_id for record in found))
    return found[0]


def _get_own(tx: Transaction, serial: int, *, ca_id: str | None) -> CertificateRecord:
    """One certificate of an authority of ours, held by this transaction."""
    found = table.find_by_serial(tx.connection, serial, ca_id=ca_id, is_locked=True)
    record = get_certificate(found)
    if record.ca_id in _external_ids(tx):
        raise CaRefused(record.ca_id, reason="external")
    return record


def _external_ids(tx: Transaction) -> frozenset[str]:
    return frozenset(ca.ca_id for ca in read_cas(tx.connection) if ca.kind is CaKind.EXTERNAL)


def _of_account(
    tx: Transaction, account_id: str, *, states: frozenset[CertificateState], now: datetime
) -> list[CertificateRecord]:
    found = [
        record
        for record in table.find_of_account(tx.connection, account_id, is_locked=True)
        if record.state in states and now <= record.not_after
    ]
    foreign = _external_ids(tx) if found else frozenset()
    for ca_id in sorted({record.ca_id for record in found} & foreign):
        _log.warning("certificates_of_another_authority_stay", ca=ca_id)
    return [record for record in found if record.ca_id not in foreign]


def _check_state(
    record: CertificateRecord, *, allowed: frozenset[CertificateState], now: datetime
) -> None:
    if record.state not in allowed:
        raise CertificateStateRefused(serial=record.serial, state=record.state)
    if now > record.not_after:
        raise CertificateStateRefused(serial=record.serial, state="expired")
