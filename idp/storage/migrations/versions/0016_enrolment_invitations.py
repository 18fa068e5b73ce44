"""Invitations to enrol second factors anew.

Revision 0016, after 0015, 2026-11-22.

Needs: nothing. The tables are new, and nobody writes accounts for the moment in which they come to
point at them; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('enrolment_invitation',
    sa.Column('invitation_id', sa.String(length=40), nullable=False),
    sa.Column('account_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('first_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('second_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('controller_id', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.String(length=24), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('asked_ms', sa.BigInteger(), nullable=False),
    sa.Column('ready_ms', sa.BigInteger(), nullable=True),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_key'], ['account.account_key'], ),
    sa.ForeignKeyConstraint(['first_key'], ['account.account_key'], ),
    sa.ForeignKeyConstraint(['second_key'], ['account.account_key'], ),
    sa.PrimaryKeyConstraint('invitation_id')
    )
    with op.batch_alter_table('enrolment_invitation', schema=None) as batch_op:
        batch_op.create_index('ix_enrolment_invitation_account', ['account_key'], unique=False)
        batch_op.create_index('ix_enrolment_invitation_expires', ['expires_ms'], unique=False)
