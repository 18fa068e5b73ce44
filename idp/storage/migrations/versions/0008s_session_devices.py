"""What a browser said that it is, kept with its session.

Revision 0008s, after 0007, 2026-11-22.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008s"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    with op.batch_alter_table('browser_session', schema=None) as batch_op:
        # nobody knows it of those that run already
        batch_op.add_column(sa.Column('device', sa.String(length=40), nullable=False, server_default=''))

    with op.batch_alter_table('browser_session', schema=None) as batch_op:
        batch_op.alter_column('device', server_default=None)
