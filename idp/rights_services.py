"""What people may ask about their data, built once from what the process holds.

What lives here: `RightsServices` and the function that builds it.
Source: Law 91/2025/QH15 Art. 4; NĐ 356/2025/NĐ-CP Art. 5.
"""

from __future__ import annotations

from dataclasses import dataclass

from idp.accounts.data_requests import DataRequests, Revoke
from idp.accounts.notices import Notices
from idp.own_export import OwnExport
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsServices:
    """Safe to share between threads."""

    export: OwnExport
    requests: DataRequests


def build_rights(
    database: Database,
    ephemeral: EphemeralStore,
    sealer: Sealer,
    log: LogWriter,
    *,
    notices: Notices,
    revoke: Revoke,
) -> RightsServices:
    """Build it all."""
    return RightsServices(
        export=OwnExport(database, ephemeral, sealer, log, notices),
        requests=DataRequests(database, sealer, log, notices, revoke),
    )
