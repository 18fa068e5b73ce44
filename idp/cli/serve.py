"""`antin serve`: the web workers, under Granian.

What lives here: what is checked before anything starts, the server's own settings, and one
application per worker process, built there.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import multiprocessing
import os
import signal
import ssl
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click
import structlog

from idp.cli.context import check_server_settings, drop_own_variables, read_settings
from idp.cli.descriptors import raise_descriptor_limit
from idp.cli.operations import operators_listener
from idp.cli.server import DrainingServer, Flag, refuse_taken_port
from idp.errors import SettingsInvalid, StorageUnavailable
from idp.logs import configure_logging
from idp.settings import Settings

if TYPE_CHECKING:
    from idp.services import Services
    from idp.storage.ephemeral import EphemeralStore

_NOT_OURS: Final = ("HTTP_", "CONTENT_", "REQUEST_", "SERVER_", "REMOTE_", "GATEWAY_", "wsgi.")
_ALSO_NOT_OURS: Final = frozenset({"PATH_INFO", "QUERY_STRING", "SCRIPT_NAME"})
_RETRY_S: Final = 1.0
_CIRCLES: Final = 10_000
"""Objects more than before, until those that refer to each other alone are looked for."""

_log = structlog.get_logger("antin.serve")


def make_application(settings: Settings, is_sandbox: bool, draining: Flag) -> Any:  # noqa: FBT001 - called through `partial`
    """The WSGI application of one worker process."""
    from idp.app import create_app
    from idp.metrics import Metrics
    from idp.web.endpoints import ByteEndpoints
    from idp.web.front import Front, make_health
    from idp.web.request_facts import current_request_id

    configure_logging(settings.log_level, request_id=current_request_id)
    drop_what_looks_like_a_request()
    end_with_parent()
    services = _build_patiently(settings, is_sandbox=is_sandbox)
    _tell_weaknesses(services.ephemeral)
    if settings.tsa_enabled:
        from idp.timestamps import start_watch

        start_watch(settings, database=services.database, log=services.log)
    home, more_pages = None, {}
    if is_sandbox:  # found by name, as its commands are: the production image lacks it
        sandbox = importlib.import_module("idp.sandbox.home")
        home = partial(sandbox.sandbox_page, settings.var / "sandbox.json")
        outbox = importlib.import_module("idp.sandbox.outbox")
        more_pages["/sandbox/outbox"] = partial(outbox.outbox_page, settings.var)
    front = Front(
        create_app(services, home=home, more_pages=more_pages),
        services=services,
        metrics=Metrics() if settings.metrics_port else None,
        health=make_health(services, is_draining=lambda: draining.value),
        endpoints=ByteEndpoints(services.trust.endpoints),
    )
    spare_what_stays()
    return front


def _build_patiently(settings: Settings, *, is_sandbox: bool) -> Services:
    """Wait for the database: a worker that dies at its start takes the whole server with it."""
    from idp.services import build_services

    while True:
        try:
            return build_services(settings, is_sandbox=is_sandbox)
        except StorageUnavailable as failure:
            _log.warning("worker_waits", reason=type(failure.__cause__).__name__)
            time.sleep(_RETRY_S)


def _tell_weaknesses(store: EphemeralStore) -> None:
    """What about the server's own configuration makes marks and counts unsafe."""
    from idp.storage.ephemeral_redis import RedisEphemeralStore

    if isinstance(store, RedisEphemeralStore):
        with suppress(StorageUnavailable):
            for weakness in store.find_weaknesses():
                _log.error("ephemeral_store_unsafe", weakness=weakness)


def drop_what_looks_like_a_request() -> None:
    """The server merges the environment into every request, where such names mean something."""
    for name in list(os.environ):
        if name.startswith(_NOT_OURS) or name in _ALSO_NOT_OURS:
            del os.environ[name]


def spare_what_stays() -> None:
    """The search for garbage need not go through what was there before the first request.

    It takes a tenth of a worker's time otherwise; what requests leave goes with them, but for
    circles, which are few.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_CIRCLES, 10, 10)


def end_with_parent() -> None:
    """A worker whose parent was killed would go on holding the port, and nobody could stop it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="antin-parent", daemon=True).start()


@click.command()
def serve() -> None:
    """Serve the provider on ANTIN_HOST:ANTIN_PORT."""
    settings = read_settings()
    is_sandbox = check_server_settings(settings)
    raise_descriptor_limit()  # what is started from here on inherits it
    refuse_taken_port(settings.host, port=settings.port)
    drop_own_variables()
    # each worker a fresh process: nothing is inherited, no lock is held by a thread that is gone
    multiprocessing.set_start_method("spawn", force=True)
    draining: Flag = multiprocessing.get_context("spawn").RawValue(ctypes.c_bool, False)  # noqa: FBT003 - its first value
    server = make_server(settings, draining=draining)
    walls = _find_walls(settings, is_sandbox=is_sandbox)
    configure_logging(settings.log_level)
    _tell_walls(walls)
    with operators_listener(
        settings,
        command="serve",
        port=settings.metrics_port,
        setting="ANTIN_METRICS_PORT",
        is_draining=lambda: draining.value,
    ):
        server.serve(
            target_loader=partial(make_application, settings, is_sandbox, draining),
            wrap_loader=False,
        )


def _find_walls(settings: Settings, *, is_sandbox: bool) -> tuple[str, ...]:
    """The walls around whoever reads documents; none where documents cannot be read in safety.

    Raises  SettingsInvalid then, where documents are signed: nobody is served.  Who signs in needs
            no walls, and checking a document says that it cannot be done.
    """
    from idp.pki import pki_deployment
    from idp.walls import check_walls

    try:
        return check_walls(settings)
    except SettingsInvalid:
        if pki_deployment(settings, is_sandbox=is_sandbox) is not None:
            raise
        return ()


def _tell_walls(walls: tuple[str, ...]) -> None:
    from idp.walls import tell_walls

    tell_walls(walls)


def make_server(settings: Settings, *, draining: Flag) -> DrainingServer:
    """The server.  Raises SettingsInvalid when certificate and key cannot be used."""
    from granian.constants import Interfaces, SSLProtocols

    try:
        return DrainingServer(
            "idp.cli.serve:make_application",
            draining=draining,
            drain_s=settings.drain_s,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.WSGI,
            websockets=False,
            workers=settings.workers,
            blocking_threads=settings.threads,
            ssl_cert=settings.tls_certificate,
            ssl_key=settings.tls_key,
            ssl_protocol_min=SSLProtocols(f"tls{settings.tls_minimum}"),
            workers_kill_timeout=settings.finish_s,
            respawn_failed_workers=True,
            log_access=False,
            log_dictconfig={
                "handlers": {},
                "formatters": {},
                "loggers": {"_granian": {"propagate": True}},
            },
        )
    except (OSError, ssl.SSLError) as problem:
        raise SettingsInvalid(
            "ANTIN_TLS_CERTIFICATE", reason="certificate and key cannot be read, or do not match"
        ) from problem
