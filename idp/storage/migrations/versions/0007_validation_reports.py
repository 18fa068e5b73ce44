"""Reports of checks of signed documents, kept for agencies.

Revision 0007, after 0006, 2026-11-22.

Needs: nothing. The tables are new; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('validation_report',
    sa.Column('report_id', sa.String(length=40), nullable=False),
    sa.Column('client_id', sa.String(length=128), nullable=False),
    sa.Column('retention', sa.String(length=40), nullable=False),
    sa.Column('content_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('purge_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('report_id')
    )
    with op.batch_alter_table('validation_report', schema=None) as batch_op:
        batch_op.create_index('ix_validation_report_client', ['client_id', 'created_ms'], unique=False)
        batch_op.create_index('ix_validation_report_purge', ['purge_ms'], unique=False)
