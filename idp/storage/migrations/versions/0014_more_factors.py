"""Authenticators with names, codes by message, recovery codes.

Revision 0014, after 0013, 2026-11-22.

Needs: nothing. The columns are empty, the tables are new, and nobody writes accounts for the moment
in which they come to point at them; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    with op.batch_alter_table('totp', schema=None) as batch_op:
        batch_op.add_column(sa.Column('name_sealed', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('used_ms', sa.BigInteger(), nullable=True))
    op.create_table('contact',
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('channel', sa.String(length=8), nullable=False),
    sa.Column('address_mac', sa.LargeBinary(length=32), nullable=False),
    sa.Column('is_factor', sa.Boolean(), nullable=False),
    sa.Column('since_ms', sa.BigInteger(), nullable=False),
    sa.Column('serves_ms', sa.BigInteger(), nullable=False),
    sa.Column('used_ms', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('account_key', 'channel')
    )
    op.create_table('recovery_code',
    sa.Column('code_id', sa.String(length=40), nullable=False),
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code_mac', sa.LargeBinary(length=32), nullable=False),
    sa.Column('made_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('code_id')
    )
    with op.batch_alter_table('recovery_code', schema=None) as batch_op:
        batch_op.create_index('ix_recovery_code_account', ['account_key'], unique=False)
