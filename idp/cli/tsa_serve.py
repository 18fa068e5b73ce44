"""`antin tsa serve`: timestamps from a process, and if one likes a host, of their own.

What lives here: the server of `/tsa` and nothing else: no accounts, no sessions, no pages, so that
whatever happens to those leaves it alone, and it may have a database role, a root key, a clock and
a network of its own.  Everywhere else `/tsa` may then stay off (ANTIN_TSA_ENABLED).
Source: architecture, "Processes"; ETSI EN 319 421 §7.6 (the unit that signs is kept apart).
Not here: making its keys and certificates, which `antin work` does.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
from functools import partial
from typing import Any

import structlog

from idp.cli.context import check_server_settings, drop_own_variables, read_settings
from idp.cli.serve import drop_what_looks_like_a_request, end_with_parent, make_server
from idp.cli.server import Flag, refuse_taken_port
from idp.clock import utc_now
from idp.errors import SettingsInvalid
from idp.keks import open_service_ring
from idp.keyrings import open_keyrings
from idp.logs import configure_logging
from idp.pki import build_pki, pki_deployment
from idp.settings import Settings
from idp.storage.database import Database
from idp.timestamps import make_clock, make_tsa, start_watch, this_host
from idp.web.byte_front import ByteFront
from idp.web.endpoints import ByteEndpoints
from idp.web.health import Health
from idp.web.request_facts import current_request_id
from keystore.log.record import LogWriter
from keystore.sealing import Sealer

_log = structlog.get_logger("antin.tsa")


def run_server() -> None:
    """Serve until told to stop.

    Raises  SettingsInvalid.
    """
    settings = read_settings()
    is_sandbox = check_server_settings(settings)
    if not settings.tsa_enabled:
        raise SettingsInvalid("ANTIN_TSA_ENABLED", reason="must be true")
    if pki_deployment(settings, is_sandbox=is_sandbox) is None:
        raise SettingsInvalid("ANTIN_PKI_ORGANISATION", reason="must name who runs the authority")
    refuse_taken_port(settings.host, port=settings.port)
    drop_own_variables()
    multiprocessing.set_start_method("spawn", force=True)
    draining: Flag = multiprocessing.get_context("spawn").RawValue(ctypes.c_bool, False)  # noqa: FBT003 - its first value
    configure_logging(settings.log_level)
    make_server(settings, draining=draining).serve(
        target_loader=partial(make_application, settings, is_sandbox, draining),
        wrap_loader=False,
    )


def make_application(settings: Settings, is_sandbox: bool, draining: Flag) -> Any:  # noqa: FBT001 - called through `partial`
    """The WSGI application of one worker process."""
    configure_logging(settings.log_level, request_id=current_request_id)
    drop_what_looks_like_a_request()
    end_with_parent()
    deployment = pki_deployment(settings, is_sandbox=is_sandbox)
    assert deployment is not None  # noqa: S101 - looked at before anything started
    database = Database(settings.effective_database_url, pool_size=settings.threads)
    sealer = Sealer.open(database, kek=open_service_ring(settings), now=utc_now())
    log = LogWriter(sealer, writer_id=f"tsa-{this_host()[:36]}-{os.getpid()}")
    keyrings = open_keyrings(settings, database=database, sealer=sealer, log=log)
    pki = build_pki(deployment, keyrings=keyrings)
    clock = make_clock(settings, database=database, log=log, is_sandbox=is_sandbox)
    start_watch(settings, database=database, log=log)
    tsa = make_tsa(settings, clock=clock, signer=pki.timestamp_certificates.signer, report=_report)
    return ByteFront(
        ByteEndpoints({"tsa": tsa}),
        health=Health(
            {"database": database.is_up, "clock": clock.is_believed},
            is_draining=lambda: draining.value,
        ),
        time=utc_now,
    )


def _report(failure: Exception) -> None:
    _log.error("timestamp_failed", reason=type(failure).__name__, exc_info=failure)
