"""Mandates where nobody is signed in anywhere: ending one, and the services of a command.

What lives here: `end_mandate`, `mandates_over`.  Not here: what else ends with a mandate
(`idp/mandate_ending.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from clients.registry.registry import Registry
from idp.accounts import mandates
from idp.accounts.mandates import EndReason
from idp.accounts.model import Mandate
from idp.accounts.people import People
from idp.mandate_services import MandateServices, build_mandates
from idp.oauth.grant_state import GrantStates
from idp.oauth.revocation import Revocations
from idp.registers.absent import NoBusinessRegister
from idp.settings import Settings
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.work.outbox import Outbox
from keystore.log.record import LogWriter
from keystore.sealing import Sealer


def end_mandate(database: Database, mandate: Mandate, *, log: LogWriter, now: datetime) -> bool:
    """The row and its entry in the log; False when somebody else had ended it."""
    with database.transaction() as tx:
        return mandates.end_mandate(tx, mandate, why=EndReason.OPERATOR, log=log, now=now)


def mandates_over(
    database: Database, store: EphemeralStore, sealer: Sealer, log: LogWriter, *, folder: Path
) -> MandateServices:
    """What commands have for mandates, over these stores."""
    registry = Registry(database)
    states = GrantStates(
        database,
        ephemeral=store,
        sealer=sealer,
        people=People(database, sealer=sealer),
        clients=registry,
        lifetime=timedelta(),
    )
    return build_mandates(
        Settings(var=folder),
        database=database,
        ephemeral=store,
        sealer=sealer,
        log=log,
        registry=registry,
        business=NoBusinessRegister(),
        people=People(database, sealer=sealer),
        outbox=Outbox(lambda _ids: None),
        revocations=Revocations(database, states=states, log=log),
        states=None,
    )
