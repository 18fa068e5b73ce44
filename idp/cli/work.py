"""`antin work`: deferred work, and what has to be done again and again.

What lives here: which handler fulfils which kind of duty, and the periodic duties with their pace.
"""

from __future__ import annotations

import signal
from datetime import timedelta
from functools import partial

import click

from idp.cli.context import open_database, read_settings
from idp.oauth.backchannel_logout import BackchannelLogout, LogoutTokens
from idp.services import build_services
from idp.sessions import BACKCHANNEL_LOGOUT
from idp.settings import Settings
from idp.storage.deployment import find_stamp
from idp.storage.purge import find_rules, purge_batch
from idp.storage.schema import all_metadata
from idp.work.model import Duty
from idp.work.process import Supervisor
from idp.work.worker import Worker

_PURGED_AT_ONCE = 2000


def make_worker(settings: Settings) -> Worker:
    """The worker of one process."""
    database = open_database(settings)
    services = build_services(settings, database=database, is_sandbox=find_stamp(database) is True)
    rules = find_rules(*all_metadata())
    tokens = LogoutTokens(services.keyring, issuer=settings.issuer)
    return Worker(
        database,
        clock=services.clock,
        marks=services.ephemeral,
        handlers={BACKCHANNEL_LOGOUT: BackchannelLogout(tokens, egress=services.egress)},
        duties=(
            Duty(
                "purge",
                timedelta(seconds=30),
                lambda now: purge_batch(database, rules=rules, now=now, limit=_PURGED_AT_ONCE),
            ),
            Duty(
                "purge_ephemeral",
                timedelta(seconds=30),
                lambda now: services.ephemeral.purge(now=now, limit=_PURGED_AT_ONCE),
            ),
            Duty(
                "end_expired_sessions",
                timedelta(seconds=10),
                lambda now: services.sessions.end_expired(now=now),
            ),
            Duty("rotate_keys", timedelta(hours=1), services.keyring.rotate_due),
            Duty("destroy_keys", timedelta(hours=1), services.keyring.destroy_retired),
        ),
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
