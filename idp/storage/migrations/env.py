"""How Alembic runs our migrations: inside the connection that the caller opened.

Run by Alembic only.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.operations.ops import CreateTableOp

from idp.storage.schema import all_metadata


def _leave_out_declarations(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """What a table declares about its data belongs to the code, not to a step of the past."""
    for operation in directives[0].upgrade_ops.ops:
        if isinstance(operation, CreateTableOp):
            operation.info = {}
            for column in operation.columns:
                column.info = {}


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=list(all_metadata()),
    render_as_batch=True,
    compare_type=True,
    process_revision_directives=_leave_out_declarations,
)
context.run_migrations()
