"""A restore that is killed loses nothing: the same command is given again, or nothing was changed.

On SQLite the database is replaced by one rename.  On PostgreSQL it lies under another name until
the copy is in its place; what a kill leaves is refused by the service, and restored over.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import select, text

from idp.storage.accounts import account
from idp.storage.database import Database
from tests.support.servers import PostgresqlServer, wait_until
from tests.support.serving import environment, prepare

_ANTIN: Final = str(Path(sys.executable).with_name("antin"))


class _Office:
    """A deployment, and its commands as processes."""

    def __init__(self, folder: Path, *, url: str) -> None:
        self.folder = folder
        self.url = url
        self.settings = prepare(folder, database_url=url)

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [_ANTIN, *words],
            env=environment(self.settings),
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add(self, number: str) -> str:
        words = ("--number", number, "--name", "Người Thử Nghiệm", "--level", "1")
        return self.run("accounts", "add", *words).strip()

    def kill_restore_when(self, is_time: Callable[[], bool], *options: str) -> None:
        process = subprocess.Popen(
            [_ANTIN, "restore", str(self.folder / "b"), "--yes", *options],
            env=environment(self.settings),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(is_time, what="the copy beside the database")
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -9

    def accounts(self) -> set[str]:
        database = Database(self.url, pool_size=1)
        try:
            with database.read() as connection:
                return set(connection.execute(select(account.c.account_id)).scalars())
        finally:
            database.close()


def test_on_sqlite_a_killed_restore_has_changed_nothing(tmp_path: Path) -> None:
    office = _Office(tmp_path, url=f"sqlite:///{tmp_path / 'antin.db'}")
    first = office.add("003091000017")
    office.run("backup", str(tmp_path / "b"))
    second = office.add("003091000025")
    staged = tmp_path / "antin.db.restoring"
    office.kill_restore_when(staged.exists)
    assert office.accounts() == {first, second}
    assert "restored" in office.run("restore", str(tmp_path / "b"), "--yes")
    assert office.accounts() == {first}
    assert not staged.exists()
    (kept,) = tmp_path.glob("antin.db.before-restore-*")
    office.url = f"sqlite:///{kept}"
    assert office.accounts() == {first, second}


def test_on_postgresql_a_killed_restore_keeps_the_database_and_is_done_again(
    tmp_path: Path, postgresql_server: PostgresqlServer
) -> None:
    name = postgresql_server.make_database()
    office = _Office(tmp_path, url=postgresql_server.url(name))
    first = office.add("003091000017")
    office.run("backup", str(tmp_path / "b"))
    second = office.add("003091000025")
    # --force: whoever watches is connected too
    office.kill_restore_when(lambda: "before_restore" in _schemas(office.url), "--force")
    wait_until(lambda: postgresql_server.connections_to(name) == 0, what="the end of it")
    assert _accounts_in(office.url, "before_restore") == {first, second}
    assert "restored" in office.run("restore", str(tmp_path / "b"), "--yes")
    assert office.accounts() == {first}
    (kept,) = (one for one in _schemas(office.url) if one.startswith("before_restore"))
    assert _accounts_in(office.url, kept) == {first, second}


def _schemas(url: str) -> set[str]:
    return _ask(url, "SELECT nspname FROM pg_namespace")


def _accounts_in(url: str, schema: str) -> set[str]:
    return _ask(url, f"SELECT account_id FROM {schema}.account")  # noqa: S608 - a name of ours


def _ask(url: str, question: str) -> set[str]:
    database = Database(url, pool_size=1)
    try:
        with database.read() as connection:
            return set(connection.execute(text(question)).scalars())
    finally:
        database.close()
