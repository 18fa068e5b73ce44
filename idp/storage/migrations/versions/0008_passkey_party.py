"""The relying party that passkeys are enrolled for.

Revision 0008, after 0007, 2026-11-22.

Needs: nothing. The tables are new; workers of the version before go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    op.create_table('passkey_party',
    sa.Column('party_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('rp_id', sa.String(length=253), nullable=False),
    sa.Column('settled_ms', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('party_id')
    )
