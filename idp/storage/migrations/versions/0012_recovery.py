"""Cases that people opened, and resets that may still be stopped.

Revision 0012, after 0011, 2026-11-22.

Needs: nothing. The tables are new, and nobody writes accounts for the moment in which they come to
point at them; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('account_case',
    sa.Column('case_id', sa.String(length=40), nullable=False),
    sa.Column('number', sa.String(length=12), nullable=False),
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('facts_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('opened_ms', sa.BigInteger(), nullable=False),
    sa.Column('closed_ms', sa.BigInteger(), nullable=True),
    sa.Column('outcome', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('case_id'),
    sa.UniqueConstraint('number')
    )
    with op.batch_alter_table('account_case', schema=None) as batch_op:
        batch_op.create_index('ix_account_case_account', ['account_key', 'opened_ms'], unique=False)
    op.create_table('account_recovery',
    sa.Column('recovery_id', sa.String(length=40), nullable=False),
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('proofs', sa.String(length=80), nullable=False),
    sa.Column('stop_mac', sa.LargeBinary(length=32), nullable=False),
    sa.Column('done_ms', sa.BigInteger(), nullable=False),
    sa.Column('waits_until_ms', sa.BigInteger(), nullable=False),
    sa.Column('stopped_ms', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('recovery_id')
    )
    with op.batch_alter_table('account_recovery', schema=None) as batch_op:
        batch_op.create_index('ix_account_recovery_account', ['account_key', 'waits_until_ms'], unique=False)
        batch_op.create_index('ix_account_recovery_expiry', ['waits_until_ms'], unique=False)
