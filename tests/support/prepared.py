"""A database as an operator prepares it, quickly however many tests want one.

What lives here: `prepare_database`.  Every revision runs once in a test process, on SQLite; what
came of it is written where the next one is wanted.  That all revisions together make what is
declared is tested (`tests/idp/storage/test_upgrades.py`).
Not here: databases for tests without processes, which are made from what is declared (`stores.py`).
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from idp.storage.database import Database
from idp.storage.deployment import stamp
from idp.storage.schema import upgrade

_FILE: Final = "sqlite:///"


def prepare_database(url: str, *, is_sandbox: bool) -> None:
    """Make the tables of a database that has none, and say whose it is."""
    if url.startswith(_FILE) and not (file := Path(url.removeprefix(_FILE))).exists():
        file.write_bytes(_upgraded())
        file.chmod(0o600)
    database = Database(url, pool_size=1)
    try:
        upgrade(database)
        stamp(database, is_sandbox=is_sandbox)
    finally:
        database.close()


@cache
def _upgraded() -> bytes:
    """A SQLite file with every revision and no row."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "antin.db"
        database = Database(f"{_FILE}{file}", pool_size=1)
        upgrade(database)
        database.close()
        assert [one.name for one in Path(folder).iterdir()] == [file.name], "all of it is in it"
        return file.read_bytes()
