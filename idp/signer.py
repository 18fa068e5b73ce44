"""The signer, put together from the settings.

What lives here: from settings to a `RoomServer` inside of a signer's process.  No other process
may import this file: it reads the root keys of personal signing keys.
Not here: anything that the signer decides (`keystore/signer`), asking it (`idp/signer_client.py`).
"""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import msgspec

from idp import strongrooms
from idp.logs import configure_logging
from idp.personal_keys import open_personal_keys, open_personal_ring
from idp.settings import Settings
from idp.signer_folder import signer_folder
from idp.signer_log_key import LEDGER
from idp.storage.database import Database
from keystore.log.record import LogWriter
from keystore.signer.answering import Answering
from keystore.signer.desk import KeyDesk
from keystore.signer.log_sealing import RecipientSealer, open_log_key
from keystore.signer.service import Deployment, SigningService
from keystore.signer.spent import SpentLedger
from keystore.signer.statement_evidence import VerifierKeys
from keystore.signer.wire import decode_request
from keystore.strongroom.frames import Address
from keystore.strongroom.server import RoomServer

_DATABASE_CONNECTIONS = 8


def make_signer_server(settings: Settings, listener: socket.socket) -> RoomServer:
    """The server of one signer process.

    Raises  KekInvalid; LogKeyMissing; MemoryUnusable; SettingsInvalid (the folder).
    """
    configure_logging(settings.log_level)
    database = Database(
        signer_settings(settings).effective_database_url, pool_size=_DATABASE_CONNECTIONS
    )
    ring = open_personal_ring(settings)
    backend = open_personal_keys(settings, ring=ring)
    log = open_signer_log(settings)
    ledger = open_ledger(settings)
    deployment = make_deployment(settings)
    verifier = VerifierKeys(settings.signer_verifier_keys)
    service = SigningService(
        database,
        backend=backend,
        log=log,
        ledger=ledger,
        deployment=deployment,
        verifier=verifier,
    )
    desk = KeyDesk(
        database,
        backend=backend,
        ring=ring,
        log=log,
        ledger=ledger,
        deployment=deployment,
        verifier=verifier,
        needs_statement=settings.signer_needs_statement,
        destructions_per_hour=settings.signer_destructions_per_hour,
    )
    return RoomServer(
        listener,
        name="signer",
        gate=strongrooms.make_gate(settings, whose="signer"),
        decode_request=decode_request,
        answering=Answering(service=service, desk=desk, backend=backend, time=_utc_now),
        connections=settings.signer_connections,
    )


def open_signer_log(settings: Settings) -> LogWriter:
    """The log, as the signer writes it.

    Raises  LogKeyMissing; KekInvalid.
    """
    sealer = RecipientSealer(open_log_key(signer_folder(settings)))
    return LogWriter(sealer, writer_id=f"signer-{socket.gethostname()}")


def listening_address(settings: Settings) -> Address:
    """Where the signer listens."""
    return strongrooms.listening_address(settings, whose="signer")


def listening_group(settings: Settings) -> int | None:
    """The id of the group that may open the socket.

    Raises  SettingsInvalid when there is no such group.
    """
    return strongrooms.listening_group(settings, whose="signer")


def signer_settings(settings: Settings) -> Settings:
    """The same settings with the signer's own way to the database."""
    return msgspec.structs.replace(
        settings, database_url=settings.signer_database_url or settings.database_url
    )


def make_deployment(settings: Settings) -> Deployment:
    """For whom activations are made out, and where they may be confirmed."""
    origins = frozenset(settings.effective_signer_origins)
    return Deployment(audience=settings.issuer, origins={settings.effective_signer_rp_id: origins})


def open_ledger(settings: Settings) -> SpentLedger:
    """What the signer remembers by itself.

    Raises  MemoryUnusable; SettingsInvalid when others can reach into the folder.
    """
    return SpentLedger(signer_folder(settings) / LEDGER)


def _utc_now() -> datetime:
    # not the one of `idp/services.py`: a process that opens keys imports no provider
    return datetime.now(UTC)
