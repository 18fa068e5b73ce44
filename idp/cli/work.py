"""`antin work`: deferred work, and what has to be done again and again.

What lives here: starting the worker process and keeping it alive; what it does is `idp/duties.py`.
"""

from __future__ import annotations

import signal
from functools import partial

import click

from idp.cli.context import open_database, read_settings
from idp.duties import make_duties, make_handlers
from idp.services import build_services
from idp.settings import Settings
from idp.storage.deployment import find_stamp
from idp.work.process import Supervisor
from idp.work.worker import Worker


def make_worker(settings: Settings) -> Worker:
    """The worker of one process."""
    database = open_database(settings)
    services = build_services(settings, database=database, is_sandbox=find_stamp(database) is True)
    return Worker(
        database,
        clock=services.clock,
        marks=services.ephemeral,
        handlers=make_handlers(services),
        duties=make_duties(services),
        time=services.time,
    )


@click.command()
def work() -> None:
    """Do deferred work until told to stop."""
    settings = read_settings()
    open_database(settings).close()
    supervisor = Supervisor(partial(make_worker, settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    supervisor.watch()
