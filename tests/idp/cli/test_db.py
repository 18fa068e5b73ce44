"""`antin db` as an operator types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from idp.cli.db import db
from idp.errors import StorageUnavailable


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
