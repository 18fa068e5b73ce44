"""A worker process for the tests: its one handler posts the payload's number to a local server."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from functools import partial

from idp.egress import Egress
from idp.storage.database import Database
from idp.storage.ephemeral_redis import RedisEphemeralStore
from idp.storage.ephemeral_sql import SqlEphemeralStore
from idp.work import Done, Job, Outcome, Retry, Supervisor, Worker, open_clock, run_worker


def make_worker(database: str, ephemeral: str, queue: str, receiver: str) -> Worker:
    """What `antin work` builds from its settings, with leases of two seconds."""
    egress = Egress(allow_insecure=True)

    def deliver(job: Job, *, now: datetime) -> Outcome:
        del now
        form = {"n": str(job.payload["n"])}
        answer = egress.post_form(receiver, form, client_id="portal", timeout_s=30)
        return Done() if answer.status == 200 else Retry("refused")

    store = RedisEphemeralStore if ephemeral.startswith("redis") else SqlEphemeralStore
    return Worker(
        Database(database),
        clock=open_clock(queue),
        marks=store(ephemeral),
        handlers={"tell": deliver},
        time=lambda: datetime.now(UTC),
        lease=timedelta(seconds=2),
        threads=3,
    )


def _supervise(arguments: list[str]) -> None:
    supervisor = Supervisor(partial(make_worker, *arguments))
    supervisor.start()
    sys.stdout.write(f"{supervisor.pid}\n")
    sys.stdout.flush()
    supervisor.watch()


if __name__ == "__main__":
    if sys.argv[1] == "--supervised":
        _supervise(sys.argv[2:])
    else:
        run_worker(make_worker(*sys.argv[1:]))
