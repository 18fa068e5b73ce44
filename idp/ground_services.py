"""What everything in a process stands on: databases, keys, the log, the ways out of it.

What lives here: `Ground` and the function that builds it from the settings.
Not here: anything that somebody asks the service for.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime

from clients.registry.registry import Registry
from idp.egress import Egress
from idp.keks import open_service_ring
from idp.keyrings import Keyrings, open_keyrings
from idp.settings import Settings
from idp.storage.database import Database
from idp.storage.ephemeral import EphemeralStore
from idp.storage.ephemeral_redis import RedisEphemeralStore
from idp.storage.ephemeral_sql import SqlEphemeralStore
from idp.work.clock import Clock, open_clock
from idp.work.outbox import Outbox
from keystore.keyring import Keyring
from keystore.log.record import LogWriter
from keystore.purposes import TOKENS
from keystore.sealing import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """All of it is safe to share between threads."""

    database: Database
    ephemeral: EphemeralStore
    sealer: Sealer
    log: LogWriter
    keyrings: Keyrings
    keyring: Keyring
    registry: Registry
    egress: Egress
    clock: Clock
    outbox: Outbox


def open_ephemeral(settings: Settings) -> EphemeralStore:
    """The ephemeral store that the settings name."""
    url = settings.effective_ephemeral_url
    if url.startswith(("redis://", "rediss://", "unix://")):
        return RedisEphemeralStore(url, pool_size=settings.threads)
    return SqlEphemeralStore(url, pool_size=settings.threads)


def build_ground(
    settings: Settings,
    *,
    database: Database | None,
    ephemeral: EphemeralStore | None,
    is_sandbox: bool,
    now: datetime,
) -> Ground:
    """Open what the settings name; the database has its tables already.

    Takes   database and ephemeral: open ones to use instead of those that the settings name.
    Raises  StorageUnavailable; KeystoreError when the KEK is missing or wrong.
    """
    database = database or Database(settings.effective_database_url, pool_size=settings.threads)
    ephemeral = ephemeral or open_ephemeral(settings)
    sealer = Sealer.open(database, kek=open_service_ring(settings), now=now)
    log = LogWriter(sealer, writer_id=f"{socket.gethostname()[:40]}-{os.getpid()}")
    keyrings = open_keyrings(settings, database=database, sealer=sealer, log=log)
    keyring = keyrings.of(TOKENS)
    keyring.ensure(now)
    clock = open_clock(settings.queue_url or f"sqlite:///{settings.var.absolute() / 'queue.db'}")
    return Ground(
        database=database,
        ephemeral=ephemeral,
        sealer=sealer,
        log=log,
        keyrings=keyrings,
        keyring=keyring,
        registry=Registry(database),
        egress=Egress(
            allow_private=settings.egress_private,
            allow_insecure=is_sandbox,
            ca_file=None if settings.egress_ca_file is None else str(settings.egress_ca_file),
        ),
        clock=clock,
        outbox=Outbox(clock.wake),
    )
