"""Files of breaches of personal data.

Revision 0018, after 0017, 2026-11-22.

Needs: nothing. The tables are new; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('breach',
    sa.Column('number', sa.String(length=16), nullable=False),
    sa.Column('kinds', sa.String(length=200), nullable=False),
    sa.Column('persons', sa.Integer(), nullable=False),
    sa.Column('detected_ms', sa.BigInteger(), nullable=False),
    sa.Column('opened_ms', sa.BigInteger(), nullable=False),
    sa.Column('report_due_ms', sa.BigInteger(), nullable=False),
    sa.Column('people_due_ms', sa.BigInteger(), nullable=True),
    sa.Column('reported_ms', sa.BigInteger(), nullable=True),
    sa.Column('closed_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('number')
    )
    with op.batch_alter_table('breach', schema=None) as batch_op:
        batch_op.create_index('ix_breach_closed', ['closed_ms'], unique=False)
    op.create_table('breach_entry',
    sa.Column('number', sa.String(length=16), nullable=False),
    sa.Column('position', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('section', sa.String(length=12), nullable=False),
    sa.Column('operator', sa.String(length=64), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.Column('text_sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['number'], ['breach.number'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('number', 'position')
    )
    op.create_table('breach_account',
    sa.Column('number', sa.String(length=16), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('added_ms', sa.BigInteger(), nullable=False),
    sa.Column('told_ms', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['number'], ['breach.number'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('number', 'account_id')
    )
    with op.batch_alter_table('breach_account', schema=None) as batch_op:
        batch_op.create_index('ix_breach_account_account', ['account_id'], unique=False)
