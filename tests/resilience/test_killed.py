"""kill -9 in the middle: what was answered holds, what was owed is done.

What lives here: one of two servers killed under 500 sign-ins; the worker of deferred work killed
under 120 back-channel logouts.  PostgreSQL and Redis, two server processes, one address.
Source: architecture §3, "Workers are stateless".  Not here: stores that go away
(`tests/idp/storage`).
"""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import func, select, update

from idp.storage.outbox import outbox
from keystore.clock import to_ms
from tests.support.deployment import Deployment, open_deployment
from tests.support.many_people import PASSWORD, Tally, invent, sign_in
from tests.support.pii_alarm import PiiAlarm
from tests.support.quick_browser import QuickBrowser
from tests.support.quiet_server import QuietServer
from tests.support.servers import RedisServer, wait_until

SIGN_INS = 500
KILLED_AFTER = 200
LOGOUTS = 120
BEFORE_THE_KILL = LOGOUTS // 6
AT_ONCE = 8


class Receiver:
    """A portal's address for back-channel logouts.

    Until `goes_on` is set only so many are answered: a kill falls into deliveries under way.
    """

    def __init__(self) -> None:
        self.sids: list[str] = []
        self.goes_on = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                token = parse_qs(self.rfile.read(length).decode())["logout_token"][0]
                if len(receiver.sids) >= BEFORE_THE_KILL:
                    receiver.goes_on.wait(300)
                payload = token.split(".")[1]
                claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
                receiver.sids.append(claims["sid"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.goes_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver():
    opened = Receiver()
    yield opened
    opened.close()


@pytest.fixture
def deployment(
    tmp_path, postgresql_server, own_redis: RedisServer, receiver: Receiver, pii_alarm: PiiAlarm
):
    pii_alarm.seed(PASSWORD, kind="the password")
    with open_deployment(
        tmp_path, postgresql=postgresql_server, redis=own_redis, receiver=receiver.url
    ) as opened:
        yield opened
        pii_alarm.watch(opened.logs(), "log of the processes")


def test_server_killed_under_five_hundred_sign_ins_loses_none_that_was_answered(deployment):
    people = invent(deployment, SIGN_INS)
    first, _ = deployment.serve(2)
    tally = Tally()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        running = [threads.submit(sign_in, one, deployment, tally) for one in people]
        wait_until(lambda: len(tally.signed_in) >= KILLED_AFTER, what="sign-ins", timeout_s=300)
        first.kill()
        for one in running:
            one.result()  # anything but a cut connection is raised here
    assert len(tally.signed_in) == SIGN_INS
    # what was under way at that moment, and once more what met the dying process
    assert tally.cuts <= 2 * AT_ONCE

    def is_honoured(entry: tuple[QuickBrowser, dict[str, Any]]) -> bool:
        browser, tokens = entry
        fields = browser.sign_in(deployment.client(), prompt="none")
        return "code" in fields and browser.userinfo(tokens["access_token"]).status == 200

    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert all(threads.map(is_honoured, tally.signed_in))


def waiting(deployment: Deployment) -> int:
    """Logouts that are owed."""
    query = select(func.count()).select_from(outbox).where(outbox.c.state == "waiting")
    with deployment.services.database.read() as connection:
        return int(connection.execute(query).scalar_one())


def test_worker_killed_under_logouts_leaves_none_out(deployment, receiver):
    """OpenID Connect Back-Channel Logout 1.0 §2.5; at least once, whoever dies."""
    people = invent(deployment, LOGOUTS)
    deployment.serve(2)
    worker = deployment.work()
    tally = Tally()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(lambda one: sign_in(one, deployment, tally), people))
        signed_out = [threads.submit(browser.sign_out) for browser, _ in tally.signed_in]
        wait_until(lambda: len(receiver.sids) >= BEFORE_THE_KILL, what="the first logouts")
        worker.kill()
        receiver.goes_on.set()
        for one in signed_out:
            one.result()
    expected = {sid_of(tokens) for _, tokens in tally.signed_in}
    assert len(expected) == LOGOUTS
    assert not expected <= set(receiver.sids), "the kill came too late to show anything"
    assert waiting(deployment) > 0

    # what the dead worker had taken comes free when its lease of a minute is over: made over now
    now = deployment.services.time()
    with deployment.services.database.transaction() as tx:
        tx.connection.execute(
            update(outbox).where(outbox.c.state == "waiting").values(due_ms=to_ms(now))
        )
    deployment.work()
    wait_until(lambda: expected <= set(receiver.sids), what="every logout", timeout_s=300)
    wait_until(lambda: waiting(deployment) == 0, what="the outbox to be empty")


def sid_of(tokens: dict[str, Any]) -> str:
    """The `sid` of an ID token, not verified."""
    payload = tokens["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["sid"])
