"""Revoked and suspended certificates stay so: the list that no backup of the database holds.

What lives here: `EndedCertificates`, a file beside the list of destroyed keys with a line for each
change of state.  Where the database is lost together with what was revoked since the last backup,
`antin restore` ends these certificates again: whoever was told that one is revoked must not be told
otherwise.  A line has what a revocation list has, and the profile; the end is a day, so that it
leads to no row of the log of somebody who was erased.

**Order.** A line is on the disk before the transaction of a revocation commits, and after that of a
lifted suspension: killed in between, a certificate that nobody should rely on is not relied on.
A list that cannot be written stops no revocation: it is said in a line for the operator.
Source: RFC 5280 §5.3.1 (only what is on hold comes back).
Not here: bringing it into a database (`keystore/pki/carrying_over.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from keystore.clock import from_ms, to_ms
from keystore.errors import DestructionListBroken
from keystore.listed_lines import Listed, ListedLines
from keystore.pki.model import CertificateRecord, CertificateState, RevocationReason
from keystore.sealing import Sealer

_SAID: Final = (
    rb"(?:good|suspended|revoked):[A-Za-z0-9._-]{1,64}:[0-9a-f]{1,40}:[A-Za-z]{0,32}:"
    rb"[0-9]{1,14}:[0-9]{1,14}:[0-9]{1,5}:[a-z_]{1,32}"
)
"""State, authority, serial number, reason, since when, until when, partition, profile."""
_DAY: Final = timedelta(days=1)

_log = structlog.get_logger("antin.certificates")


class EndedCertificates:
    """The list in one file; safe for any number of threads and processes of one host.

    Takes   file: is made with its first line; its folder exists.
    """

    def __init__(self, file: Path, *, sealer: Sealer) -> None:
        self._file = file
        self._lines = ListedLines(file, sealer=sealer, said=_SAID)

    def add(
        self,
        record: CertificateRecord,
        *,
        state: CertificateState,
        reason: RevocationReason | None,
        since: datetime,
        now: datetime,
    ) -> None:
        """Write that a certificate is in another state; where that is not possible, say so."""
        end = (record.not_after + _DAY).replace(hour=0, minute=0, second=0, microsecond=0)
        said = ":".join(
            (
                state.value,
                record.ca_id,
                f"{record.serial:x}",
                "" if reason is None else reason.value,
                str(to_ms(since)),
                str(to_ms(end)),
                str(record.shard),
                record.profile,
            )
        )
        try:
            self._lines.add(said.encode(), now=now)
        except (OSError, DestructionListBroken) as failure:
            _log.error(
                "ended_certificate_not_listed",
                file=str(self._file),
                ca=record.ca_id,
                reason=type(failure).__name__,
            )

    def read(self) -> tuple[CertificateRecord, ...]:
        """What is revoked or suspended by the list, as far as it says.

        Raises  DestructionListBroken (carries the number of the line).
        """
        return _in_force(self._lines.read())

    def read_unverified(self) -> tuple[CertificateRecord, ...]:
        """The same from lines as they stand, **not** verified."""
        return _in_force(self._lines.read_unverified())

    def begin_anew(self, *, now: datetime) -> Path | None:
        """Keep a list that was changed under another name, and its lines in a new one."""
        return self._lines.begin_anew(self._lines.read_unverified(), now=now)


def _in_force(lines: Iterable[Listed]) -> tuple[CertificateRecord, ...]:
    """The last word on each certificate; one that was revoked stays so, whatever comes later."""
    found: dict[tuple[str, int], CertificateRecord] = {}
    for line in lines:
        try:
            record = _record(line.said.decode())
        except ValueError:  # of a newer version, or spoiled in a list that is followed all the same
            continue
        name = (record.ca_id, record.serial)
        before = found.get(name)
        if before is None or before.state is not CertificateState.REVOKED:
            found[name] = record
    return tuple(one for one in found.values() if one.state is not CertificateState.GOOD)


def _record(said: str) -> CertificateRecord:
    """A certificate of which nothing is known but what a line says."""
    state, ca_id, serial, reason, since_ms, end_ms, shard, profile = said.split(":")
    since = from_ms(int(since_ms))
    record = CertificateRecord(
        ca_id=ca_id,
        serial=int(serial, 16),
        profile=profile,
        account_id=None,
        kid=None,
        spki_sha256=bytes(32),
        issued_at=since,
        not_before=since,
        not_after=from_ms(int(end_ms)),
        state=CertificateState(state),
        reason=None,
        changed_at=since,
        shard=int(shard),
        replaces=None,
        der=None,
        der_sealed=None,
    )
    return replace(record, reason=RevocationReason(reason)) if reason else record
