"""Officials, and their duties.

Revision 0010, after 0009, 2026-11-22.

Needs: nothing. The tables are new, and nobody writes accounts for the moment in which they come to
point at them; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('official',
    sa.Column('official_id', sa.String(length=40), nullable=False),
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('controller_id', sa.String(length=64), nullable=False),
    sa.Column('duty', sa.String(length=16), nullable=False),
    sa.Column('valid_from_ms', sa.BigInteger(), nullable=False),
    sa.Column('valid_to_ms', sa.BigInteger(), nullable=True),
    sa.Column('ended_ms', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('official_id')
    )
    with op.batch_alter_table('official', schema=None) as batch_op:
        batch_op.create_index('ix_official_account', ['account_key', 'duty'], unique=False)
