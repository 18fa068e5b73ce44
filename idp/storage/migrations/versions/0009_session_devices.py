"""What a browser said that it is, kept with its session.

Revision 0009, after 0008, 2026-11-22.

Needs: nothing. Workers of the version before leave the column empty and go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    with op.batch_alter_table('browser_session', schema=None) as batch_op:
        # nobody knows it of those that run already; workers of the release before do not say it
        batch_op.add_column(sa.Column('device', sa.String(length=40), nullable=False, server_default=sa.text("''")))
