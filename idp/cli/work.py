"""`antin work`: deferred work, and what has to be done again and again.

What lives here: starting the worker process and keeping it alive; what it does is `idp/duties.py`.
"""

from __future__ import annotations

import importlib
import signal
from functools import partial
from typing import TYPE_CHECKING

import click

from idp.cli.context import check_server_settings, drop_own_variables, read_settings
from idp.cli.descriptors import raise_descriptor_limit
from idp.cli.operations import operators_listener
from idp.logs import configure_logging
from idp.settings import Settings

if TYPE_CHECKING:
    from idp.work.worker import Worker


def make_worker(settings: Settings, is_sandbox: bool) -> Worker:  # noqa: FBT001 - called through `partial`
    """The worker of one process."""
    from idp.duties import make_duties, make_handlers, make_record_given_up
    from idp.metrics import Metrics
    from idp.services import build_services
    from idp.work.counting import count_duties, count_handlers
    from idp.work.worker import Worker

    configure_logging(settings.log_level)
    services = build_services(settings, is_sandbox=is_sandbox)
    gateways = None
    if is_sandbox:  # found by name, as its commands are: the production image lacks it
        gateways = importlib.import_module("idp.sandbox.outbox").make_gateways(settings.var)
    metrics = Metrics() if settings.work_metrics_port else None
    handlers = make_handlers(
        services,
        gateways=gateways,
        count_sent=None if metrics is None else metrics.message_tried,
    )
    duties = make_duties(services)
    if metrics is not None:
        handlers = count_handlers(handlers, metrics=metrics)
        duties = count_duties(duties, metrics=metrics)
    return Worker(
        services.database,
        clock=services.clock,
        marks=services.ephemeral,
        handlers=handlers,
        duties=duties,
        time=services.time,
        record_given_up=make_record_given_up(services),
    )


@click.command()
def work() -> None:
    """Do deferred work until told to stop."""
    from idp.delivery_services import check_gateway_secrets
    from idp.work.process import Supervisor

    settings = read_settings()
    check_gateway_secrets(settings)
    is_sandbox = check_server_settings(settings)
    raise_descriptor_limit()  # what is started from here on inherits it
    drop_own_variables()
    configure_logging(settings.log_level)
    supervisor = Supervisor(partial(make_worker, settings, is_sandbox))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    with operators_listener(
        settings, command="work", port=settings.work_metrics_port, setting="ANTIN_WORK_METRICS_PORT"
    ):
        supervisor.watch()
