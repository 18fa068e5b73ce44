"""Write the next migration from the difference between the tables in code and the last one.

Run `.venv/bin/python scripts/make_migration.py "what changes"`, then read what it wrote.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from idp.storage.database import Database
from idp.storage.schema import alembic_config, upgrade


def main(message: str) -> None:
    """Upgrade an empty database to the newest revision, then compare."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'compare.db'}")
        upgrade(database)
        config = alembic_config()
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True)
        database.close()


if __name__ == "__main__":
    main(sys.argv[1])
