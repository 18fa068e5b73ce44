"""Mandates that representatives give, who agreed to them, and when a register was last asked.

Revision 0013, after 0012, 2026-11-22.

Needs: nothing. Workers of the version before give mandates without the new columns and go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    with op.batch_alter_table('mandate', schema=None) as batch_op:
        batch_op.add_column(sa.Column('ended_why', sa.String(length=24), nullable=True))
        batch_op.add_column(sa.Column('given_by', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('given_under', sa.String(length=40), nullable=True))
        # workers of the release before give none that need an agreement
        batch_op.add_column(sa.Column('agreements', sa.Integer(), nullable=False, server_default=sa.text("0")))
        batch_op.add_column(sa.Column('decide_ms', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('recheck_ms', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('holds_until_ms', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('evidence_sealed', sa.LargeBinary(), nullable=True))

    op.create_table('mandate_agreement',
    sa.Column('mandate_id', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('agreed_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandate.mandate_id'], ),
    sa.PrimaryKeyConstraint('mandate_id', 'account_id')
    )
    op.create_table('charter',
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('agreements', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(length=64), nullable=False),
    sa.Column('changed_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('account_key')
    )
