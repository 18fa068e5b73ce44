"""`antin db` as an operator types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from click.testing import CliRunner

from idp.cli.db import db
from idp.errors import StorageUnavailable, UpgradeRunning
from idp.storage.database import Database
from idp.storage.schema import alembic_config
from idp.storage.upgrading import LOCK
from keystore.storage import lock_until_commit
from tests.support.servers import PostgresqlServer


@pytest.mark.parametrize("rows", ["0", "-5", "100001"])
def test_a_batch_that_deletes_nothing_or_everything_at_once_is_refused(rows: str) -> None:
    """SQLite takes a negative limit for none at all: one transaction would delete everything."""
    refused = CliRunner().invoke(db, ["purge", "--batch", rows])
    assert refused.exit_code == 2
    assert "--batch" in refused.stderr


def test_no_root_key_is_made_for_a_database_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIN_ISSUER", "https://login.example")
    monkeypatch.setenv("ANTIN_VAR", str(tmp_path))
    monkeypatch.setenv("ANTIN_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    refused = CliRunner().invoke(db, ["upgrade"])
    assert isinstance(refused.exception, StorageUnavailable)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.delenv("ANTIN_DATABASE_URL")
    done = CliRunner().invoke(db, ["upgrade"])
    assert done.exit_code == 0
    assert "root key made" in done.stdout
    assert "root key made" not in CliRunner().invoke(db, ["upgrade"]).stdout


def test_an_upgrade_says_how_far_it_is_and_that_there_is_another(
    postgresql_server: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql_server.url(postgresql_server.make_database())
    monkeypatch.setenv("ANTIN_ISSUER", "https://login.example")
    monkeypatch.setenv("ANTIN_VAR", str(tmp_path))
    monkeypatch.setenv("ANTIN_DATABASE_URL", url)
    database = Database(url, pool_size=2)
    config = alembic_config()
    with database.transaction() as tx:
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "0019")
    with database.transaction() as tx:
        lock_until_commit(tx, name=LOCK)
        refused = CliRunner().invoke(db, ["upgrade"])
    assert refused.exit_code == 1
    assert "somebody else changes the tables already (process " in refused.stderr
    done = CliRunner().invoke(db, ["upgrade"])
    assert "0020: index log_event_seldom, built beside those who write" in done.stdout
    assert done.stdout.endswith("the tables are up to date\n")
    database.close()


def test_another_upgrade_that_has_just_ended_has_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UpgradeRunning(backend=None)

    monkeypatch.setenv("ANTIN_ISSUER", "https://login.example")
    monkeypatch.setenv("ANTIN_VAR", str(tmp_path))
    monkeypatch.setattr("idp.cli.db.upgrade", refuse)
    refused = CliRunner().invoke(db, ["upgrade"])
    assert refused.exit_code == 1
    assert "(process unknown of PostgreSQL)" in refused.stderr
