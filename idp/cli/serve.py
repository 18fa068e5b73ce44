"""`antin serve`: the web workers, under Granian.

What lives here: one application per worker process, built there; the server's own settings.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import click

from idp.cli.context import open_database, read_settings
from idp.settings import Settings


def make_application(settings: Settings) -> Any:
    """The WSGI application of one worker process."""
    from idp.app import create_app
    from idp.services import build_services
    from idp.storage.deployment import find_stamp
    from idp.web.front import Front

    database = open_database(settings)
    services = build_services(settings, database=database, is_sandbox=find_stamp(database) is True)
    return Front(create_app(services), services=services)


@click.command()
def serve() -> None:
    """Serve the provider on ANTIN_HOST:ANTIN_PORT."""
    from granian import Granian
    from granian.constants import Interfaces

    settings = read_settings()
    open_database(settings).close()
    os.environ.pop("ANTIN_KEK", None)
    server = Granian(
        "idp.cli.serve:make_application",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        ssl_cert=settings.tls_certificate,
        ssl_key=settings.tls_key,
        workers_kill_timeout=10,
        respawn_failed_workers=True,
        log_access=False,
    )
    server.serve(target_loader=partial(make_application, settings), wrap_loader=False)
