"""Real worker processes: killed in the middle, stopped politely, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from idp.storage.database import Database
from idp.storage.outbox import Backlog, find_backlog
from idp.work import Clock, Outbox, Supervisor, open_clock
from idp.work.process import pause_before_restart
from tests.idp.work.deliver import make_worker
from tests.support.servers import wait_until
from tests.support.stores import StoreUrls

ROOT = Path(__file__).parents[3]


class Receiver(ThreadingHTTPServer):
    """Counts what is posted; answers only while `is_open` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.is_open = threading.Event()
        self.begun: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def end(self) -> None:
        self.is_open.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A worker that was killed does not read its answer."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        number = parse_qs(body)["n"][0]
        self.server.begun[number] += 1
        self.server.is_open.wait(300)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answered[number] += 1

    def log_message(self, *arguments: object) -> None:
        """Silent."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.end()


class Scene:
    """A database, a queue and the workers on them."""

    def __init__(self, urls: StoreUrls, folder: Path, receiver: Receiver) -> None:
        queue = f"sqlite:///{folder / 'queue.db'}"
        if urls.ephemeral.startswith("redis"):
            queue = urls.ephemeral
        self.arguments = (urls.database, urls.ephemeral, queue, receiver.url)
        self.database = Database(urls.database)
        self.clock: Clock = open_clock(queue)
        self.processes: list[subprocess.Popen[bytes]] = []
        self._outbox = Outbox(self.clock.wake)

    def add(self, number: int) -> None:
        now = datetime.now(UTC)
        for n in range(number):
            with self.database.transaction() as tx:
                expires = now + timedelta(hours=1)
                self._outbox.add(tx, "tell", {"n": n}, now=now, expires=expires)

    def start(self) -> subprocess.Popen[bytes]:
        program = str(ROOT / "tests/idp/work/deliver.py")
        self.processes.append(
            subprocess.Popen(
                [sys.executable, program, *self.arguments],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                cwd=ROOT,
            )
        )
        return self.processes[-1]

    def backlog(self) -> Backlog:
        with self.database.read() as connection:
            return find_backlog(connection, now=datetime.now(UTC))

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.clock.close()
        self.database.close()


@pytest.fixture
def scene(store_urls: StoreUrls, tmp_path: Path, receiver: Receiver) -> Iterator[Scene]:
    made = Scene(store_urls, tmp_path, receiver)
    yield made
    made.end()


def test_a_worker_killed_in_the_middle_loses_nothing(scene: Scene, receiver: Receiver) -> None:
    """`kill -9` while three deliveries hang: another worker delivers all of them."""
    scene.add(30)
    first = scene.start()
    wait_until(lambda: len(receiver.begun) >= 3, what="deliveries under way")
    first.send_signal(signal.SIGKILL)
    first.wait()
    held = set(receiver.begun)
    receiver.is_open.set()
    scene.start()
    wait_until(lambda: scene.backlog().waiting == 0, what="everything delivered", timeout_s=300)
    assert scene.backlog().failed == 0
    assert set(receiver.begun) == {str(n) for n in range(30)}
    assert all(receiver.begun[number] >= 2 for number in held)


def test_rows_of_which_no_worker_was_told_are_found(scene: Scene, receiver: Receiver) -> None:
    receiver.is_open.set()
    scene.add(20)
    scene.clock.huey.storage.flush_queue()
    scene.start()
    wait_until(lambda: scene.backlog().waiting == 0, what="everything delivered")
    assert receiver.begun == Counter({str(n): 1 for n in range(20)})


def test_a_worker_that_is_asked_to_end_finishes_what_it_began(
    scene: Scene, receiver: Receiver
) -> None:
    scene.add(30)
    first = scene.start()
    wait_until(lambda: len(receiver.begun) == 3, what="deliveries under way")
    first.terminate()
    receiver.is_open.set()
    assert first.wait(120) == 0
    begun = len(receiver.begun)
    assert scene.backlog().waiting == 30 - begun
    assert set(receiver.begun.values()) == {1}
    scene.start()
    wait_until(lambda: scene.backlog().waiting == 0, what="everything delivered")
    assert receiver.begun == Counter({str(n): 1 for n in range(30)})


def test_what_is_written_while_a_worker_runs_is_delivered(scene: Scene, receiver: Receiver) -> None:
    receiver.is_open.set()
    scene.add(1)
    scene.start()
    wait_until(lambda: scene.backlog().waiting == 0, what="the worker at work")
    scene.add(1)
    wait_until(lambda: scene.backlog().waiting == 0, what="the second delivery")


def test_a_worker_whose_parent_was_killed_ends(scene: Scene) -> None:
    program = str(ROOT / "tests/idp/work/deliver.py")
    parent = subprocess.Popen(
        [sys.executable, program, "--supervised", *scene.arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    scene.processes.append(parent)
    assert parent.stdout is not None
    with parent.stdout:
        worker = int(parent.stdout.readline())
        parent.kill()
        try:
            wait_until(lambda: not _is_alive(worker)(), what="the worker's end")
        finally:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)


def _is_alive(pid: int | None) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            return " Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except OSError:  # there is no such process, or it went while we looked
            return False

    return ask


def test_a_worker_that_dies_is_started_again(scene: Scene, receiver: Receiver) -> None:
    receiver.is_open.set()
    supervisor = Supervisor(partial(make_worker, *scene.arguments))
    watching = threading.Thread(target=supervisor.watch)
    watching.start()
    try:
        scene.add(3)
        wait_until(lambda: scene.backlog().waiting == 0, what="the first worker's work")
        killed = supervisor.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        scene.add(3)
        wait_until(lambda: scene.backlog().waiting == 0, what="the second worker's work")
        second = supervisor.pid
        assert second not in {None, killed}
    finally:
        supervisor.stop()
        watching.join(120)
    assert not watching.is_alive()
    wait_until(lambda: not _is_alive(second)(), what="the worker's end")


def test_a_worker_that_lived_well_is_started_again_at_once() -> None:
    """A few deaths in a year must not make every restart after them wait for ten seconds."""
    pauses = [0.0]
    for _ in range(8):
        pauses.append(pause_before_restart(pauses[-1], lived_s=1.0))
    assert pauses[1:] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert pause_before_restart(10.0, lived_s=61.0) == 0.2
