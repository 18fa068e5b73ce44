"""A database that commits, and whose answer never arrives.

What lives here: `lose_answers`, for tests of what becomes of files then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from idp.storage.open_connections import OpenConnection


@contextmanager
def lose_answers() -> Iterator[None]:
    """Break each connection as soon as it has committed, before anybody is told."""
    commit = OpenConnection.commit

    def commit_unheard(held: Any) -> None:
        commit(held)
        held.connection.invalidate()
        raise OperationalError("COMMIT", None, Exception("the server closed the connection"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OpenConnection, "commit", commit_unheard)
        yield
