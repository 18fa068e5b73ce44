"""Proofings at a counter that wait for their second act.

Revision 0015, after 0014, 2026-11-22.

Needs: nothing. The tables are new, and nobody writes accounts for the moment in which they come to
point at them; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('counter_proofing',
    sa.Column('proofing_id', sa.String(length=40), nullable=False),
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('official_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('second_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('controller_id', sa.String(length=64), nullable=False),
    sa.Column('document', sa.String(length=24), nullable=False),
    sa.Column('code_mac', sa.LargeBinary(length=32), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('started_ms', sa.BigInteger(), nullable=False),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.ForeignKeyConstraint(['official_key'], ['account.account_key'], ),
    sa.ForeignKeyConstraint(['second_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('proofing_id')
    )
    with op.batch_alter_table('counter_proofing', schema=None) as batch_op:
        batch_op.create_index('ix_counter_proofing_account', ['account_key'], unique=False)
        batch_op.create_index('ix_counter_proofing_expires', ['expires_ms'], unique=False)
