"""Which root key wraps.

Revision 0002, after 0001, 2026-11-21.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('root_key',
    sa.Column('scope', sa.String(length=16), nullable=False),
    sa.Column('kek_id', sa.String(length=16), nullable=False),
    sa.Column('current_from_ms', sa.BigInteger(), nullable=False),
    sa.Column('leaving_from_ms', sa.BigInteger(), nullable=True),
    sa.Column('left_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('scope', 'kek_id')
    )
    with op.batch_alter_table('root_key', schema=None) as batch_op:
        batch_op.create_index('uq_root_key_current', ['scope'], unique=True, sqlite_where=sa.text('leaving_from_ms IS NULL'), postgresql_where=sa.text('leaving_from_ms IS NULL'))
