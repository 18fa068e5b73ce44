"""Who put a certificate or a key on hold, and the way to where a key was used.

Revision 0011, after 0010, 2026-11-22.

Needs: time and room for an index over the log, built beside those who write. Workers of the version
before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from idp.storage.migrations.indexes import AddedIndex, make_indexes

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INDEXES = (
    AddedIndex(
        name="log_event_of_use",
        table="log_event",
        columns=("account_id", "at_ms", "writer", "seq"),
        where="type IN ('sign:activation:accepted', 'sign:activation:refused')",
    ),
)


def upgrade() -> None:
    """Go one step forward."""
    # nobody knows it of those that are on hold already: they are nobody's own to lift
    with op.batch_alter_table('certificate', schema=None) as batch_op:
        batch_op.add_column(sa.Column('held_by', sa.String(length=16), nullable=True))
    with op.batch_alter_table('personal_key', schema=None) as batch_op:
        batch_op.add_column(sa.Column('suspended_reason', sa.String(length=40), nullable=True))
    make_indexes(INDEXES)
