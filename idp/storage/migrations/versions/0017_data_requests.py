"""What people ask about their data, and whose sharing is restricted.

Revision 0017, after 0016, 2026-11-22.

Needs: nothing. The tables are new; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('data_request',
    sa.Column('number', sa.String(length=16), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('state', sa.String(length=14), nullable=False),
    sa.Column('by_processor', sa.Boolean(), nullable=False),
    sa.Column('legal', sa.String(length=80), nullable=False),
    sa.Column('wish_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('reason_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('answer_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('asked_ms', sa.BigInteger(), nullable=False),
    sa.Column('acknowledge_due_ms', sa.BigInteger(), nullable=False),
    sa.Column('acknowledged_ms', sa.BigInteger(), nullable=True),
    sa.Column('answer_due_ms', sa.BigInteger(), nullable=False),
    sa.Column('extended_ms', sa.BigInteger(), nullable=True),
    sa.Column('not_before_ms', sa.BigInteger(), nullable=False),
    sa.Column('ended_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('number')
    )
    with op.batch_alter_table('data_request', schema=None) as batch_op:
        batch_op.create_index('ix_data_request_account', ['account_id', 'asked_ms'], unique=False)
        batch_op.create_index('ix_data_request_open', ['state', 'answer_due_ms'], unique=False)
        batch_op.create_index('ix_data_request_ended', ['ended_ms'], unique=False)
    op.create_table('data_restriction',
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('number', sa.String(length=16), nullable=False),
    sa.Column('since_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('account_id')
    )
