"""The second-factor verifier, put together from the settings.

What lives here: from settings to a `RoomServer` inside of a verifier's process.  No other process
may import this file: it reads the root keys of authenticator secrets and the key of statements.
Not here: anything that the verifier decides (`keystore/second_factor`), asking it
(`idp/verifier_client.py`).
"""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import msgspec

from idp import strongrooms
from idp.logs import configure_logging
from idp.settings import Settings
from idp.storage.database import Database
from idp.verifier_registers import DatabaseRegisters
from keystore.kek import KekRing, load_kek_ring
from keystore.key_handle import SigningKey
from keystore.second_factor.answering import Answering
from keystore.second_factor.memory import VerifierMemory
from keystore.second_factor.statement_key import open_statement_key
from keystore.second_factor.verifier import SecondFactorVerifier
from keystore.second_factor.wire import decode_request
from keystore.strongroom.server import RoomServer

_DATABASE_CONNECTIONS = 8


def make_verifier_server(settings: Settings, listener: socket.socket) -> RoomServer:
    """The server of one verifier process.

    Raises  KekInvalid; MemoryUnusable; SettingsInvalid when others can reach into the folder.
    """
    configure_logging(settings.log_level)
    database = Database(
        verifier_settings(settings).effective_database_url, pool_size=_DATABASE_CONNECTIONS
    )
    ring = open_verifier_ring(settings)
    verifier = SecondFactorVerifier(
        ring=ring,
        memory=open_memory(settings),
        key=open_own_statement_key(settings, ring=ring),
        registers=DatabaseRegisters(database),
        issuer=settings.issuer,
        signer=settings.issuer,
        confirms_at_once=settings.verifier_confirms_at_once,
    )
    return RoomServer(
        listener,
        name="verifier",
        gate=strongrooms.make_gate(settings, whose="verifier"),
        decode_request=decode_request,
        answering=Answering(verifier, time=_utc_now),
        connections=settings.verifier_connections,
    )


def verifier_settings(settings: Settings) -> Settings:
    """The same settings with the verifier's own way to the database."""
    return msgspec.structs.replace(
        settings, database_url=settings.verifier_database_url or settings.database_url
    )


def open_verifier_ring(settings: Settings) -> KekRing:
    """The root keys of authenticator secrets.

    Raises  KekInvalid.
    """
    return load_kek_ring(file=settings.effective_verifier_kek_file)


def open_own_statement_key(settings: Settings, *, ring: KekRing) -> SigningKey:
    """The key of the statements, made if there is none yet.

    Raises  KekInvalid; SettingsInvalid when others can reach into the folder.
    """
    return open_statement_key(strongrooms.private_folder(settings, whose="verifier"), ring=ring)


def open_memory(settings: Settings) -> VerifierMemory:
    """What the verifier remembers by itself.

    Raises  MemoryUnusable; SettingsInvalid.
    """
    return VerifierMemory(strongrooms.private_folder(settings, whose="verifier") / "memory.db")


def _utc_now() -> datetime:
    # not the one of `idp/services.py`: a process that opens secrets imports no provider
    return datetime.now(UTC)
