"""What was prepared for a signature lies in its row, and who finishes it stands there.

Revision 0021, after 0020, 2026-11-22.

Needs: nothing.  Workers of the version before go on: a window whose preparation lies in its row is
closed to them, so whoever comes to one of them opens another.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    with op.batch_alter_table('signing_preparation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('prepared_sealed', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('closes_ms', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('left_ms', sa.BigInteger(), nullable=True))
