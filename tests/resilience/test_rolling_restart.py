"""One server after another replaced under load: nobody is cut off, nobody signs in twice.

What lives here: the stop that `antin serve` promises a balancer: `/readyz` answers 503 for a grace
period, then connections close and running requests finish.  Source: architecture §1, J7 (upgrades
without downtime).  Not here: a server that is killed (`test_killed.py`).
"""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle

from tests.support.deployment import Deployment, Killable, open_deployment
from tests.support.many_people import PASSWORD, Tally, invent, sign_in
from tests.support.quick_browser import Cut, QuickBrowser
from tests.support.servers import wait_until

PEOPLE = 40
"""They sign in again and again, each time in another browser, for as long as it takes."""
AT_ONCE = 3


def is_draining(server: Killable) -> bool:
    """What a balancer sees when it asks."""
    try:
        return QuickBrowser(server.port).request("GET", "/readyz").status == 503
    except Cut:
        return True


def replace(deployment: Deployment, old: Killable) -> None:
    """As an operator does: the new one up, the old one told to stop, the balancer takes note."""
    deployment.serve(1)
    old.process.send_signal(signal.SIGTERM)
    wait_until(partial(is_draining, old), what="/readyz to say that it stops")
    deployment.address.ports = tuple(port for port in deployment.address.ports if port != old.port)
    assert old.process.wait(timeout=120) == 0


def test_two_servers_are_replaced_and_nobody_notices(
    tmp_path, postgresql_server, own_redis, pii_alarm
):
    pii_alarm.seed(PASSWORD, kind="the password")
    with open_deployment(
        tmp_path,
        postgresql=postgresql_server,
        redis=own_redis,
        receiver="http://127.0.0.1:1",
        settings={"ANTIN_DRAIN_S": "1"},
    ) as deployment:
        people = cycle(invent(deployment, PEOPLE))
        servers = deployment.serve(2)
        tally, is_over = Tally(), threading.Event()

        def sign_people_in() -> None:
            while not is_over.is_set():
                sign_in(next(people), deployment, tally)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            running = [threads.submit(sign_people_in) for _ in range(AT_ONCE)]
            try:
                for old in servers:
                    before = len(tally.signed_in)
                    replace(deployment, old)
                    assert len(tally.signed_in) > before, "people signed in meanwhile"
            finally:
                is_over.set()
            for one in running:
                one.result()
        pii_alarm.watch(deployment.logs(), "log of the processes")
    assert tally.cuts == 0
    assert all(browser.passwords_given == 1 for browser, _ in tally.signed_in)
