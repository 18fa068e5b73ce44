"""Mandates are found by whoever gave them.

Revision 0019, after 0018, 2026-11-22.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward."""
    with op.batch_alter_table('mandate', schema=None) as batch_op:
        batch_op.create_index('ix_mandate_given_by', ['given_by'], unique=False)
