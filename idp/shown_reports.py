"""Reports that somebody may still download: the report alone, never the file.

What lives here: `ShownReports`, sealed in the ephemeral store under a random id for a quarter of an
hour.  Whoever made a report can fetch it in every form without uploading the file again.
Not here: reports that an agency asked to be kept (`signing/validation/kept`).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from idp.storage.ephemeral import EphemeralStore
from keystore.purposes import SealPurpose
from keystore.sealing import Sealer
from signing.validation.kept import pack, unpack
from signing.validation.model import DocumentReport

LIFETIME: Final = timedelta(minutes=15)
_ID: Final = re.compile(r"vr_[0-9a-f]{32}\Z")
_MOST_BYTES: Final = 4 << 20
"""Packed; a report of thousands of signatures is shown and not kept."""


@dataclass(frozen=True, slots=True)
class ShownReports:
    """Safe to share between threads."""

    store: EphemeralStore
    sealer: Sealer

    def keep(self, report: DocumentReport, *, now: datetime) -> str | None:
        """Its id for a quarter of an hour; None for one that is too large.

        Raises  StorageUnavailable.
        """
        packed = pack(report)
        if len(packed) > _MOST_BYTES:
            return None
        report_id = f"vr_{secrets.token_hex(16)}"
        sealed = self.sealer.seal(SealPurpose.DOCUMENT, packed, context=_context(report_id))
        self.store.put(_key(report_id), sealed, lifetime=LIFETIME, now=now)
        return report_id

    def find(self, report_id: str, *, now: datetime) -> DocumentReport | None:
        """The report; None once its time is over.

        Raises  StorageUnavailable.
        """
        if _ID.match(report_id) is None:
            return None
        sealed = self.store.get(_key(report_id), now=now)
        if sealed is None:
            return None
        packed = self.sealer.unseal(SealPurpose.DOCUMENT, sealed, context=_context(report_id))
        return unpack(packed)


def _key(report_id: str) -> str:
    return f"report:{report_id}"


def _context(report_id: str) -> str:
    return f"shown_report:{report_id}"
