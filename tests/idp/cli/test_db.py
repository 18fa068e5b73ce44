"""`antin db` as an operator types it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from idp.cli.db import db


@pytest.mark.parametrize("rows", ["0", "-5", "100001"])
def test_a_batch_that_deletes_nothing_or_everything_at_once_is_refused(rows: str) -> None:
    """SQLite takes a negative limit for none at all: one transaction would delete everything."""
    refused = CliRunner().invoke(db, ["purge", "--batch", rows])
    assert refused.exit_code == 2
    assert "--batch" in refused.stderr
